// SPDX-License-Identifier: MIT
#include "nexus/idempotency/detail/token_source.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "support/catch.hpp"

namespace nexus::idempotency::detail::test {
namespace {

static_assert(!std::is_copy_constructible_v<TokenSource>);

// More than a source keeps at a time, so that it is refilled.
constexpr std::size_t many = 700;

std::vector<TokenBits> draw(TokenSource& source, std::size_t count) {
  std::vector<TokenBits> drawn;
  for (std::size_t i = 0; i < count; ++i) drawn.push_back(source.draw());
  return drawn;
}

std::size_t distinct(std::vector<TokenBits> bits) {
  std::sort(bits.begin(), bits.end());
  return static_cast<std::size_t>(std::unique(bits.begin(), bits.end()) - bits.begin());
}

// Forks. Returns: what the child drew after `before_drawing` ran in it.
template <class Action>
std::vector<TokenBits> drawn_in_child(TokenSource& source, Action before_drawing) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // no assertion in here: the parent reports
    ::close(ends[0]);
    before_drawing();
    for (std::size_t i = 0; i < many; ++i) {
      const TokenBits bits = source.draw();
      if (::write(ends[1], bits.data(), bits.size()) != static_cast<ssize_t>(bits.size())) {
        ::_exit(EXIT_FAILURE);
      }
    }
    ::_exit(EXIT_SUCCESS);
  }
  ::close(ends[1]);
  std::vector<TokenBits> drawn;
  TokenBits bits;
  std::FILE* pipe = ::fdopen(ends[0], "r");
  while (std::fread(bits.data(), bits.size(), 1, pipe) == 1) drawn.push_back(bits);
  std::fclose(pipe);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(drawn.size() == many);
  return drawn;
}

constexpr auto nothing = [] {};

TEST_CASE("tokens are 32 lowercase hex digits, all of them different", "[token_source]") {
  TokenSource source;
  std::unordered_set<AttemptToken> tokens;
  for (int i = 0; i < 65'536; ++i) {
    const AttemptToken token = token_of(source.draw());
    REQUIRE(token.value().size() == 32);
    REQUIRE(token.value().find_first_not_of("0123456789abcdef") == std::string_view::npos);
    tokens.insert(token);
  }
  CHECK(tokens.size() == 65'536);
}

TEST_CASE("every bit of a token varies", "[token_source]") {
  TokenSource source;
  TokenBits ones{};
  TokenBits zeros{};
  for (const TokenBits& bits : draw(source, many)) {
    for (std::size_t i = 0; i < bits.size(); ++i) {
      ones[i] = static_cast<unsigned char>(ones[i] | bits[i]);
      zeros[i] = static_cast<unsigned char>(zeros[i] | ~bits[i]);
    }
  }
  TokenBits all;
  all.fill(0xFF);
  CHECK(ones == all);
  CHECK(zeros == all);
}

TEST_CASE("hex digits show every nibble, each at a place of its own", "[token_source]") {
  for (unsigned value = 0; value < 16; ++value) {
    TokenBits bits;
    bits.fill(static_cast<unsigned char>(value * 0x11));
    CHECK(token_of(bits).value() == std::string(32, "0123456789abcdef"[value]));
  }
  std::set<std::size_t> places;
  for (std::size_t nibble = 0; nibble < 32; ++nibble) {
    TokenBits bits{};
    bits[nibble / 2] = nibble % 2 == 0 ? 0x0F : 0xF0;
    const AttemptToken token = token_of(bits);
    CHECK(std::count(token.value().begin(), token.value().end(), '0') == 31);
    places.insert(token.value().find('f'));
  }
  CHECK(places.size() == 32);
}

TEST_CASE("a token that was put back is the next to be drawn", "[token_source]") {
  TokenSource source;
  std::vector<TokenBits> kept;
  for (std::size_t i = 0; i < many; ++i) {
    const TokenBits bits = source.draw();
    source.put_back(bits);
    REQUIRE(source.draw() == bits);
    kept.push_back(bits);
  }
  CHECK(distinct(kept) == many);
}

TEST_CASE("putting back what never was drawn changes nothing", "[token_source]") {
  TokenSource source;
  const TokenBits strange{1, 2, 3};
  source.put_back(strange);
  CHECK(source.draw() != strange);
}

TEST_CASE("sources of their own, and many threads, draw different tokens", "[token_source]") {
  TokenSource first;
  TokenSource second;
  std::vector<TokenBits> all = draw(first, many);
  for (const TokenBits& bits : draw(second, many)) all.push_back(bits);

  constexpr std::size_t threads = 8;
  std::vector<std::vector<TokenBits>> drawn(threads);
  std::vector<std::thread> running;
  for (std::vector<TokenBits>& own : drawn) {
    running.emplace_back([&own] { own = draw(TokenSource::of_this_thread(), 4096); });
  }
  for (std::thread& thread : running) thread.join();
  for (const std::vector<TokenBits>& own : drawn) all.insert(all.end(), own.begin(), own.end());
  CHECK(distinct(all) == 2 * many + threads * 4096);
}

TEST_CASE("a thread has one source", "[token_source]") {
  CHECK(&TokenSource::of_this_thread() == &TokenSource::of_this_thread());
}

TEST_CASE("a forked child and its parent draw different tokens", "[token_source]") {
  TokenSource source;
  std::vector<TokenBits> all;

  SECTION("forked before the first token") {}
  SECTION("forked with tokens in store") {
    all = draw(source, 3);
  }
  SECTION("forked with a full store but one") {
    all = draw(source, 1);
  }
  SECTION("forked after a token was put back") {
    all = draw(source, 3);
    source.put_back(all.back());
    all.pop_back();
  }

  for (const TokenBits& bits : drawn_in_child(source, nothing)) all.push_back(bits);
  for (const TokenBits& bits : draw(source, many)) all.push_back(bits);
  // two children of one parent differ too
  for (const TokenBits& bits : drawn_in_child(source, nothing)) all.push_back(bits);
  CHECK(distinct(all) == all.size());
}

TEST_CASE("a child can't bring back a token that was drawn before the fork", "[token_source]") {
  TokenSource source;
  const TokenBits before = draw(source, 3).back();  // the parent goes on to use it
  const std::vector<TokenBits> child = drawn_in_child(source, [&] { source.put_back(before); });
  CHECK(std::find(child.begin(), child.end(), before) == child.end());
}

TEST_CASE("nor after it has drawn tokens of its own", "[token_source]") {
  TokenSource source;
  const TokenBits before = source.draw();
  const std::vector<TokenBits> child = drawn_in_child(source, [&] {
    (void)source.draw();
    source.put_back(before);
  });
  CHECK(std::find(child.begin(), child.end(), before) == child.end());
}

}  // namespace
}  // namespace nexus::idempotency::detail::test
