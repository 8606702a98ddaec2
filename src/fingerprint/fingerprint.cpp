// SPDX-License-Identifier: MIT
#include "nexus/idempotency/fingerprint.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "fingerprint/body_kind.hpp"
#include "fingerprint/json_parts.hpp"
#include "fingerprint/json_pointer.hpp"
#include "fingerprint/sha256.hpp"
#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {

using fingerprint::BodyKind;
using fingerprint::Sha256;
using fingerprint::Sha256Digest;

namespace {

std::vector<fingerprint::JsonPointer> pointers(const std::vector<std::string>& texts) {
  std::vector<fingerprint::JsonPointer> parsed;
  for (const std::string& text : texts) {
    std::optional<fingerprint::JsonPointer> pointer = fingerprint::parse_json_pointer(text);
    if (!pointer) throw InvalidValueError("FingerprintOptions has a text that is no JSON Pointer");
    parsed.push_back(*std::move(pointer));
  }
  // The order in which they are named, and how often, makes no difference.
  const auto less = [](const auto& a, const auto& b) { return a.text < b.text; };
  const auto same = [](const auto& a, const auto& b) { return a.text == b.text; };
  std::sort(parsed.begin(), parsed.end(), less);
  parsed.erase(std::unique(parsed.begin(), parsed.end(), same), parsed.end());
  return parsed;
}

std::vector<std::string> header_names(const std::vector<std::string>& names) {
  std::vector<std::string> lower;
  for (const std::string& name : names) {
    if (name.empty()) throw InvalidValueError("FingerprintOptions has an empty header name");
    lower.push_back(fingerprint::lower_case(name));
  }
  std::sort(lower.begin(), lower.end());
  lower.erase(std::unique(lower.begin(), lower.end()), lower.end());
  return lower;
}

std::vector<std::string_view> values_of(const RequestHead& head, std::string_view lower_name) {
  std::vector<std::string_view> values;
  for (const auto& [name, value] : head.headers) {
    if (name.size() == lower_name.size() && fingerprint::lower_case(name) == lower_name) {
      values.push_back(fingerprint::trim_blanks(value));
    }
  }
  return values;
}

// How a body counts, and its digest under that heading.
struct BodyDigest {
  std::string_view heading;
  Sha256Digest digest;
};

BodyDigest digest_of_bytes(std::string_view body) {
  Sha256 hash;
  hash.add_raw(body);
  return {"bytes", hash.finish()};
}

}  // namespace

struct RequestFingerprinter::Rules {
  std::vector<std::string> headers;
  fingerprint::JsonRules json;
  std::size_t max_parsed_bytes;

  // Effects: adds all but the body. Returns: what the body is said to be.
  [[nodiscard]] BodyKind add_head(Sha256& hash, const RequestHead& head) const {
    hash.add_part("nexus-idempotency/request/1");
    hash.add_part(head.method);
    hash.add_part(head.path);
    hash.add_part(head.query);
    hash.add_number(headers.size());
    for (const std::string& name : headers) {
      const std::vector<std::string_view> values = values_of(head, name);
      hash.add_part(name);
      hash.add_number(values.size());
      for (const std::string_view value : values) hash.add_part(value);
    }
    const std::vector<std::string_view> types = values_of(head, "content-type");
    hash.add_number(types.size());
    if (types.size() == 1) {
      const fingerprint::MediaType type = fingerprint::media_type(types.front());
      hash.add_part(type.counts);
      return type.kind;
    }
    for (const std::string_view type : types) hash.add_part(type);
    return BodyKind::bytes;
  }

  // Returns: how the whole body counts.
  [[nodiscard]] BodyDigest digest(BodyKind kind, std::string_view body) const {
    std::optional<BodyDigest> digest;
    if (body.size() <= max_parsed_bytes) {
      if (kind == BodyKind::json) digest = digest_of_json(body);
      if (kind == BodyKind::form) digest = digest_of_form(body);
    }
    return digest ? *digest : digest_of_bytes(body);
  }

