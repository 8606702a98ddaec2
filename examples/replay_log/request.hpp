// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_REQUEST_HPP
#define NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_REQUEST_HPP

#include <cstddef>
#include <cstdint>
#include <nexus/idempotency.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace replay_log {

namespace idem = nexus::idempotency;

// One line of the log.
struct Request {
  idem::IdempotencyKey key;
  idem::RequestFingerprint fingerprint;
  // Whether the server carried the command out if it got as far as doing it. The log tells by its
  // `fate`: "200", and "drop-before-reply" (the client never heard of it), against "500" and "503".
  bool takes_effect;
};

// A line that is no request. what() is the reason, and quotes nothing of the line.
class BadLine : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Returns: the fingerprint of a body. A body that fits is its own fingerprint: in brackets, so that
// blanks at its ends count and an empty one is a fingerprint too. A longer one is represented by
// its size and a hash from either end. That tells apart what honest clients send, but whoever wants
// to can find two bodies with the same FNV hashes: a service should take a cryptographic digest,
// such as SHA-256, for every body.
inline idem::RequestFingerprint fingerprint_of(std::string_view body) {
  if (body.size() + 2 <= idem::RequestFingerprint::max_length) {
    return idem::RequestFingerprint("[" + std::string(body) + "]");
  }
  const auto fnv1a = [](auto first, auto last) {
    std::uint64_t hash = 14695981039346656037u;
    for (; first != last; ++first) {
      hash = (hash ^ static_cast<unsigned char>(*first)) * 1099511628211u;
    }
    return std::to_string(hash);
  };
  return idem::RequestFingerprint(std::to_string(body.size()) + " bytes " +
                                  fnv1a(body.begin(), body.end()) + " " +
                                  fnv1a(body.rbegin(), body.rend()));
}

namespace detail {

inline const nlohmann::json& member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw BadLine(std::string("no member \"") + name + "\"");
  return *found;
}

inline const std::string& text(const nlohmann::json& object, const char* name) {
  const nlohmann::json& value = member(object, name);
  if (!value.is_string()) throw BadLine(std::string("member \"") + name + "\" is not a string");
  return value.get_ref<const std::string&>();
}

inline const std::string& text_not_empty(const nlohmann::json& object, const char* name) {
  const std::string& value = text(object, name);
  if (value.empty()) throw BadLine(std::string("member \"") + name + "\" is empty");
  return value;
}

inline nlohmann::json parse_json(std::string_view line) {
  try {
    return nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& error) {
    throw BadLine("not JSON in UTF-8, see byte " + std::to_string(error.byte));
  }
}

inline bool takes_effect(std::string_view fate) {
  if (fate == "200" || fate == "drop-before-reply") return true;
  if (fate == "500" || fate == "503") return false;
  throw BadLine("unknown \"fate\"");
}

}  // namespace detail

// Returns: the request that a line of the log describes.
// Errors: BadLine.
inline Request parse_request(std::string_view line) {
  const nlohmann::json log = detail::parse_json(line);
  if (!log.is_object()) throw BadLine("not a JSON object");
  const nlohmann::json& headers = detail::member(log, "headers");
  if (!headers.is_object()) throw BadLine("member \"headers\" is not an object");
  try {
    // The operation has the whole path, so a key that is reused for another resource is another
    // command.
    return {{idem::TenantId(detail::text(headers, "stripe-account")),
             idem::OperationRef(detail::text_not_empty(log, "method") + " " +
                                detail::text_not_empty(log, "path")),
             idem::ClientKey(detail::text(headers, "idempotency-key"))},
            fingerprint_of(detail::text(log, "body")),
            detail::takes_effect(detail::text(log, "fate"))};
  } catch (const idem::InvalidValueError& error) {
    throw BadLine(error.what());  // such as "ClientKey is too long"
  }
}

}  // namespace replay_log

#endif  // NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_REQUEST_HPP
