// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/memory_table.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "unit/memory_samples.hpp"

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;
using nexus::idempotency::detail::MemoryRecord;
using nexus::idempotency::detail::MemoryTable;

namespace {

// Records and their hashes by number, so that a hash can be chosen for each.
struct Entry {
  std::uint64_t hash;
  Timestamp deadline;
};
using Entries = std::map<std::size_t, Entry>;

const IdempotencyKey& key_of(std::size_t n) {
  static std::vector<IdempotencyKey> keys;
  while (keys.size() <= n) keys.push_back(numbered_key(keys.size()));
  return keys[n];
}

void grow(MemoryTable& table) {
  MemoryTable::Slots larger(table.next_capacity());
  table.grow_into(larger);
}

void insert(MemoryTable& table, std::size_t n, Entry entry) {
  if (!table.has_room()) grow(table);
  table.insert({entry.hash, entry.deadline,
                MemoryRecord::make(claim_of(key_of(n), entry.deadline), true).release()});
}

void insert_at(MemoryTable& table, std::size_t n, std::uint64_t hash) {
  insert(table, n, {hash, base + Duration{static_cast<Duration::rep>(n)}});
}

std::size_t index_of(MemoryTable& table, MemoryTable::Slot* slot) {
  return static_cast<std::size_t>(slot - &table.slot(0));
}

// Returns: whether the table holds exactly `entries`, each found under its hash and nowhere twice.
// Plain code, as it runs a million times.
bool holds_exactly(MemoryTable& table, const Entries& entries) {
  std::size_t occupied = 0;
  for (std::size_t i = 0; i < table.capacity(); ++i) {
    if (table.slot(i).record != nullptr) ++occupied;
  }
  if (occupied != entries.size() || table.size() != entries.size()) return false;
  for (const auto& [n, entry] : entries) {
    const MemoryTable::Slot* slot = table.find(entry.hash, key_of(n).encoded());
    if (slot == nullptr || slot->record->encoded_key() != key_of(n).encoded() ||
        slot->hash != entry.hash || slot->deadline != entry.deadline) {
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a new table is empty and has no room") {
  MemoryTable table;
  CHECK(table.size() == 0);
  CHECK(table.capacity() == 0);
  CHECK_FALSE(table.has_room());
  CHECK(table.next_capacity() == 8);
  CHECK(table.find(0, key_of(0).encoded()) == nullptr);
}

TEST_CASE("a table has room up to three quarters, and grows twofold") {
  MemoryTable table;
  std::size_t n = 0;
  for (const std::size_t capacity : {8U, 16U, 32U, 64U}) {
    CHECK(table.next_capacity() == capacity);
    grow(table);
    CHECK(table.capacity() == capacity);
    while (n < capacity * 3 / 4) {
      CHECK(table.has_room());
      insert_at(table, n, n * 0x9E3779B97F4A7C15);
      ++n;
      CHECK(table.size() == n);
    }
    CHECK_FALSE(table.has_room());
  }
}

TEST_CASE("keys of one hash are told apart, and a key is looked for under its hash only") {
  MemoryTable table;
  for (std::size_t n = 0; n < 5; ++n) insert_at(table, n, 3);
  for (std::size_t n = 0; n < 5; ++n) {
    const MemoryTable::Slot* slot = table.find(3, key_of(n).encoded());
    REQUIRE(slot != nullptr);
    CHECK(slot->record->encoded_key() == key_of(n).encoded());
    CHECK(table.find(3 + 8, key_of(n).encoded()) == nullptr);  // the same home
    CHECK(table.find(2, key_of(n).encoded()) == nullptr);
  }
  CHECK(table.find(3, key_of(5).encoded()) == nullptr);
}

TEST_CASE("removal closes the gap, whatever the homes of the others, across the end too") {
  // Every way in which five records can have their homes in eight slots, each of the five removed.
  constexpr std::size_t records = 5;
  constexpr std::size_t ways = 8 * 8 * 8 * 8 * 8;
  std::size_t wrong = 0;
  std::size_t first_wrong = 0;
  for (std::size_t way = 0; way < ways; ++way) {
    for (std::size_t victim = 0; victim < records; ++victim) {
      MemoryTable table;
      Entries expected;
      for (std::size_t n = 0, homes = way; n < records; ++n, homes /= 8) {
        const Entry entry{homes % 8, base + Duration{static_cast<Duration::rep>(n)}};
        insert(table, n, entry);
        expected.emplace(n, entry);
      }
      MemoryTable::Slot* slot = table.find(expected.at(victim).hash, key_of(victim).encoded());
      const MemoryRecord::Pointer removed =
          slot == nullptr ? nullptr : table.remove(index_of(table, slot));
      expected.erase(victim);
      if (!removed || removed->encoded_key() != key_of(victim).encoded() ||
          !holds_exactly(table, expected)) {
        if (wrong++ == 0) first_wrong = way;
      }
    }
  }
  INFO("the first one that goes wrong, in octal digits from the right: " << first_wrong);
  CHECK(wrong == 0);
}

TEST_CASE("removal shifts a long run back across the end") {
  MemoryTable table;
  Entries expected;
  // A run from slot 14 of 16 over the end, with homes at 14, 15, 0 and 1.
  const std::uint64_t homes[] = {14, 14, 15, 14, 0, 15, 1, 14, 0};
  for (std::size_t n = 0; n < std::size(homes); ++n) {
    insert_at(table, n, homes[n] | 0x100 * n);  // as if of a larger table
    expected.emplace(n,
                     Entry{homes[n] | 0x100 * n, base + Duration{static_cast<Duration::rep>(n)}});
  }
  REQUIRE(table.capacity() == 16);
  for (const std::size_t victim : {1U, 4U, 0U, 8U, 2U, 7U, 3U, 6U, 5U}) {
    MemoryTable::Slot* slot = table.find(expected.at(victim).hash, key_of(victim).encoded());
    REQUIRE(slot != nullptr);
    CHECK(table.remove(index_of(table, slot))->encoded_key() == key_of(victim).encoded());
    expected.erase(victim);
    CHECK(holds_exactly(table, expected));
  }
}

TEST_CASE(
    "growing keeps every record, also of a run across the end, and hands the old slots back") {
  MemoryTable table;
  Entries expected;
  const std::uint64_t hashes[] = {7, 15, 7, 6, 23, 31};  // homes 7 7 7 6 7 7 in 8, spread in 32
  for (std::size_t n = 0; n < std::size(hashes); ++n) {
    insert_at(table, n, hashes[n]);
    expected.emplace(n, Entry{hashes[n], base + Duration{static_cast<Duration::rep>(n)}});
  }
  REQUIRE(table.capacity() == 8);
  for (const std::size_t capacity : {16U, 32U, 64U}) {
    MemoryTable::Slots larger(table.next_capacity());
    table.grow_into(larger);
    CHECK(table.capacity() == capacity);
    CHECK(larger.size() == capacity / 2);
    CHECK(holds_exactly(table, expected));
  }
}

TEST_CASE("a table agrees with a map over random inserts and removals") {
  const auto seed = GENERATE(range(1U, 21U));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  // Hashes of few values, so that runs are long and meet; all of them, or near the end of a table.
  const std::uint64_t spread = seed % 2 == 0 ? 3 : 11;
  MemoryTable table;
  Entries expected;
  for (int step = 0; step < 2000; ++step) {
    const std::size_t n = random() % 48;
    const auto at = expected.find(n);
    if (at == expected.end()) {
      const Entry entry{~std::uint64_t{0} - random() % spread * (seed % 3),
                        base + Duration{static_cast<Duration::rep>(random() % 1000)}};
      insert(table, n, entry);
      expected.emplace(n, entry);
    } else {
      MemoryTable::Slot* slot = table.find(at->second.hash, key_of(n).encoded());
      REQUIRE(slot != nullptr);
      REQUIRE(table.remove(index_of(table, slot))->encoded_key() == key_of(n).encoded());
      expected.erase(at);
    }
    REQUIRE(holds_exactly(table, expected));
  }
}
