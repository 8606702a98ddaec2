// SPDX-License-Identifier: MIT
#include "nexus/idempotency/errors.hpp"

#include <array>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nexus/idempotency/execute.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

// One root of the library's own, which is a std::runtime_error; the kinds are siblings.
static_assert(std::is_base_of_v<std::runtime_error, IdempotencyError>);
static_assert(std::is_base_of_v<IdempotencyError, InvalidValueError>);
static_assert(std::is_base_of_v<IdempotencyError, CompletionError>);
static_assert(std::is_base_of_v<IdempotencyError, StoreError>);
static_assert(std::is_base_of_v<IdempotencyError, OutcomeNotRecorded>);
static_assert(!std::is_base_of_v<StoreError, CompletionError>);
static_assert(!std::is_base_of_v<StoreError, OutcomeNotRecorded>);

template <class Error>
constexpr bool copies_without_throwing =
    std::is_nothrow_copy_constructible_v<Error>&& std::is_nothrow_copy_assignable_v<Error>;
static_assert(copies_without_throwing<IdempotencyError>);
static_assert(copies_without_throwing<InvalidValueError>);
static_assert(copies_without_throwing<CompletionError>);
static_assert(copies_without_throwing<StoreError>);
static_assert(copies_without_throwing<OutcomeNotRecorded>);

struct Code {
  StoreErrc code;
  std::string_view name;
  bool transient;
};
constexpr std::array<Code, 6> codes{{{StoreErrc::unavailable, "unavailable", true},
                                     {StoreErrc::exhausted, "exhausted", true},
                                     {StoreErrc::contended, "contended", true},
                                     {StoreErrc::in_doubt, "in_doubt", false},
                                     {StoreErrc::corrupt, "corrupt", false},
                                     {StoreErrc::misconfigured, "misconfigured", false}}};

TEST_CASE("names of StoreErrc, and which of them are transient", "[errors]") {
  for (const Code& row : codes) {
    CAPTURE(row.name);
    const StoreError error(row.code, "the text");
    CHECK(to_string(row.code) == row.name);
    CHECK(error.code() == row.code);
    CHECK(error.is_transient() == row.transient);
    CHECK(error.what() == std::string(row.name) + ": the text");
    CHECK(error.native_code().empty());
  }
  const auto invalid = static_cast<StoreErrc>(99);
  CHECK(to_string(invalid) == "unknown");
  CHECK_FALSE(StoreError(invalid, "").is_transient());
}

TEST_CASE("a store error keeps the engine's own code, out of its text", "[errors]") {
  const std::string native(100, '4');
  std::optional<StoreError> error(std::in_place, StoreErrc::unavailable, "text", native);
  const StoreError copy = *error;
  StoreError assigned(StoreErrc::corrupt, "another");
  assigned = copy;
  error.reset();
  CHECK(copy.native_code() == native);
  CHECK(assigned.native_code() == native);
  CHECK(assigned.code() == StoreErrc::unavailable);
  CHECK(std::string_view(assigned.what()) == "unavailable: text");
}

TEST_CASE("an error that was moved from still tells all", "[errors]") {
  StoreError store(StoreErrc::corrupt, "text", "40001");
  const StoreError moved = std::move(store);
  CHECK(store.native_code() == "40001");  // NOLINT(bugprone-use-after-move)
  CHECK(moved.native_code() == "40001");
  OutcomeNotRecorded outcome("result", nullptr);
  StoreError assigned(StoreErrc::in_doubt, "");
  assigned = std::move(store);  // NOLINT(bugprone-use-after-move)
  CHECK(store.native_code() == "40001");
  const OutcomeNotRecorded kept = std::move(outcome);
  CHECK(outcome.result() == "result");  // NOLINT(bugprone-use-after-move)
  CHECK(kept.result() == "result");
}

TEST_CASE("names of CompletionFailure", "[errors]") {
  constexpr std::array<std::pair<CompletionFailure, std::string_view>, 5> reasons{
      {{CompletionFailure::missing, "missing"},
       {CompletionFailure::superseded, "superseded"},
       {CompletionFailure::not_open, "not_open"},
       {CompletionFailure::lease_expired, "lease_expired"},
       {CompletionFailure::fingerprint_mismatch, "fingerprint_mismatch"}}};
  for (const auto& [reason, name] : reasons) {
    CHECK(to_string(reason) == name);
    const CompletionError error(reason);
    CHECK(error.reason() == reason);
    CHECK(error.what() == "the attempt's outcome was refused: " + std::string(name));
  }
  CHECK(to_string(static_cast<CompletionFailure>(99)) == "unknown");
}

TEST_CASE("an outcome that was not recorded carries it beside the text", "[errors]") {
  const std::exception_ptr cause = std::make_exception_ptr(StoreError(StoreErrc::in_doubt, "x"));
  std::optional<OutcomeNotRecorded> error(std::in_place, std::string(100, 'P'), cause);
  const OutcomeNotRecorded copy = *error;
  CHECK(&copy.result() == &error->result());
  error.reset();
  CHECK(copy.result() == std::string(100, 'P'));
  CHECK(copy.cause() == cause);
  CHECK(std::string(copy.what()).find('P') == std::string::npos);
}

TEST_CASE("everything is caught by the root, as what it is", "[errors]") {
  const auto name = [](const auto& error) {
    try {
      throw error;
    } catch (const IdempotencyError& caught) {
      return typeid(caught) == typeid(error);
    }
  };
  CHECK(name(InvalidValueError("x")));
  CHECK(name(CompletionError(CompletionFailure::missing)));
  CHECK(name(StoreError(StoreErrc::corrupt, "x")));
  CHECK(name(OutcomeNotRecorded("x", nullptr)));
}

}  // namespace
}  // namespace nexus::idempotency::test
