// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/stored_response.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency {
inline namespace v0 {
namespace {

constexpr std::string_view magic = "NXHR\x01";  // and the version of the encoding
constexpr char without_body = 0;
constexpr char with_body = 1;

void put_number(std::string& out, std::uint32_t number) {
  const auto byte = [number](int shift) {
    return static_cast<char>(static_cast<unsigned char>(number >> shift));
  };
  const std::array<char, 4> bytes{byte(24), byte(16), byte(8), byte(0)};
  out.append(bytes.data(), bytes.size());
}

// What is longer than a length can say is longer than an envelope too, and is never written out.
void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::size_t size_of(const HeaderFields& headers) noexcept {
  std::size_t size = 0;
  for (const auto& [name, value] : headers) size += 8 + name.size() + value.size();
  return size;
}

// Takes an envelope apart. Errors of all: StoreErrc::corrupt.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] static StoreError corrupt() {
    return {StoreErrc::corrupt, "a stored response is not what could have been written"};
  }

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw corrupt();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint32_t number() {
    std::uint32_t number = 0;
    for (const char byte : take(4)) number = number << 8 | static_cast<unsigned char>(byte);
    return number;
  }

  std::string_view text() { return take(number()); }

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

ResultEnvelope encode_response(const StoredResponse& response) {
  if (response.status < 100 || response.status > 999) {
    throw InvalidValueError("a stored response needs a status from 100 to 999");
  }
  constexpr std::size_t fixed = magic.size() + 4 + 1 + 4;  // status, flag, number of fields
  const std::size_t headers_size = size_of(response.headers);
  const std::size_t body_size = response.body ? 4 + response.body->size() : 0;
  const bool keep_headers = fixed + headers_size <= ResultEnvelope::max_bytes;
  const bool keep_body = response.body.has_value() && keep_headers &&
                         fixed + headers_size + body_size <= ResultEnvelope::max_bytes;

  std::string out;
  out.reserve(fixed + (keep_headers ? headers_size : 0) + (keep_body ? body_size : 0));
  out += magic;
  put_number(out, static_cast<std::uint32_t>(response.status));
  out += keep_body ? with_body : without_body;
  put_number(out, keep_headers ? static_cast<std::uint32_t>(response.headers.size()) : 0);
  if (keep_headers) {
    for (const auto& [name, value] : response.headers) {
      put_text(out, name);
      put_text(out, value);
    }
  }
  if (keep_body) put_text(out, *response.body);
  return ResultEnvelope(std::move(out));
}

StoredResponse decode_response(const ResultEnvelope& envelope) {
  Reader reader(envelope.payload());
  if (reader.take(magic.size()) != magic) throw Reader::corrupt();
  const std::uint32_t status = reader.number();
  if (status < 100 || status > 999) throw Reader::corrupt();
  const char flag = reader.take(1).front();
  if (flag != without_body && flag != with_body) throw Reader::corrupt();

  StoredResponse response{static_cast<int>(status), {}, std::nullopt};
  for (std::uint32_t left = reader.number(); left > 0; --left) {
    const std::string_view name = reader.text();
    const std::string_view value = reader.text();
    if (!is_header_name(name) || !is_header_value(value)) throw Reader::corrupt();
    response.headers.emplace_back(name, value);
  }
  if (flag == with_body) response.body = reader.text();
  if (!reader.at_end()) throw Reader::corrupt();
  return response;
}

}  // namespace v0
}  // namespace nexus::idempotency
