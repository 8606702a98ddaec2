// SPDX-License-Identifier: MIT
#include "nexus/idempotency/result_envelope.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "support/catch.hpp"

namespace nexus::idempotency::test {
namespace {

static_assert(ResultEnvelope::max_bytes == 65536);
static_assert(std::is_nothrow_copy_constructible_v<ResultEnvelope>);
static_assert(std::is_nothrow_copy_assignable_v<ResultEnvelope>);
static_assert(std::is_nothrow_move_constructible_v<ResultEnvelope>);
static_assert(std::is_nothrow_move_assignable_v<ResultEnvelope>);
// Neither bytes nor "none" turn into an envelope by themselves.
static_assert(!std::is_convertible_v<std::string, ResultEnvelope>);
static_assert(!std::is_convertible_v<const char*, ResultEnvelope>);
static_assert(!std::is_default_constructible_v<ResultEnvelope>);
static_assert(noexcept(ResultEnvelope::omitted()));

const std::string long_text(1000, 'x');

TEST_CASE("an envelope holds 1 to 65536 bytes", "[result_envelope]") {
  CHECK(ResultEnvelope{"x"}.payload() == "x");
  const std::string largest(ResultEnvelope::max_bytes, 'x');
  CHECK(ResultEnvelope{largest}.payload() == largest);
  CHECK_THROWS_AS(ResultEnvelope{std::string()}, InvalidValueError);
  CHECK_THROWS_AS(ResultEnvelope{largest + "x"}, InvalidValueError);
}

TEST_CASE("the bytes are opaque", "[result_envelope]") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  CHECK(ResultEnvelope{bytes}.payload() == bytes);
  CHECK(ResultEnvelope{" \n"}.payload() == " \n");  // not trimmed
  CHECK(ResultEnvelope{std::string(1, '\0')}.payload() == std::string(1, '\0'));
}

TEST_CASE("an omitted result is not the same as any bytes, nor as none", "[result_envelope]") {
  const ResultEnvelope omitted = ResultEnvelope::omitted();
  CHECK(omitted.is_omitted());
  CHECK(omitted.payload().empty());
  CHECK(omitted == ResultEnvelope::omitted());
  CHECK_FALSE(omitted == ResultEnvelope{"x"});
  CHECK_FALSE(ResultEnvelope{"x"} == omitted);
  CHECK_FALSE(ResultEnvelope{"x"}.is_omitted());
  CHECK_FALSE(std::optional<ResultEnvelope>(omitted) == std::optional<ResultEnvelope>());
}

TEST_CASE("envelopes are equal when their bytes are", "[result_envelope]") {
  CHECK(ResultEnvelope{long_text} == ResultEnvelope{long_text});
  CHECK_FALSE(ResultEnvelope{long_text} == ResultEnvelope{long_text + "x"});
  CHECK_FALSE(ResultEnvelope{std::string("a\0b", 3)} == ResultEnvelope{std::string("a\0c", 3)});
}

TEST_CASE("copies share the bytes and outlive the original", "[result_envelope]") {
  std::optional<ResultEnvelope> original(std::in_place, long_text);
  const char* bytes = original->payload().data();
  ResultEnvelope copy = *original;
  ResultEnvelope assigned{"other"};
  assigned = copy;
  CHECK(copy.payload().data() == bytes);
  CHECK(assigned.payload().data() == bytes);
  original.reset();
  CHECK(copy.payload() == long_text);
  copy = ResultEnvelope{"y"};
  CHECK(assigned.payload() == long_text);
}

TEST_CASE("an envelope does not change with the string it was made of", "[result_envelope]") {
  std::string bytes = long_text;
  const ResultEnvelope envelope{bytes};
  bytes.assign(bytes.size(), 'y');
  CHECK(envelope.payload() == long_text);
}

TEST_CASE("a moved-from envelope reads as omitted", "[result_envelope]") {
  ResultEnvelope from{long_text};
  const char* bytes = from.payload().data();
  ResultEnvelope to = std::move(from);
  CHECK(to.payload().data() == bytes);
  CHECK(from.is_omitted());  // NOLINT(bugprone-use-after-move)
  CHECK(from == ResultEnvelope::omitted());
  CHECK(from.payload().empty());
  from = to;
  CHECK(from.payload() == long_text);

  ResultEnvelope target{"x"};
  target = std::move(from);
  CHECK(target.payload().data() == bytes);
  CHECK(from.is_omitted());  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("an envelope assigned to itself keeps its bytes", "[result_envelope]") {
  ResultEnvelope envelope{long_text};
  ResultEnvelope& same = envelope;
  envelope = same;
  CHECK(envelope.payload() == long_text);
  envelope = std::move(same);
  CHECK(envelope.payload() == long_text);
}

}  // namespace
}  // namespace nexus::idempotency::test
