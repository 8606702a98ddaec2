// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_VALUES_HPP
#define NEXUS_IDEMPOTENCY_VALUES_HPP

// The five text values. Each is a type of its own, so that a tenant can't be passed for a key.
//
// A text is trimmed of " \t\n\r\0\x0B" at both ends; what is left must be at least one and at most
// max_length bytes long and valid UTF-8, otherwise the constructor throws InvalidValueError and
// parse() returns nothing. Bytes inside are kept as they are, control bytes and NUL included.
// Values are equal when their bytes are, and ordered by their bytes.
// Thread-safety: distinct objects, also copies of one another: safe.

#include <compare>
#include <cstddef>
#include <functional>
#include <ostream>
#include <string_view>

#include "nexus/idempotency/detail/text.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// Whose command it is: the account or customer, as the service has authenticated it. Two tenants
// never see each other's keys.
class TenantId final : public detail::Text<TenantId, 39> {
 public:
  static constexpr std::size_t max_length = 128;
  static constexpr std::string_view type_name = "TenantId";
  using Text::Text;
};

// What is done: a stable name such as "payments.charge". Write it down as text; a name derived
// from a function or a route changes with the next refactoring, and every key with it.
class OperationRef final : public detail::Text<OperationRef, 39> {
 public:
  static constexpr std::size_t max_length = 128;
  static constexpr std::string_view type_name = "OperationRef";
  using Text::Text;
};

// Which call of it: chosen by the client, the same for every retry, such as a UUID.
class ClientKey final : public detail::Text<ClientKey, 39> {
 public:
  static constexpr std::size_t max_length = 256;
  static constexpr std::string_view type_name = "ClientKey";
  using Text::Text;
};

// What was asked: a digest of the request. Retries have the same; another request under the same
// key has another, and gets Conflict.
class RequestFingerprint final : public detail::Text<RequestFingerprint, 71> {
 public:
  static constexpr std::size_t max_length = 512;
  static constexpr std::string_view type_name = "RequestFingerprint";
  using Text::Text;
};

// Which execution it is: the unguessable secret that binds one execution to its outcome. Printing
// one prints "<redacted>".
class AttemptToken final : public detail::Text<AttemptToken, 39> {
 public:
  static constexpr std::size_t max_length = 128;
  static constexpr std::string_view type_name = "AttemptToken";
  using Text::Text;
};

inline std::ostream& operator<<(std::ostream& out, const TenantId& id) {
  return out << id.value();
}
inline std::ostream& operator<<(std::ostream& out, const OperationRef& operation) {
  return out << operation.value();
}
inline std::ostream& operator<<(std::ostream& out, const ClientKey& key) {
  return out << key.value();
}
inline std::ostream& operator<<(std::ostream& out, const RequestFingerprint& fingerprint) {
  return out << fingerprint.value();
}
inline std::ostream& operator<<(std::ostream& out, const AttemptToken&) {
  return out << "<redacted>";
}

}  // namespace v0
}  // namespace nexus::idempotency

template <>
struct std::hash<nexus::idempotency::TenantId>
    : nexus::idempotency::detail::TextHash<nexus::idempotency::TenantId> {};
template <>
struct std::hash<nexus::idempotency::OperationRef>
    : nexus::idempotency::detail::TextHash<nexus::idempotency::OperationRef> {};
template <>
struct std::hash<nexus::idempotency::ClientKey>
    : nexus::idempotency::detail::TextHash<nexus::idempotency::ClientKey> {};
template <>
struct std::hash<nexus::idempotency::RequestFingerprint>
    : nexus::idempotency::detail::TextHash<nexus::idempotency::RequestFingerprint> {};
template <>
struct std::hash<nexus::idempotency::AttemptToken>
    : nexus::idempotency::detail::TextHash<nexus::idempotency::AttemptToken> {};

#endif  // NEXUS_IDEMPOTENCY_VALUES_HPP
