// SPDX-License-Identifier: MIT
// Bytes are either refused as corrupt, or are the one encoding of the response that they decode to.
// And every response that a handler can give comes back as it was, or without its body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/http/response_policy.hpp"
#include "nexus/idempotency/http/stored_response.hpp"

namespace {

using namespace nexus::idempotency;

void require(bool condition) {
  if (!condition) std::abort();
}

std::optional<StoredResponse> decoded(std::string_view bytes) {
  try {
    return decode_response(ResultEnvelope(std::string(bytes)));
  } catch (const StoreError& error) {
    require(error.code() == StoreErrc::corrupt);
    return std::nullopt;
  }
}

// Cuts `text` at the next zero byte.
std::string cut(std::string_view& text) {
  const std::size_t at = std::min(text.find('\0'), text.size());
  const std::string part(text.substr(0, at));
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (size >= 1 && size <= ResultEnvelope::max_bytes) {
    if (const std::optional<StoredResponse> response = decoded(text)) {
      require(encode_response(*response).payload() == text);
      require(response->status >= 100 && response->status <= 999);
      for (const auto& [name, value] : response->headers) {
        require(is_header_name(name) && is_header_value(value));
      }
    }
  }

  // The same bytes as a response: how often its body is repeated, then fields, then the body.
  if (size < 2) return 0;
  const std::size_t times = data[0] == 255 ? 5000 : 1;
  const int status = 100 + data[1] * 3;
  text.remove_prefix(2);
  HeaderFields headers;
  while (!text.empty() && text.front() == 'h') {
    text.remove_prefix(1);
    std::string name = cut(text);
    headers.emplace_back(std::move(name), cut(text));
  }
  std::string body;
  for (std::size_t i = 0; i < times; ++i) body += text;
  const HeaderFields storable = ResponsePolicy().storable(headers);
  require(ResponsePolicy().storable(storable) == storable);
  const ResultEnvelope envelope = encode_response({status, storable, body});
  require(envelope.payload().size() <= ResultEnvelope::max_bytes);
  const StoredResponse back = decode_response(envelope);
  require(back.status == status);
  if (back.body) {
    require(back == StoredResponse{status, storable, body});
  } else {
    require(body.size() + 1000 > ResultEnvelope::max_bytes || !storable.empty());
    require(back.headers == storable || back.headers.empty());
  }
  return 0;
}
