// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SHARDED_STORE_HPP
#define NEXUS_IDEMPOTENCY_SHARDED_STORE_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nexus/idempotency/detail/config.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

struct Shard {
  // What the shard is known by, in every process and for ever: renaming one moves its tenants.
  std::string name;
  // Preconditions: lives as long as whatever routes to it.
  IdempotencyStore* store;
};

// A store over several stores, each of which has the tenants that fall to it. All records of a
// tenant are in one of them, so a tenant's own tables may be there too, and be written in one
// transaction with them.
//
// Where a tenant goes is decided by its name and the shards' names alone (rendezvous hashing: the
// shard whose hash with the tenant is greatest), so processes agree without talking. Of n + 1
// shards a new one takes over 1/(n + 1) of the tenants, a share of each; no other tenant moves.
//
// Changing the shards. A tenant that moves leaves its records behind, and what was executed there
// would execute again. So, for a new shard: find the tenants that move, by shard_of() of a store
// with the new list; hold their commands back; wait until none of their claims is pending (one
// lease at most); copy their records to the new shard, rows as they are; switch every process to
// the new list; let the commands go on; remove the old copies. Removing a shard is the same. Two
// lists in use at the same time for one tenant are two answers to the same command.
//
// Errors: those of the shard. A shard that is down takes only its own tenants with it.
// Thread-safety: that of the shards; it has no state of its own.
class NEXUS_IDEMPOTENCY_API ShardedIdempotencyStore final : public IdempotencyStore {
 public:
  // The order of the shards makes no difference.
  // Errors: InvalidValueError if there is no shard, or a name is empty or occurs twice, or a store
  // is null.
  explicit ShardedIdempotencyStore(std::vector<Shard> shards) : shards_(std::move(shards)) {
    if (shards_.empty()) throw InvalidValueError("a sharded store needs a shard");
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      if (shards_[i].name.empty() || shards_[i].store == nullptr) {
        throw InvalidValueError("a shard needs a name and a store");
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (shards_[i].name == shards_[j].name) {
          throw InvalidValueError("two shards have the same name");
        }
      }
    }
  }
  ShardedIdempotencyStore(const ShardedIdempotencyStore&) = delete;
  ShardedIdempotencyStore& operator=(const ShardedIdempotencyStore&) = delete;

  // Returns: the shard that has this tenant. Lifetimes: as long as this object.
  [[nodiscard]] const Shard& shard_of(const TenantId& tenant) const noexcept {
    const Shard* owner = nullptr;
    std::uint64_t greatest = 0;
    for (const Shard& shard : shards_) {
      const std::uint64_t weight = weight_of(shard.name, tenant.value());
      // The same hash twice is next to impossible; then the names decide, whatever their order.
      if (owner == nullptr || weight > greatest ||
          (weight == greatest && shard.name > owner->name)) {
        owner = &shard;
        greatest = weight;
      }
    }
    return *owner;
  }

  [[nodiscard]] std::optional<IdempotencyRecord> find(const IdempotencyKey& key) override {
    return shard_of(key.tenant()).store->find(key);
  }

  [[nodiscard]] ClaimPendingResult claim_pending(const IdempotencyRecord& candidate) override {
    return shard_of(candidate.key.tenant()).store->claim_pending(candidate);
  }

  [[nodiscard]] bool save_if(const WriteGuard& guard, const IdempotencyRecord& next) override {
    return shard_of(next.key.tenant()).store->save_if(guard, next);
  }

  // Purges one shard after the other. Errors: the first shard's that had one, after all the others
  // have been purged as far as `limit` goes.
  std::size_t purge_expired(Timestamp before, std::size_t limit) override {
    std::size_t removed = 0;
    std::exception_ptr error;
    for (const Shard& shard : shards_) {
      if (removed == limit) break;
      try {
        removed += shard.store->purge_expired(before, limit - removed);
      } catch (...) {
        if (!error) error = std::current_exception();
      }
    }
    if (error) std::rethrow_exception(error);
    return removed;
  }

 private:
  // FNV-1a over both names with a NUL between them, then the finalizer of MurmurHash3, without
  // which names that differ in their last letter would have similar weights. Never to be changed:
  // it is where the records are.
  [[nodiscard]] static std::uint64_t weight_of(std::string_view shard,
                                               std::string_view tenant) noexcept {
    std::uint64_t hash = 14695981039346656037U;
    const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1099511628211U; };
    for (const char c : shard) add(static_cast<unsigned char>(c));
    add(0);
    for (const char c : tenant) add(static_cast<unsigned char>(c));
    hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
    hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53U;
    return hash ^ (hash >> 33U);
  }

  const std::vector<Shard> shards_;
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_SHARDED_STORE_HPP
