// SPDX-License-Identifier: MIT
#pragma once

// The store of the simulation: one key, one optional record, and each call as a plain function of
// the record to the next record and an answer. Small enough to be seen to keep the contract of
// nexus/idempotency/ports.hpp; and each way of breaking that contract is one line here.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "nexus/idempotency/ports.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/time.hpp"

namespace interleavings {

using namespace nexus::idempotency;

// What the store is made to do wrong, to prove that it would be noticed.
enum class StoreMutation {
  none,
  ignore_token,        // of the guard's clauses, one is left out
  ignore_fingerprint,  //
  ignore_status,       //
  ignore_lease,        //
  upsert,              // a guarded write inserts where there is nothing
  split_claim,         // a claim looks and inserts in two steps
  shortening_renewal,  // a renewal sets the deadline that it brings, even an earlier one
  purge_everything,    // a purge ignores its condition
  split_purge,         // a purge selects and deletes in two steps
};

// One scheduled step of one process. The first three are not calls of the store.
enum class OpKind {
  read_clock,
  advance_clock,
  work,  // the command itself has its effect
  find,
  claim,
  save_if,
  purge,
  // Steps that no store offers; only broken code is made of them.
  peek,    // read the newest record
  put,     // write, whatever is there
  remove,  // delete, whatever is there
};

[[nodiscard]] constexpr std::string_view to_string(OpKind kind) noexcept {
  switch (kind) {
    case OpKind::read_clock:
      return "clock.now";
    case OpKind::advance_clock:
      return "time passes";
    case OpKind::work:
      return "work";
    case OpKind::find:
      return "find";
    case OpKind::claim:
      return "claim_pending";
    case OpKind::save_if:
      return "save_if";
    case OpKind::purge:
      return "purge_expired";
    case OpKind::peek:
      return "peek";
    case OpKind::put:
      return "put";
    case OpKind::remove:
      return "remove";
  }
  return "?";
}

struct Op {
  OpKind kind;
  std::optional<IdempotencyRecord> record{};  // claim, save_if, put
  std::optional<WriteGuard> guard{};          // save_if
  Timestamp before{};                         // purge
  Duration advance{};                         // advance_clock
};

using Stored = std::optional<IdempotencyRecord>;

struct Answer {
  bool changed = false;  // the record was inserted, replaced or removed
  Stored seen{};         // find, peek; claim, if there was a record

  friend bool operator==(const Answer&, const Answer&) = default;
};

[[nodiscard]] inline bool holds(const WriteGuard& guard, const IdempotencyRecord& stored,
                                StoreMutation mutation) {
  using enum StoreMutation;
  const bool over = stored.expires_at.has_value() && guard.now > *stored.expires_at;
  return (mutation == ignore_token || stored.attempt_token == guard.attempt_token) &&
         (mutation == ignore_fingerprint || stored.fingerprint == guard.fingerprint) &&
         (mutation == ignore_status || stored.status == guard.status) &&
         (mutation == ignore_lease || guard.lease == LeaseCondition::any ||
          over == (guard.lease == LeaseCondition::lapsed));
}

// Effects: does `op`, a call of the store, to `stored` in one step.
inline Answer apply(const Op& op, Stored& stored, StoreMutation mutation) {
  switch (op.kind) {
    case OpKind::find:
    case OpKind::peek:
      return {false, stored};
    case OpKind::claim:
      if (stored) return {false, stored};
      stored = op.record;
      return {true};
    case OpKind::save_if: {
      if (!stored && mutation != StoreMutation::upsert) return {};
      if (stored && !holds(*op.guard, *stored, mutation)) return {};
      IdempotencyRecord next = *op.record;
      const bool renewal = stored && stored->status == RecordStatus::pending &&
                           next.status == RecordStatus::pending &&
                           stored->attempt_token == next.attempt_token;
      if (renewal && mutation != StoreMutation::shortening_renewal) {
        const bool some_never = !stored->expires_at || !next.expires_at;
        next.expires_at = some_never ? std::optional<Timestamp>()
                                     : std::max(*stored->expires_at, *next.expires_at);
      }
      stored = next;
      return {true};
    }
    case OpKind::purge:
      if (!stored) return {};
      if (mutation != StoreMutation::purge_everything &&
          !(stored->expires_at && *stored->expires_at < op.before)) {
        return {};
      }
      stored.reset();
      return {true};
    case OpKind::put:
      stored = op.record;
      return {true};
    case OpKind::remove: {
      const bool was_there = stored.has_value();
      stored.reset();
      return {was_there};
    }
    case OpKind::read_clock:
    case OpKind::advance_clock:
    case OpKind::work:
      break;
  }
  return {};
}

}  // namespace interleavings
