// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_BASELINE_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_BASELINE_HPP

// What people write by hand: one mutex around one std::unordered_map, whose key is a JSON text and
// whose value is a struct of strings; and a stronger one, with 64 of them and the library's fast
// key. Fixed: the figures of different versions of the library are ratios to these.
//
// They do the same checks as the service: deadlines, fingerprint, status, token. They are written
// for speed as far as their shape allows: one lookup a call, key, clock and result string made
// outside of the lock, a token only where one is needed.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "nexus/idempotency/detail/json_text.hpp"

namespace nexus::idempotency::benchmarks {

using WallTime = std::chrono::system_clock::time_point;

struct HandWrittenRecord {
  enum class Status { pending, completed };

  std::string tenant;
  std::string operation;
  std::string client_key;
  std::string fingerprint;
  std::string token;
  std::string result;
  Status status = Status::pending;
  WallTime created_at;
  WallTime last_transition_at;
  WallTime expires_at;
};

// Returns: 32 hexadecimal digits of the generator that comes to mind first. Fast, and guessable.
[[nodiscard]] inline std::string hand_written_token() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::string token(32, '0');
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < token.size(); ++i, bits >>= 4) {
    if (i % 16 == 0) bits = random();
    token[i] = "0123456789abcdef"[bits & 0xF];
  }
  return token;
}

struct NlohmannKey {
  using Map = std::unordered_map<std::string, HandWrittenRecord>;
  using Lookup = const std::string&;  // what the map is asked with

  [[nodiscard]] static std::string encode(std::string_view tenant, std::string_view operation,
                                          std::string_view client_key) {
    return nlohmann::json::array({tenant, operation, client_key}).dump();
  }
  [[nodiscard]] static std::pair<Map::iterator, bool> find_or_insert(Map& map, std::string&& key) {
    return map.try_emplace(std::move(key));
  }
};

// The same bytes by the library's encoder, on the stack; looked up without making a string.
struct FastKey {
  struct Hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view key) const noexcept {
      return std::hash<std::string_view>{}(key);
    }
  };
  using Map = std::unordered_map<std::string, HandWrittenRecord, Hash, std::equal_to<>>;
  using Lookup = std::string_view;

  struct Encoded {
    std::array<char, 512> bytes;
    std::size_t size;
    operator std::string_view() const noexcept { return {bytes.data(), size}; }
  };

  // Preconditions: the parts are short enough for the buffer, as the benchmarks' are.
  [[nodiscard]] static Encoded encode(std::string_view tenant, std::string_view operation,
                                      std::string_view client_key) {
    Encoded encoded;
    char* out = encoded.bytes.data();
    *out++ = '[';
    for (const std::string_view part : {tenant, operation, client_key}) {
      *out++ = '"';
      out = detail::write_escaped(out, part, detail::escaped_size(part));
      *out++ = '"';
      *out++ = ',';
    }
    out[-1] = ']';
    encoded.size = static_cast<std::size_t>(out - encoded.bytes.data());
    return encoded;
  }
  [[nodiscard]] static std::pair<Map::iterator, bool> find_or_insert(Map& map,
                                                                     std::string_view key) {
    const auto found = map.find(key);
    if (found != map.end()) return {found, false};
    return map.try_emplace(std::string(key));
  }
};

// Thread-safety: safe.
template <class Key, std::size_t shard_count>
class HandWrittenStore {
 public:
  enum class Kind { first_execution, replay, in_progress, conflict };
  struct Decision {
    Kind kind;
    std::string token;   // of a first execution
    std::string result;  // of a replay
  };

  explicit HandWrittenStore(std::chrono::microseconds completed_ttl = std::chrono::hours{24})
      : completed_ttl_(completed_ttl) {}

  [[nodiscard]] Decision begin(std::string_view tenant, std::string_view operation,
                               std::string_view client_key, std::string_view fingerprint,
                               WallTime now) {
    auto key = Key::encode(tenant, operation, client_key);
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto [entry, inserted] = Key::find_or_insert(shard.map, std::move(key));
    HandWrittenRecord& record = entry->second;
    if (inserted) {
      record.tenant = tenant;
      record.operation = operation;
      record.client_key = client_key;
    }
    if (inserted || now > record.expires_at) {
      record.fingerprint = fingerprint;
      record.token = hand_written_token();
      record.result.clear();
      record.status = HandWrittenRecord::Status::pending;
      record.created_at = record.last_transition_at = now;
      record.expires_at = now + pending_ttl;
      return {Kind::first_execution, record.token, {}};
    }
    if (record.fingerprint != fingerprint) return {Kind::conflict, {}, {}};
    if (record.status == HandWrittenRecord::Status::pending) return {Kind::in_progress, {}, {}};
    return {Kind::replay, {}, record.result};
  }

  // Returns: whether the outcome was recorded.
  [[nodiscard]] bool complete(std::string_view tenant, std::string_view operation,
                              std::string_view client_key, std::string_view fingerprint,
                              std::string_view token, std::string result, WallTime now) {
    const auto key = Key::encode(tenant, operation, client_key);
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto entry = shard.map.find(static_cast<typename Key::Lookup>(key));
    if (entry == shard.map.end()) return false;
    HandWrittenRecord& record = entry->second;
    if (record.status != HandWrittenRecord::Status::pending || record.token != token ||
        record.fingerprint != fingerprint) {
      return false;
    }
    record.result = std::move(result);
    record.status = HandWrittenRecord::Status::completed;
    record.last_transition_at = now;
    record.expires_at = now + completed_ttl_;
    return true;
  }

  void set_completed_ttl(std::chrono::microseconds ttl) noexcept { completed_ttl_ = ttl; }

  // Returns: how many were removed.
  std::size_t purge_expired(WallTime before) {
    std::size_t removed = 0;
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      removed += std::erase_if(
          shard.map, [before](const auto& entry) { return entry.second.expires_at < before; });
    }
    return removed;
  }

 private:
  static constexpr std::chrono::minutes pending_ttl{15};

  struct alignas(64) Shard {
    std::mutex mutex;
    typename Key::Map map;
  };

  [[nodiscard]] Shard& shard_of(std::string_view key) noexcept {
    if constexpr (shard_count == 1) return shards_[0];
    return shards_[std::hash<std::string_view>{}(key) / (SIZE_MAX / shard_count + 1)];
  }

  std::chrono::microseconds completed_ttl_;
  std::array<Shard, shard_count> shards_;
};

using BaselineStore = HandWrittenStore<NlohmannKey, 1>;
using ShardedBaselineStore = HandWrittenStore<FastKey, 64>;

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_BASELINE_HPP
