// SPDX-License-Identifier: MIT
#include "nexus/idempotency/json.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "support/catch.hpp"
#include "support/service_world.hpp"
#include "unit/json_commands.hpp"

namespace nexus::idempotency::test {
namespace {

using nlohmann::json;

// Executes once and replays twice. Returns: the replayed value.
template <class T>
T executed_and_replayed(const T& value, const std::string& text) {
  World world;
  JsonOutcome<T> first = run<T>(world, [&](const Attempt&) -> T { return value; });
  REQUIRE(std::get<ExecutedJson<T>>(first).stored);
  REQUIRE(std::get<ExecutedJson<T>>(first).value == value);
  REQUIRE(world.stored().result == ResultEnvelope{text});
  world.clock.advance(1s);
  for (int i = 0; i < 2; ++i) {
    JsonOutcome<T> again = run<T>(world, never<T>);
    REQUIRE(std::get<ReplayedJson<T>>(again).value.has_value());
    REQUIRE(*std::get<ReplayedJson<T>>(again).value == value);
    REQUIRE(std::get<ReplayedJson<T>>(again).completed_at == start);
  }
  return *std::move(std::get<ReplayedJson<T>>(run<T>(world, never<T>)).value);
}

TEST_CASE("every result is replayed for what it is", "[json]") {
  executed_and_replayed<int>(0, "0");
  executed_and_replayed<int>(-7, "-7");
  executed_and_replayed<std::int64_t>(std::numeric_limits<std::int64_t>::min(),
                                      "-9223372036854775808");
  executed_and_replayed<std::uint64_t>(std::numeric_limits<std::uint64_t>::max(),
                                       "18446744073709551615");
  executed_and_replayed<bool>(false, "false");
  executed_and_replayed<bool>(true, "true");
  executed_and_replayed<double>(0.0, "0.0");
  executed_and_replayed<double>(0.1, "0.1");
  executed_and_replayed<float>(0.1F, "0.10000000149011612");
  executed_and_replayed<double>(std::numeric_limits<double>::denorm_min(), "5e-324");
  executed_and_replayed<std::nullptr_t>(nullptr, "null");
  executed_and_replayed<std::string>("", R"("")");
  executed_and_replayed<std::string>(std::string("\0\"\\\x7F\u20AC", 7),
                                     "\"\\u0000\\\"\\\\\x7F\u20AC\"");
  executed_and_replayed<std::vector<int>>({}, "[]");
  executed_and_replayed<std::map<std::string, int>>({}, "{}");
  executed_and_replayed<std::vector<std::vector<bool>>>({{}, {true}}, "[[],[true]]");
  executed_and_replayed<Order>({}, R"({"cents":0,"id":"","notes":[]})");
  executed_and_replayed<Order>({"o-1", 5, {"", "x"}}, R"({"cents":5,"id":"o-1","notes":["","x"]})");
}

TEST_CASE("JSON itself may be the result, whatever it is", "[json]") {
  for (const char* text : {"null", "false", "0", "0.0", R"("")", "[]", "{}", "[null]", "[[]]",
                           R"({"":null})", R"(["a","b"])", R"([["a",1],["b",2]])"}) {
    CAPTURE(text);
    const json value = json::parse(text);
    const json replayed = executed_and_replayed<json>(value, text);
    CHECK(replayed.type() == value.type());
    CHECK(replayed.dump() == text);
  }
}

TEST_CASE("a command without a result is replayed too", "[json]") {
  World world;
  int runs = 0;
  const auto work = [&](const Attempt&) { ++runs; };
  const JsonOutcome<void> first = run<void>(world, work);
  CHECK(std::get<ExecutedJson<void>>(first).stored);
  CHECK(world.stored().result == ResultEnvelope{"null"});
  world.clock.advance(1s);
  const JsonOutcome<void> again = run<void>(world, work);
  CHECK(std::get<ReplayedJson<void>>(again).completed_at == start);
  CHECK(runs == 1);
}

TEST_CASE("every JSON result, and an omitted one, is a replay of a void command", "[json]") {
  for (const ResultEnvelope& envelope : {ResultEnvelope{"null"}, ResultEnvelope{R"({"a":[1]})"},
                                         ResultEnvelope{"0"}, ResultEnvelope::omitted()}) {
    World world;
    complete_with(world, envelope);
    CHECK(std::holds_alternative<ReplayedJson<void>>(run<void>(world, never<void>)));
  }
}

TEST_CASE("work gets the attempt, and its result converts to the type asked for", "[json]") {
  World world;
  std::optional<Attempt> seen;
  const JsonOutcome<std::string> outcome = run<std::string>(world, [&](const Attempt& attempt) {
    seen = attempt;
    return "literal";
  });
  CHECK(std::get<ExecutedJson<std::string>>(outcome).value == "literal");
  REQUIRE(seen);
  CHECK(seen->key == key());
  CHECK(seen->token == world.stored().attempt_token);
}

TEST_CASE("work may be moved only, and return a reference", "[json]") {
  World world;
  const Order order{"o-1", 5, {}};
  auto work = [kept = std::make_unique<Order>(order)](const Attempt&) -> const Order& {
    return *kept;
  };
  const JsonOutcome<Order> outcome = run<Order>(world, std::move(work));
  CHECK(std::get<ExecutedJson<Order>>(outcome).value == order);
}

// Runs once. Requires that the value comes back, unstored, and that replays know it was omitted.
template <class T>
void executed_but_omitted(const T& value) {
  World world;
  const JsonOutcome<T> first = run<T>(world, [&](const Attempt&) -> T { return value; });
  REQUIRE(std::holds_alternative<ExecutedJson<T>>(first));
  CHECK_FALSE(std::get<ExecutedJson<T>>(first).stored);
  const IdempotencyRecord record = world.stored();
  CHECK(record.status == RecordStatus::completed);
  CHECK(record.result == ResultEnvelope::omitted());
  const JsonOutcome<T> again = run<T>(world, never<T>);
  CHECK(std::get<ReplayedJson<T>>(again).value == std::nullopt);
  CHECK(std::get<ReplayedJson<T>>(again).completed_at == start);
}

TEST_CASE("a result of exactly the limit is stored, one byte more is omitted", "[json]") {
  const std::string largest(ResultEnvelope::max_bytes - 2, 'x');  // and two quotes
  executed_and_replayed<std::string>(largest, '"' + largest + '"');
  executed_but_omitted<std::string>(largest + "x");
}

TEST_CASE("what JSON does not give back is omitted, and never failed", "[json]") {
  executed_but_omitted<std::string>("not UTF-8: \xFF");
  executed_but_omitted<std::map<std::string, int>>({{"\xC3", 1}});
  // dump() would write null, an object, and no JSON at all
  const double infinity = std::numeric_limits<double>::infinity();
  executed_but_omitted<double>(infinity);
  executed_but_omitted<std::vector<double>>({1.0, -infinity});
  executed_but_omitted<json>(json::binary({1, 2, 3}));
  executed_but_omitted<json>(json{{"a", json::binary({})}});

  World world;
  const auto outcome = run<double>(world, [](const Attempt&) { return std::nan(""); });
  CHECK(std::isnan(std::get<ExecutedJson<double>>(outcome).value));
  CHECK_FALSE(std::get<ExecutedJson<double>>(outcome).stored);
  CHECK(std::get<ReplayedJson<double>>(run<double>(world, never<double>)).value == std::nullopt);
}

TEST_CASE("the other answers of begin come out as they are", "[json]") {
  World busy;
  static_cast<void>(busy.claim());
  const JsonOutcome<int> waiting = run<int>(busy, never<int>);
  CHECK(std::get<InProgress>(waiting).retry_after == std::optional<Duration>(15min));
  const JsonOutcome<int> conflict =
      execute_json<int>(busy.service(), key(), other_fingerprint(), never<int>);
  CHECK(std::holds_alternative<Conflict>(conflict));

  World failed{{.allow_retry_after_fail = false}};
  failed.service().fail(failed.claim(), result("why"));
  const JsonOutcome<int> refused = run<int>(failed, never<int>);
  CHECK(std::get<RetryNotAllowed>(refused).failure == std::optional(result("why")));

  World down;
  down.store.fail(1, StoreErrc::unavailable);
  CHECK_THROWS_AS(run<int>(down, never<int>), StoreError);
}

}  // namespace
}  // namespace nexus::idempotency::test