 private:
  // Returns: nothing if it has no canonical form.
  [[nodiscard]] std::optional<BodyDigest> digest_of_json(std::string_view body) const {
    const auto read = fingerprint::read_json(body, json);
    const auto* parts = std::get_if<fingerprint::JsonParts>(&read);
    if (parts == nullptr) return std::nullopt;
    Sha256 hash;
    if (json.include.empty()) {
      hash.add_raw(parts->whole);
      return BodyDigest{"json", hash.finish()};
    }
    for (std::size_t i = 0; i < json.include.size(); ++i) {
      const std::optional<std::string>& part = parts->included[i];
      hash.add_part(json.include[i].text);
      hash.add_number(part ? 1 : 0);
      if (part) hash.add_part(*part);
    }
    return BodyDigest{"json-parts", hash.finish()};
  }

  [[nodiscard]] static std::optional<BodyDigest> digest_of_form(std::string_view body) {
    const std::optional<fingerprint::FormPairs> pairs = fingerprint::form_pairs(body);
    if (!pairs) return std::nullopt;
    Sha256 hash;
    for (const auto& [name, value] : *pairs) {
      hash.add_part(name);
      hash.add_part(value);
    }
    return BodyDigest{"form", hash.finish()};
  }
};

namespace {

RequestFingerprint finished(Sha256& hash, const BodyDigest& body) {
  hash.add_part(body.heading);
  hash.add_part({body.digest.data(), body.digest.size()});
  return fingerprint::fingerprint_of(hash.finish());
}

}  // namespace

RequestFingerprint fingerprint_of_bytes(std::string_view bytes) {
  return fingerprint::fingerprint_of(digest_of_bytes(bytes).digest);
}

RequestFingerprinter::RequestFingerprinter(FingerprintOptions options) {
  if (options.max_depth > json_depth_limit) {
    throw InvalidValueError("FingerprintOptions: max_depth is too great");
  }
  Rules rules;
  rules.headers = header_names(options.headers);
  rules.json.numbers = options.numbers;
  rules.json.max_depth = options.max_depth;
  rules.json.include = pointers(options.include);
  rules.json.exclude = pointers(options.exclude);
  if (!rules.json.exclude.empty() && rules.json.exclude.front().tokens.empty()) {
    throw InvalidValueError("FingerprintOptions excludes the whole body");
  }
  rules.max_parsed_bytes = options.max_parsed_bytes;
  rules_ = std::make_shared<const Rules>(std::move(rules));
}

RequestFingerprint RequestFingerprinter::operator()(const RequestHead& head,
                                                    std::string_view body) const {
  Sha256 hash;
  const BodyKind kind = rules_->add_head(hash, head);
  return finished(hash, rules_->digest(kind, body));
}

struct FingerprintStream::Impl {
  std::shared_ptr<const RequestFingerprinter::Rules> rules;
  Sha256 hash{};
  BodyKind kind = BodyKind::bytes;
  std::string kept;  // the body so far, while it may be parsed
  Sha256 bytes{};    // its digest, once it is to count by its bytes
};

FingerprintStream RequestFingerprinter::start(const RequestHead& head) const {
  auto impl = std::make_unique<FingerprintStream::Impl>();
  impl->rules = rules_;
  impl->kind = rules_->add_head(impl->hash, head);
  return FingerprintStream(std::move(impl));
}

FingerprintStream::FingerprintStream(std::unique_ptr<Impl> impl) noexcept
    : impl_(std::move(impl)) {}
FingerprintStream::~FingerprintStream() = default;
FingerprintStream::FingerprintStream(FingerprintStream&&) noexcept = default;
FingerprintStream& FingerprintStream::operator=(FingerprintStream&&) noexcept = default;

void FingerprintStream::update(std::string_view piece) {
  Impl& impl = *impl_;
  if (impl.kind != BodyKind::bytes) {
    if (piece.size() <= impl.rules->max_parsed_bytes - impl.kept.size()) {
      impl.kept += piece;
      return;
    }
    impl.kind = BodyKind::bytes;
    impl.bytes.add_raw(impl.kept);
    impl.kept = std::string();
  }
  impl.bytes.add_raw(piece);
}

RequestFingerprint FingerprintStream::finish() {
  Impl& impl = *impl_;
  if (impl.kind != BodyKind::bytes) {
    return finished(impl.hash, impl.rules->digest(impl.kind, impl.kept));
  }
  return finished(impl.hash, {"bytes", impl.bytes.finish()});
}

}  // namespace v0
}  // namespace nexus::idempotency
