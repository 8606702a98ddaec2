// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_KEY_HPP
#define NEXUS_IDEMPOTENCY_KEY_HPP

#include <cstddef>
#include <cstring>
#include <functional>
#include <string_view>

#include "nexus/idempotency/detail/json_text.hpp"
#include "nexus/idempotency/detail/shared_block.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The identity of a command: (tenant, operation, client key). Equal only when all three are.
// Immutable; a copy shares the contents and never allocates.
// Thread-safety: distinct objects, also copies of one another: safe.
class IdempotencyKey {
 public:
  // Not explicit, so that `begin({tenant, operation, client_key}, fingerprint)` compiles.
  // Errors: std::bad_alloc.
  IdempotencyKey(const TenantId& tenant, const OperationRef& operation, const ClientKey& client_key)
      : block_(make(tenant, operation, client_key)) {}

  // A key that was moved from may only be assigned to or destroyed.

  // Lifetimes of what the four return: as long as any copy of this key.
  [[nodiscard]] const TenantId& tenant() const noexcept { return block_.header().tenant; }
  [[nodiscard]] const OperationRef& operation() const noexcept { return block_.header().operation; }
  [[nodiscard]] const ClientKey& client_key() const noexcept { return block_.header().client_key; }

  // Returns: the JSON array ["tenant","operation","client key"] without blanks, made once. It is
  // injective: different keys have different encodings. At most 3,082 bytes.
  [[nodiscard]] std::string_view encoded() const noexcept { return block_.bytes(); }

  [[nodiscard]] friend bool operator==(const IdempotencyKey& a, const IdempotencyKey& b) noexcept {
    return a.block_.same_block(b.block_) || a.encoded() == b.encoded();
  }

 private:
  struct Parts {
    TenantId tenant;
    OperationRef operation;
    ClientKey client_key;
  };
  using Block = detail::SharedBlock<Parts>;

  static Block make(const TenantId& tenant, const OperationRef& operation,
                    const ClientKey& client_key) {
    const std::string_view texts[] = {tenant.value(), operation.value(), client_key.value()};
    const std::size_t sizes[] = {detail::escaped_size(texts[0]), detail::escaped_size(texts[1]),
                                 detail::escaped_size(texts[2])};
    constexpr std::size_t punctuation = std::string_view(R"(["","",""])").size();
    const auto write = [&](char* out) noexcept {
      *out++ = '[';
      for (std::size_t i = 0; i < 3; ++i) {
        if (i > 0) *out++ = ',';
        *out++ = '"';
        out = detail::write_escaped(out, texts[i], sizes[i]);
        *out++ = '"';
      }
      *out = ']';
    };
    return Block(sizes[0] + sizes[1] + sizes[2] + punctuation, write, tenant, operation,
                 client_key);
  }

  Block block_;
};

}  // namespace v0
}  // namespace nexus::idempotency

template <>
struct std::hash<nexus::idempotency::IdempotencyKey> {
  [[nodiscard]] std::size_t operator()(
      const nexus::idempotency::IdempotencyKey& key) const noexcept {
    return std::hash<std::string_view>{}(key.encoded());
  }
};

#endif  // NEXUS_IDEMPOTENCY_KEY_HPP
