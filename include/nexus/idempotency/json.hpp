// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_JSON_HPP
#define NEXUS_IDEMPOTENCY_JSON_HPP

// The component json, for whom nlohmann/json is at hand:
// - execute_json: the whole lifecycle of a command whose result is a C++ value;
// - to_json: records and attempts for logs and tools, without secrets and payloads;
// - to_handoff_json: an attempt, secret included, on its way to another worker.

#include <concepts>
#include <cstdint>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "nexus/idempotency/attempt.hpp"
#include "nexus/idempotency/decision.hpp"
#include "nexus/idempotency/detail/json_handoff.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/execute.hpp"
#include "nexus/idempotency/key.hpp"
#include "nexus/idempotency/record.hpp"
#include "nexus/idempotency/result_envelope.hpp"
#include "nexus/idempotency/service.hpp"
#include "nexus/idempotency/time.hpp"
#include "nexus/idempotency/values.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// The work ran in this call and returned `value`. `stored` is false if the value was recorded as
// omitted, because its JSON is over ResultEnvelope::max_bytes, or because no JSON gives it back: it
// holds text that is not UTF-8, a NaN, an infinity or bytes, or its conversions throw.
template <class T>
struct ExecutedJson {
  T value;
  bool stored;
};
template <>
struct ExecutedJson<void> {
  bool stored;  // always: what is recorded is `null`
};

// The work has run in an earlier call; this is what it returned then. nullopt: it was recorded as
// omitted; the command did take effect.
template <class T>
struct ReplayedJson {
  std::optional<T> value;
  Timestamp completed_at;
};
template <>
struct ReplayedJson<void> {
  Timestamp completed_at;
};

template <class T>
using JsonOutcome =
    std::variant<ExecutedJson<T>, ReplayedJson<T>, InProgress, Conflict, RetryNotAllowed>;

namespace detail {

// Errors: whatever T's own conversion throws.
template <class T>
T value_of_json(nlohmann::json&& json) {
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    return std::move(json);
  } else {
    return json.get<T>();
  }
}

// Returns: `value` as JSON text; empty if there is none that a replay could read back. Does not
// throw: the command has taken effect by now.
template <class T>
std::string json_text_of(const T& value) noexcept {
  try {
    const nlohmann::json json(value);
    std::string text = json.dump();
    if (text.size() > ResultEnvelope::max_bytes) return text;  // nobody will read it back
    // dump() writes NaN and infinities as null, and bytes as an object.
    nlohmann::json read = nlohmann::json::parse(text);
    if (!(read == json)) return {};
    static_cast<void>(value_of_json<T>(std::move(read)));
    return text;
  } catch (...) {
    return {};
  }
}

template <class T>
JsonOutcome<T> replayed_json(const Replay& replay) {
  const std::string_view text = replay.result.payload();
  nlohmann::json json;
  if (!replay.result.is_omitted()) {
    json = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) throw StoreError(StoreErrc::corrupt, "a stored result is not JSON");
  }
  if constexpr (std::is_void_v<T>) {
    return ReplayedJson<void>{replay.completed_at};
  } else {
    ReplayedJson<T> replayed{std::nullopt, replay.completed_at};
    if (replay.result.is_omitted()) return replayed;
    try {
      replayed.value.emplace(value_of_json<T>(std::move(json)));
    } catch (const std::bad_alloc&) {
      throw;
    } catch (...) {  // its text may quote the payload
      throw StoreError(StoreErrc::corrupt, "a stored result does not convert to its type");
    }
    return replayed;
  }
}

// Like run_and_record: from the end of the work on, nothing may lead to `fail` any more.
template <class T, class Work>
JsonOutcome<T> run_and_record_json(IdempotencyServiceInterface& service, const Attempt& attempt,
                                   Work&& work) {
  if constexpr (std::is_void_v<T>) {
    run_or_fail(service, attempt, std::forward<Work>(work));
    return ExecutedJson<void>{record_outcome(service, attempt, "null").stored};
  } else {
    auto&& returned = run_or_fail(service, attempt, std::forward<Work>(work));
    std::optional<T> value;
    try {
      value.emplace(std::forward<decltype(returned)>(returned));
    } catch (...) {
      const std::exception_ptr cause = std::current_exception();
      record_outcome(service, attempt, std::string());
      throw OutcomeNotRecorded(std::string(), cause);
    }
    std::string text = json_text_of(*value);
    const bool readable = !text.empty();
    const Executed executed = record_outcome(service, attempt, std::move(text));
    return ExecutedJson<T>{*std::move(value), readable && executed.stored};
  }
}

}  // namespace detail

