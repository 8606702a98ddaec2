// SPDX-License-Identifier: MIT
// The encoding of a key is byte for byte what nlohmann writes, and reads back as the three parts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nexus/idempotency/key.hpp"

namespace {

using namespace nexus::idempotency;

void require(bool condition) {
  if (!condition) std::abort();
}

// Cuts off the part whose length the first byte of `text` tells.
std::string_view cut(std::string_view& text) {
  if (text.empty()) return {};
  const std::size_t length =
      std::min<std::size_t>(static_cast<unsigned char>(text.front()), text.size() - 1);
  const std::string_view part = text.substr(1, length);
  text.remove_prefix(1 + length);
  return part;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<TenantId> tenant = TenantId::parse(cut(text));
  const std::optional<OperationRef> operation = OperationRef::parse(cut(text));
  const std::optional<ClientKey> client_key = ClientKey::parse(text);
  if (!tenant || !operation || !client_key) return 0;

  const IdempotencyKey key(*tenant, *operation, *client_key);
  require(key.encoded() ==
          nlohmann::json::array({tenant->value(), operation->value(), client_key->value()}).dump());
  require(key.encoded().size() <= 3082);
  const auto parts = nlohmann::json::parse(key.encoded()).get<std::vector<std::string>>();
  require(parts.size() == 3);
  require(parts[0] == tenant->value());
  require(parts[1] == operation->value());
  require(parts[2] == client_key->value());
  require(IdempotencyKey(TenantId(parts[0]), OperationRef(parts[1]), ClientKey(parts[2])) == key);
  return 0;
}
