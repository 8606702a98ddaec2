// SPDX-License-Identifier: MIT
// execute_json when something goes wrong: in the work, in its result, in the store, in what is
// stored.
#include "nexus/idempotency/json.hpp"

#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "support/catch.hpp"
#include "support/service_world.hpp"
#include "unit/json_commands.hpp"

namespace nexus::idempotency::test {
namespace {

using nlohmann::json;

// Its JSON conversions throw on demand, with the payload in the text.
struct Grumpy {
  enum class Throws { nothing, bad_alloc_out, bad_alloc_in, error_in, integer_in, integer_out };
  Throws throws = Throws::nothing;

  friend void to_json(json& out, const Grumpy& grumpy) {
    if (grumpy.throws == Throws::bad_alloc_out) throw std::bad_alloc();
    if (grumpy.throws == Throws::integer_out) throw 42;
    out = static_cast<int>(grumpy.throws);
  }
  friend void from_json(const json& in, Grumpy& grumpy) {
    grumpy.throws = static_cast<Throws>(in.get<int>());
    if (grumpy.throws == Throws::bad_alloc_in) throw std::bad_alloc();
    if (grumpy.throws == Throws::error_in) throw std::runtime_error("SECRET");
    if (grumpy.throws == Throws::integer_in) throw 42;
  }
};

TEST_CASE("an exception of the work fails the attempt and comes out as it was", "[json]") {
  World world;
  const auto failing = [](const Attempt&) -> int { throw 42; };
  CHECK_THROWS_AS(run<int>(world, failing), int);
  CHECK(world.stored().status == RecordStatus::failed);
  CHECK(world.stored().result == std::nullopt);
  CHECK_THROWS_AS(run<void>(world, [](const Attempt&) { throw 42; }), int);  // retry is allowed
  CHECK(std::get<ExecutedJson<int>>(run<int>(world, [](const Attempt&) { return 1; })).value == 1);
}

TEST_CASE("a value whose conversions throw is omitted, and never failed", "[json]") {
  using Throws = Grumpy::Throws;
  for (const Throws throws : {Throws::bad_alloc_out, Throws::integer_out, Throws::bad_alloc_in,
                              Throws::error_in, Throws::integer_in}) {
    World world;
    const auto outcome = run<Grumpy>(world, [&](const Attempt&) { return Grumpy{throws}; });
    CAPTURE(static_cast<int>(throws));
    CHECK(std::get<ExecutedJson<Grumpy>>(outcome).value.throws == throws);
    CHECK_FALSE(std::get<ExecutedJson<Grumpy>>(outcome).stored);
    CHECK(world.stored().status == RecordStatus::completed);
    CHECK(world.stored().result == ResultEnvelope::omitted());
  }
}

// Converts to int, but not now.
struct Unconvertible {
  operator int() const { throw std::runtime_error("SECRET"); }
};

TEST_CASE("a result that does not convert to its type is not a failure of the work", "[json]") {
  World world;
  try {
    static_cast<void>(run<int>(world, [](const Attempt&) { return Unconvertible{}; }));
    FAIL("nothing was thrown");
  } catch (const OutcomeNotRecorded& error) {
    CHECK(error.result().empty());
    CHECK_THROWS_AS(std::rethrow_exception(error.cause()), std::runtime_error);
    CHECK(std::string_view(error.what()).find("SECRET") == std::string_view::npos);
  }
  CHECK(world.stored().status == RecordStatus::completed);
  CHECK(std::get<ReplayedJson<int>>(run<int>(world, never<int>)).value == std::nullopt);
}

// Runs with a store that fails the completion. Returns: the text that the error carries.
template <class T>
std::string not_recorded(const T& value) {
  World world;
  world.store.fail(2, StoreErrc::unavailable);
  try {
    static_cast<void>(run<T>(world, [&](const Attempt&) -> T { return value; }));
  } catch (const OutcomeNotRecorded& error) {
    CHECK_THROWS_AS(std::rethrow_exception(error.cause()), StoreError);
    CHECK(world.stored().status == RecordStatus::pending);  // the claim stands
    return error.result();
  }
  return "nothing was thrown";
}

TEST_CASE("an outcome that could not be recorded carries the JSON text", "[json]") {
  CHECK(not_recorded<Order>({"o-1", 5, {}}) == R"({"cents":5,"id":"o-1","notes":[]})");
  CHECK(not_recorded<std::string>("") == R"("")");
  CHECK(not_recorded<json>(nullptr) == "null");
  CHECK(not_recorded<std::string>("\xFF").empty());
  const std::string large(100'000, 'x');
  CHECK(not_recorded<std::string>(large) == '"' + large + '"');

  World world;
  world.store.fail(2, StoreErrc::unavailable);
  try {
    static_cast<void>(run<void>(world, [](const Attempt&) {}));
    FAIL("nothing was thrown");
  } catch (const OutcomeNotRecorded& error) {
    CHECK(error.result() == "null");
  }
}

// Requires that a replay is refused as corrupt. Returns: the text of the error.
template <class T>
std::string corrupt(const std::string& bytes) {
  World world;
  complete_with(world, ResultEnvelope{bytes});
  const IdempotencyRecord before = world.stored();
  try {
    static_cast<void>(run<T>(world, never<T>));
  } catch (const StoreError& error) {
    CHECK(error.code() == StoreErrc::corrupt);
    CHECK(world.stored() == before);
    return error.what();
  }
  return "nothing was thrown: SECRET";
}

TEST_CASE("a stored result of another kind is corrupt, and nothing runs", "[json]") {
  for (const char* bytes :
       {"SECRET", "{\"SECRET\":", "\"SECRET\xFF\"", "1 2", "\xFF", " ", "nul"}) {
    CAPTURE(bytes);
    for (const std::string& what :
         {corrupt<json>(bytes), corrupt<void>(bytes), corrupt<int>(bytes), corrupt<Order>(bytes)}) {
      CHECK(what == "corrupt: a stored result is not JSON");
    }
  }
  const std::string no_conversion = "corrupt: a stored result does not convert to its type";
  CHECK(corrupt<int>(R"("SECRET")") == no_conversion);
  CHECK(corrupt<std::string>("null") == no_conversion);
  CHECK(corrupt<Order>(R"({"SECRET":1})") == no_conversion);
  CHECK(corrupt<std::nullptr_t>("0") == no_conversion);
  CHECK(corrupt<Grumpy>(std::to_string(static_cast<int>(Grumpy::Throws::error_in))) ==
        no_conversion);
  CHECK(corrupt<Grumpy>(std::to_string(static_cast<int>(Grumpy::Throws::integer_in))) ==
        no_conversion);
}

TEST_CASE("a lack of memory in a replay is not taken for corruption", "[json]") {
  World world;
  const int throws = static_cast<int>(Grumpy::Throws::bad_alloc_in);
  complete_with(world, ResultEnvelope{std::to_string(throws)});
  CHECK_THROWS_AS(run<Grumpy>(world, never<Grumpy>), std::bad_alloc);
}

}  // namespace
}  // namespace nexus::idempotency::test
