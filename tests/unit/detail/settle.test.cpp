// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/settle.hpp"

#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

// A store call that fails with these codes, one after the other, and then answers.
class Call {
 public:
  explicit Call(std::vector<StoreErrc> faults) : faults_(std::move(faults)) {}

  std::string operator()() {
    const std::size_t n = made++;
    if (n < faults_.size()) throw StoreError(faults_[n], "fault", "native " + std::to_string(n));
    return "answer";
  }

  std::size_t made = 0;

 private:
  std::vector<StoreErrc> faults_;
};

struct Outcome {
  std::string answer;
  std::optional<StoreErrc> error;
  std::string native_code;
  std::size_t calls;
  bool in_doubt;
};

Outcome settled(int repeats, std::vector<StoreErrc> faults, bool in_doubt = false) {
  Call call(std::move(faults));
  Outcome outcome{};
  outcome.in_doubt = in_doubt;
  try {
    outcome.answer = settle(repeats, outcome.in_doubt, call);
  } catch (const StoreError& error) {
    outcome.error = error.code();
    outcome.native_code = error.native_code();
  }
  outcome.calls = call.made;
  return outcome;
}

using enum StoreErrc;

TEST_CASE("an answer is returned as it is, once", "[settle]") {
  for (const bool before : {false, true}) {
    const Outcome outcome = settled(2, {}, before);
    CHECK(outcome.answer == "answer");
    CHECK(outcome.calls == 1);
    CHECK(outcome.in_doubt == before);
  }
}

TEST_CASE("a call is repeated while its answer is lost, and that is remembered", "[settle]") {
  for (int repeats = 0; repeats <= 3; ++repeats) {
    for (std::size_t lost = 1; lost <= 5; ++lost) {
      const Outcome outcome = settled(repeats, std::vector<StoreErrc>(lost, StoreErrc::in_doubt));
      const std::size_t allowed = static_cast<std::size_t>(repeats) + 1;
      CAPTURE(repeats, lost);
      CHECK(outcome.in_doubt);
      if (lost < allowed) {
        CHECK(outcome.answer == "answer");
        CHECK(outcome.calls == lost + 1);
      } else {
        CHECK(outcome.error == StoreErrc::in_doubt);
        CHECK(outcome.calls == allowed);
        CHECK(outcome.native_code == "native " + std::to_string(allowed - 1));
      }
    }
  }
}

TEST_CASE("an error that nothing preceded comes out as it is, without a repeat", "[settle]") {
  for (const StoreErrc code : {unavailable, exhausted, contended, corrupt, misconfigured}) {
    const Outcome outcome = settled(2, {code});
    CHECK(outcome.error == code);
    CHECK(outcome.native_code == "native 0");
    CHECK(outcome.calls == 1);
    CHECK_FALSE(outcome.in_doubt);
  }
}

TEST_CASE("after a lost answer no error promises that nothing happened", "[settle]") {
  for (const StoreErrc code : {unavailable, exhausted, contended}) {
    const Outcome outcome = settled(2, {StoreErrc::in_doubt, code});
    CHECK(outcome.error == StoreErrc::in_doubt);
    CHECK(outcome.native_code == "native 1");  // the engine's own code stays to be read
    CHECK(outcome.calls == 2);
    CHECK(outcome.in_doubt);
    // also if the answer was lost in an earlier call
    CHECK(settled(0, {code}, true).error == StoreErrc::in_doubt);
  }
}

TEST_CASE("an error that an operator must look at is never turned into a doubt", "[settle]") {
  for (const StoreErrc code : {corrupt, misconfigured}) {
    CHECK(settled(2, {StoreErrc::in_doubt, code}).error == code);
    CHECK(settled(0, {code}, true).error == code);
  }
}

TEST_CASE("other exceptions come out as they are, without a repeat", "[settle]") {
  bool in_doubt = false;
  int calls = 0;
  CHECK_THROWS_AS(settle(2, in_doubt,
                         [&]() -> bool {
                           ++calls;
                           throw std::bad_alloc();
                         }),
                  std::bad_alloc);
  CHECK(calls == 1);
  CHECK_FALSE(in_doubt);

  CHECK_THROWS_AS(settle(2, in_doubt,
                         [&]() -> bool {
                           if (++calls == 2) throw StoreError(StoreErrc::in_doubt, "lost");
                           throw std::bad_alloc();
                         }),
                  std::bad_alloc);
  CHECK(calls == 3);
  CHECK(in_doubt);
}

TEST_CASE("the text of a doubt names no more than the error's own code", "[settle]") {
  bool in_doubt = true;
  try {
    settle(0, in_doubt, []() -> bool { throw StoreError(unavailable, "secret"); });
    FAIL("nothing was thrown");
  } catch (const StoreError& error) {
    CHECK(std::string_view(error.what()).find("secret") == std::string_view::npos);
  }
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
