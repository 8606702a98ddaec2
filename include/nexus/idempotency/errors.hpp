// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_ERRORS_HPP
#define NEXUS_IDEMPOTENCY_ERRORS_HPP

// Every exception of the library. The expected outcomes of a command (run, replay, wait, conflict)
// are values and never appear here. No `what()` holds a key, a token, a payload or a password, so
// each can be logged as it is.

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "nexus/idempotency/detail/config.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The root: `catch (const IdempotencyError&)` catches all that the library throws of its own.
class NEXUS_IDEMPOTENCY_API IdempotencyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A value that breaks its type's rules (empty, too long, not UTF-8, a negative duration).
// What to do: refuse the input; trying again with it fails again.
class NEXUS_IDEMPOTENCY_API InvalidValueError : public IdempotencyError {
 public:
  using IdempotencyError::IdempotencyError;
};

// Why a `complete`, `fail` or `renew` did not land.
enum class CompletionFailure {
  missing,               // no record: never begun here, purged, or a query port that lags
  superseded,            // a later attempt has taken the key over; this one must not act any more
  not_open,              // this attempt already has another outcome
  lease_expired,         // LateCompletion::reject, or a renewal that came too late
  fingerprint_mismatch,  // the attempt does not carry the fingerprint that it was begun with
};

[[nodiscard]] constexpr std::string_view to_string(CompletionFailure reason) noexcept {
  switch (reason) {
    case CompletionFailure::missing:
      return "missing";
    case CompletionFailure::superseded:
      return "superseded";
    case CompletionFailure::not_open:
      return "not_open";
    case CompletionFailure::lease_expired:
      return "lease_expired";
    case CompletionFailure::fingerprint_mismatch:
      return "fingerprint_mismatch";
  }
  return "unknown";
}

// An outcome or a renewal that does not stand. An exception and not a value, because overlooking it
// would let the command run twice. This call has changed nothing; one case apart: if its first
// answer was lost, its outcome may have landed and been taken over since (`superseded`).
// What to do: never run the command again on the strength of it; report it, and for `superseded`
// reconcile with the successor's result.
class NEXUS_IDEMPOTENCY_API CompletionError : public IdempotencyError {
 public:
  explicit CompletionError(CompletionFailure reason)
      : IdempotencyError("the attempt's outcome was refused: " + std::string(to_string(reason))),
        reason_(reason) {}

  [[nodiscard]] CompletionFailure reason() const noexcept { return reason_; }

 private:
  CompletionFailure reason_;
};

// What went wrong in a store, named by what the caller should do next.
enum class StoreErrc {
  unavailable,    // out of reach, nothing happened: try the same call again later
  exhausted,      // full (records, disk, pool), nothing happened: make room or try again later
  contended,      // lost to other callers too often, nothing happened: try again at once
  in_doubt,       // the answer was lost, it may have happened: repeat the same call, same token
  corrupt,        // a stored record can't be right: an operator must look, trying again won't help
  misconfigured,  // the store is set up wrongly: an operator must look
};

[[nodiscard]] constexpr std::string_view to_string(StoreErrc code) noexcept {
  switch (code) {
    case StoreErrc::unavailable:
      return "unavailable";
    case StoreErrc::exhausted:
      return "exhausted";
    case StoreErrc::contended:
      return "contended";
    case StoreErrc::in_doubt:
      return "in_doubt";
    case StoreErrc::corrupt:
      return "corrupt";
    case StoreErrc::misconfigured:
      return "misconfigured";
  }
  return "unknown";
}

// A fault of a store; the only exception that a port may throw besides std::bad_alloc.
class NEXUS_IDEMPOTENCY_API StoreError : public IdempotencyError {
 public:
  // `what` must hold no key, token, payload or connection string. `native_code` is the engine's
  // own code for it, such as an SQLSTATE; empty where there is none.
  StoreError(StoreErrc code, const std::string& what, std::string native_code = {})
      : IdempotencyError(std::string(to_string(code)) + ": " + what),
        code_(code),
        native_code_(std::make_shared<const std::string>(std::move(native_code))) {}
  // A move is a copy too: an exception that was moved from still tells what it is.
  StoreError(const StoreError&) = default;
  StoreError& operator=(const StoreError&) = default;
  ~StoreError() override = default;

  [[nodiscard]] StoreErrc code() const noexcept { return code_; }

  // Returns: whether the same call may succeed later without anybody's doing, and certainly did
  // nothing: unavailable, exhausted, contended.
  [[nodiscard]] bool is_transient() const noexcept {
    return code_ == StoreErrc::unavailable || code_ == StoreErrc::exhausted ||
           code_ == StoreErrc::contended;
  }

  // Lifetimes: as long as any copy of this exception.
  [[nodiscard]] std::string_view native_code() const noexcept { return *native_code_; }

 private:
  StoreErrc code_;
  std::shared_ptr<const std::string> native_code_;  // shared: copying an exception must not throw
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_ERRORS_HPP