// Runs `work(attempt)` if no other call has, and records the JSON of its result for all later ones.
// Every result is replayed for what it is: void, null, zero, false, what is empty.
//
// Preconditions: an exception from `work` means that the command took no effect. `work` returns a
//   T or what converts to it; if T is void, nothing. nlohmann::json converts T both ways, and what
//   it writes today can be read as long as results are kept, by newer and older programs too.
// Effects: those of execute. What can't be stored as JSON is recorded as omitted: the command took
//   effect, so it is never failed.
// Returns: ExecutedJson if `work` ran in this call, ReplayedJson if in an earlier one, else the
//   answer of `begin`. Every JSON value converts to void.
// Errors: what `work` throws, unchanged, whatever happens while the attempt is marked failed.
//   OutcomeNotRecorded if `work` returned but `complete` threw: its result() is the JSON text,
//   empty if there is none. OutcomeNotRecorded too if what `work` returned did not convert to T,
//   its cause() is then that error, and the command is recorded as completed, its result omitted.
//   StoreErrc::corrupt if the stored result is not JSON, or doesn't convert to T; nothing has run.
//   Otherwise those of `begin`. No what() of the library's own holds any of the payload.
// Thread-safety: that of the service. Lifetimes: all arguments are borrowed for the call.
template <class T, std::invocable<const Attempt&> Work>
[[nodiscard]] JsonOutcome<T> execute_json(IdempotencyServiceInterface& service,
                                          const IdempotencyKey& key,
                                          const RequestFingerprint& fingerprint, Work&& work) {
  using Result = std::invoke_result_t<Work, const Attempt&>;
  static_assert(std::is_same_v<T, std::remove_cvref_t<T>>, "T must be a plain value type, or void");
  static_assert(!std::is_pointer_v<T> && !std::is_same_v<T, std::string_view>,
                "a replay makes the value anew, so T must own what it holds");
  static_assert(std::is_void_v<T> == std::is_void_v<Result> && std::is_convertible_v<Result, T>,
                "work must return T or what converts to it; void if T is void");
  if constexpr (!std::is_void_v<T>) {
    static_assert(
        std::is_constructible_v<nlohmann::json, const T&> &&
            requires(const nlohmann::json& json) { json.get<T>(); },
        "nlohmann::json must convert T both ways: see to_json and from_json there");
  }

  BeginDecision decision = service.begin(key, fingerprint);
  return std::visit(
      [&](auto& answer) -> JsonOutcome<T> {
        using Answer = std::remove_reference_t<decltype(answer)>;
        if constexpr (std::is_same_v<Answer, FirstExecution>) {
          return detail::run_and_record_json<T>(service, answer.attempt, std::forward<Work>(work));
        } else if constexpr (std::is_same_v<Answer, Replay>) {
          return detail::replayed_json<T>(answer);
        } else {
          return std::move(answer);
        }
      },
      decision);
}

namespace detail {

[[nodiscard]] inline nlohmann::json json_of(std::optional<Timestamp> time) {
  if (!time) return nullptr;
  return time->time_since_epoch().count();
}

[[nodiscard]] inline nlohmann::json size_of_result(const std::optional<ResultEnvelope>& result) {
  if (!result) return nullptr;
  if (result->is_omitted()) return {{"omitted", true}};
  return {{"bytes", result->payload().size()}};
}

}  // namespace detail

// JSON for logs and tools; found by nlohmann::json, so `nlohmann::json(record)` is enough. Times
// are in microseconds since 1970, null where there is none. The attempt token is redacted, and of
// a result only the size is told, for it may hold personal data and need not be text.
//
// Errors: std::bad_alloc, no other: every text in these values is UTF-8.
// Thread-safety: distinct objects: safe.
inline void to_json(nlohmann::json& json, const IdempotencyKey& key) {
  json = {{"tenant", key.tenant().value()},
          {"operation", key.operation().value()},
          {"client_key", key.client_key().value()}};
}
inline void to_json(nlohmann::json& json, const IdempotencyRecord& record) {
  json = {{"key", record.key},
          {"status", to_string(record.status)},
          {"fingerprint", record.fingerprint.value()},
          {"attempt_token", "<redacted>"},
          {"fence", record.fence},
          {"result", detail::size_of_result(record.result)},
          {"created_at_us", detail::json_of(record.created_at)},
          {"last_transition_at_us", detail::json_of(record.last_transition_at)},
          {"expires_at_us", detail::json_of(record.expires_at)}};
}
inline void to_json(nlohmann::json& json, const Attempt& attempt) {
  json = {{"key", attempt.key},
          {"fingerprint", attempt.fingerprint.value()},
          {"attempt_token", "<redacted>"},
          {"fence", attempt.fence},
          {"started_at_us", detail::json_of(attempt.started_at)},
          {"lease_end_us", detail::json_of(attempt.lease_end)}};
}

// The whole of an attempt, for a worker elsewhere that is to finish the command.
//
// Preconditions: `attempt.fence` is below 2^63, as every one that `begin` hands out.
// Returns: JSON from which attempt_from_handoff_json makes an equal attempt. It holds the token,
//   and whoever has that can report the outcome: keep it from clients and out of logs.
// Errors: std::bad_alloc. Thread-safety: distinct objects: safe.
[[nodiscard]] inline nlohmann::json to_handoff_json(const Attempt& attempt) {
  nlohmann::json json(attempt);
  json["handoff_version"] = 1;
  json["attempt_token"] = attempt.token.value();
  return json;
}

// Returns: the attempt that to_handoff_json was given.
// Errors: InvalidValueError unless `json` is exactly what to_handoff_json makes, every member there
//   and in range and none besides. The redacted JSON of an attempt is refused too. std::bad_alloc.
// Thread-safety: distinct objects: safe.
[[nodiscard]] inline Attempt attempt_from_handoff_json(const nlohmann::json& json) {
  const detail::HandoffObject attempt(json, 7);
  if (attempt.integer("handoff_version", 1) != 1) {
    throw InvalidValueError("the handoff JSON of an attempt has a version that is not known");
  }
  const detail::HandoffObject key(attempt.member("key"), 3);
  return {.key = {key.text<TenantId>("tenant"), key.text<OperationRef>("operation"),
                  key.text<ClientKey>("client_key")},
          .fingerprint = attempt.text<RequestFingerprint>("fingerprint"),
          .token = attempt.text<AttemptToken>("attempt_token"),
          .fence = static_cast<std::uint64_t>(attempt.integer("fence", 0)),
          .started_at = attempt.time("started_at_us"),
          .lease_end = attempt.member("lease_end_us").is_null()
                           ? std::nullopt
                           : std::optional<Timestamp>(attempt.time("lease_end_us"))};
}

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_JSON_HPP
