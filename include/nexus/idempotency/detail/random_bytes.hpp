// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_RANDOM_BYTES_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_RANDOM_BYTES_HPP

#include <sys/random.h>

#include <cerrno>
#include <cstddef>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace detail {

// Effects: fills `size` bytes from the kernel's generator.
// Errors: IdempotencyError if the kernel has none; there is no weaker source to fall back to.
inline void fill_random(void* out, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(bytes, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw IdempotencyError("the operating system gives no random bytes (getrandom)");
    }
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_DETAIL_RANDOM_BYTES_HPP
