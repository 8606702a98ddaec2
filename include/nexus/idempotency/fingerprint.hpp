// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_HPP

// Component fingerprint: digests that tell whether two requests ask for the same, "sha256:" and 64
// hex digits. Requests that differ in spelling only (the order of JSON members, blanks, how a
// number or a form is written) have the same; requests that ask for different things never do.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// Which numbers of JSON are the same.
enum class JsonNumbers {
  // Equal decimals: 1.0, 1 and 10e-1 are one number; 2^64 and 2^64 + 1 are two, and so are 0.1 and
  // 0.10000000000000001, and -0 and 0.
  exact,
  // Equal when rounded to a double, as RFC 8785 has it: 2^64 and 2^64 + 1 are one number.
  binary64,
};

// Why a text has no canonical form.
enum class JsonFault {
  syntax,               // not JSON, not UTF-8, half a surrogate pair, or a byte order mark
  duplicate_member,     // an object has two members of one name
  too_deep,             // more arrays and objects within one another than allowed
  number_out_of_range,  // beyond the range of a double
};

[[nodiscard]] constexpr std::string_view to_string(JsonFault fault) noexcept {
  switch (fault) {
    case JsonFault::syntax:
      return "syntax";
    case JsonFault::duplicate_member:
      return "duplicate_member";
    case JsonFault::too_deep:
      return "too_deep";
    case JsonFault::number_out_of_range:
      return "number_out_of_range";
  }
  return "unknown";
}

// The greatest max_depth.
inline constexpr std::size_t json_depth_limit = 1000;

// Returns: the canonical form of a JSON text, or why it has none. With JsonNumbers::binary64 it is
// that of RFC 8785 (JCS); with `exact` it differs from that only in numbers that are no shortest
// form of a double, which keep all their digits.
// `max_depth` counts arrays and objects; more than json_depth_limit is taken for that.
// Errors: std::bad_alloc. Thread-safety: safe.
[[nodiscard]] NEXUS_IDEMPOTENCY_API std::variant<std::string, JsonFault> canonical_json(
    std::string_view text, JsonNumbers numbers = JsonNumbers::exact, std::size_t max_depth = 64);

// Returns: the fingerprint of bytes as they are, for a command that is no HTTP request.
// Errors: IdempotencyError if OpenSSL has no SHA-256; std::bad_alloc.
[[nodiscard]] NEXUS_IDEMPOTENCY_API RequestFingerprint fingerprint_of_bytes(std::string_view bytes);

// All of a request but its body. Borrowed.
struct RequestHead {
  std::string_view method;
  std::string_view path;   // as sent: nothing is decoded
  std::string_view query;  // as sent, without the "?"; none and an empty one are the same
  std::span<const std::pair<std::string, std::string>> headers;
};

struct FingerprintOptions {
  // Names of headers whose values count, besides Content-Type, which always does. The case of a
  // name is no matter.
  std::vector<std::string> headers;

  // JSON Pointers (RFC 6901) into a JSON body. What `exclude` names is left out, as if it had not
  // been sent: for what differs from try to try, such as a timestamp. If `include` is not empty,
  // only what it names counts. What both name is left out.
  std::vector<std::string> include;
  std::vector<std::string> exclude;

  JsonNumbers numbers = JsonNumbers::exact;

  // A body of JSON or a form that is larger counts by its bytes, so that it need not be kept.
  std::size_t max_parsed_bytes = std::size_t{1} << 20;

  // A JSON body that is deeper counts by its bytes. At most json_depth_limit.
  std::size_t max_depth = 64;
};

class FingerprintStream;

// Makes fingerprints of HTTP requests: of method, path, query, the chosen headers, and the body.
//
// How a body counts depends on its Content-Type:
//   JSON (application/json, text/json, …+json): by its canonical form. A text that has none (see
//     JsonFault) counts by its bytes: a retry that sends them again has the same fingerprint.
//   application/x-www-form-urlencoded: by its decoded pairs, in their order, for there are
//     servers to which the order of different names matters. With a broken escape: by its bytes.
//   anything else, multipart included, and what names a charset other than UTF-8: by its bytes.
// Two bodies that count in different ways never have the same fingerprint.
//
// The encoding will not change within a minor version: fingerprints are kept in stores.
//
// Thread-safety: safe.
class NEXUS_IDEMPOTENCY_API RequestFingerprinter {
 public:
  // Errors: InvalidValueError: a pointer is none, `exclude` names the whole body, a header name
  // is empty, or max_depth is over its limit.
  explicit RequestFingerprinter(FingerprintOptions options = {});

  // Errors: IdempotencyError if OpenSSL has no SHA-256; std::bad_alloc.
  [[nodiscard]] RequestFingerprint operator()(const RequestHead& head, std::string_view body) const;

  // Begins a fingerprint whose body comes in pieces; it is the same as that of the whole body.
  // Lifetimes: `head` is borrowed for this call only; the stream may outlive the fingerprinter.
  [[nodiscard]] FingerprintStream start(const RequestHead& head) const;

 private:
  friend class FingerprintStream;
  struct Rules;
  std::shared_ptr<const Rules> rules_;
};

// Keeps at most max_parsed_bytes of the body; of one that counts by its bytes, nothing.
// Thread-safety: one thread at a time. A moved-from stream may only be destroyed or assigned to.
class NEXUS_IDEMPOTENCY_API FingerprintStream {
 public:
  ~FingerprintStream();
  FingerprintStream(FingerprintStream&&) noexcept;
  FingerprintStream& operator=(FingerprintStream&&) noexcept;

  void update(std::string_view piece);

  // Preconditions: not called before.
  [[nodiscard]] RequestFingerprint finish();

 private:
  friend class RequestFingerprinter;
  struct Impl;
  explicit FingerprintStream(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_HPP
