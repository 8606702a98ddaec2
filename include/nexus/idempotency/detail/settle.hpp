// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_SETTLE_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_SETTLE_HPP

#include <string>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// Calls the store, and repeats the call up to `repeats` times while its answer is lost.
//
// Effects: sets `in_doubt` once an answer is lost; it stays set, for the call may have taken effect
//   whatever a later one says.
// Returns: the first answer.
// Errors: StoreError of `call`; but after a lost answer never one that promises that nothing
//   happened: that becomes StoreErrc::in_doubt.
template <class Call>
auto settle(int repeats, bool& in_doubt, Call&& call) {
  for (;;) {
    try {
      return call();
    } catch (const StoreError& error) {
      if (error.code() == StoreErrc::in_doubt) {
        in_doubt = true;
        if (repeats-- > 0) continue;
        throw;
      }
      if (in_doubt && error.is_transient()) {
        throw StoreError(StoreErrc::in_doubt, "no answer was had after one was lost",
                         std::string(error.native_code()));
      }
      throw;
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_SETTLE_HPP
