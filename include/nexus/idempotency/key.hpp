// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_KEY_HPP
#define NEXUS_IDEMPOTENCY_KEY_HPP

#include <cstddef>
#include <functional>
#include <string_view>

#include "nexus/idempotency/detail/json_text.hpp"
#include "nexus/idempotency/detail/text.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The identity of a command: (tenant, operation, client key). Equal only when all three are.
// Immutable. A copy never allocates: it is of the object's 224 bytes, and of a counted handle for
// each text that does not fit in there. A moved-from key is still the key.
// Thread-safety: distinct objects, also copies of one another: safe.
class IdempotencyKey {
 public:
  // Not explicit, so that `begin({tenant, operation, client_key}, fingerprint)` compiles.
  // Errors: std::bad_alloc.
  IdempotencyKey(const TenantId& tenant, const OperationRef& operation, const ClientKey& client_key)
      : tenant_(tenant),
        operation_(operation),
        client_key_(client_key),
        encoded_(encode(tenant, operation, client_key)) {}

  // Lifetimes of what the four return: as long as this object.
  [[nodiscard]] const TenantId& tenant() const noexcept { return tenant_; }
  [[nodiscard]] const OperationRef& operation() const noexcept { return operation_; }
  [[nodiscard]] const ClientKey& client_key() const noexcept { return client_key_; }

  // Returns: the JSON array ["tenant","operation","client key"] without blanks, made once. It is
  // injective: different keys have different encodings. At most 3,082 bytes.
  [[nodiscard]] std::string_view encoded() const noexcept { return encoded_.view(); }

  [[nodiscard]] friend bool operator==(const IdempotencyKey& a, const IdempotencyKey& b) noexcept {
    return a.encoded() == b.encoded();
  }

 private:
  using Encoding = detail::TextStorage<103>;  // room for what a UUID and usual names make

  // Most texts are known to need no escapes since they were checked.
  template <class Text>
  static std::size_t escaped_size(const Text& text) noexcept {
    if (detail::TextAccess::is_known_plain(text)) return text.value().size();
    return detail::escaped_size(text.value());
  }

  static Encoding encode(const TenantId& tenant, const OperationRef& operation,
                         const ClientKey& client_key) {
    const std::string_view texts[] = {tenant.value(), operation.value(), client_key.value()};
    const std::size_t sizes[] = {escaped_size(tenant), escaped_size(operation),
                                 escaped_size(client_key)};
    constexpr std::size_t punctuation = std::string_view(R"(["","",""])").size();
    return Encoding(sizes[0] + sizes[1] + sizes[2] + punctuation, [&](char* out) noexcept {
      *out++ = '[';
      for (std::size_t i = 0; i < 3; ++i) {
        if (i > 0) *out++ = ',';
        *out++ = '"';
        out = detail::write_escaped(out, texts[i], sizes[i]);
        *out++ = '"';
      }
      *out = ']';
    });
  }

  TenantId tenant_;
  OperationRef operation_;
  ClientKey client_key_;
  Encoding encoded_;
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
