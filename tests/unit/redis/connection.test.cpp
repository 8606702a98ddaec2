// SPDX-License-Identifier: MIT
// One connection by itself: what the server sends between commands, and how long an answer may
// take.
#include "redis/connection.hpp"

#include <openssl/ssl.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "nexus/idempotency/redis/redis_store.hpp"
#include "redis/address.hpp"
#include "redis/commands.hpp"
#include "redis/hiredis.hpp"
#include "redis/tls.hpp"
#include "stores/milliseconds.hpp"
#include "support/catch.hpp"
#include "support/tls_files.hpp"
#include "unit/redis/server_end.hpp"

namespace {

using namespace nexus::idempotency;
using namespace std::chrono_literals;
using redis::Commands;
using redis::Connection;
using redis::Reply;
using stores::deadline_in;
using test::Listener;
using test::ServerEnd;
using test::TlsServerEnd;

const test::TlsFiles& files() {
  static const test::TlsFiles all;
  return all;
}

Commands ping() {
  Commands commands;
  commands.add({"PING"});
  return commands;
}

// Returns: whether a command was answered as `text`.
bool is_answered(Connection& connection, std::string_view text) {
  const std::vector<Reply> replies = connection.run(ping(), deadline_in(1min));
  return replies.size() == 1 && redis::text_of(*replies.front()) == text;
}

// Both ends of a connection without TLS.
struct Plain {
  // `usual_wait`: as Connection's.
  explicit Plain(std::chrono::milliseconds usual_wait = 1min)
      : client({"localhost", 0, listener.path()}, 1min, usual_wait, nullptr) {}

  Listener listener;
  Connection client;
  ServerEnd server{listener};
};

// Both ends of one with TLS.
class Secure {
 public:
  Secure() {
    auto accepted = std::async(
        std::launch::async, [this] { return std::make_unique<TlsServerEnd>(listener_, files()); });
    client_ = std::make_unique<Connection>(redis::Address{"localhost", 0, listener_.path()}, 1min,
                                           1min, &context_);
    server_ = accepted.get();
  }

  [[nodiscard]] Connection& client() { return *client_; }
  [[nodiscard]] TlsServerEnd& server() { return *server_; }

  // Returns: whether a command is answered, the answer and what is said behind it coming at once.
  bool works(const std::function<void(TlsServerEnd&)>& behind = [](TlsServerEnd&) {}) {
    auto answered =
        std::async(std::launch::async, [this] { return is_answered(*client_, "PONG"); });
    const std::string asked = server_->read();
    server_->write("+PONG\r\n");
    behind(*server_);
    server_->flush();
    return asked == ping().bytes() && answered.get();
  }

 private:
  static RedisStoreOptions options() {
    RedisStoreOptions options;
    options.tls = true;
    options.tls_ca_file = files().file("ca.pem");
    return options;
  }

  Listener listener_;
  redis::TlsContext context_{options()};
  std::unique_ptr<Connection> client_;
  std::unique_ptr<TlsServerEnd> server_;
};

// What a server may send between commands.
struct Words {
  const char* name;
  std::function<void(TlsServerEnd&)> say;
};

const std::vector<Words>& of_tls() {
  static const std::vector<Words> all{
      {"a session ticket", [](TlsServerEnd& server) { server.add_ticket(); }},
      {"several",
       [](TlsServerEnd& server) {
         for (int i = 0; i < 100; ++i) server.add_ticket();
       }},
      {"a new key", [](TlsServerEnd& server) { server.update_key(SSL_KEY_UPDATE_NOT_REQUESTED); }},
      {"new keys", [](TlsServerEnd& server) { server.update_key(SSL_KEY_UPDATE_REQUESTED); }},
  };
  return all;
}

const std::vector<Words>& of_others() {
  static const std::vector<Words> all{
      {"an answer to nothing", [](TlsServerEnd& server) { server.write("+OK\r\n"); }},
      {"one byte", [](TlsServerEnd& server) { server.write("x"); }},
      {"an answer behind a ticket",
       [](TlsServerEnd& server) {
         server.add_ticket();
         server.write("+OK\r\n");
       }},
      {"the session's end", [](TlsServerEnd& server) { server.end_session(); }},
      {"the session's end behind a ticket",
       [](TlsServerEnd& server) {
         server.add_ticket();
         server.end_session();
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("without TLS, a connection is alive until there is something to read") {
  Plain both;
  CHECK(both.client.is_alive());
  CHECK(both.client.is_alive());
  SECTION("the end") {
    both.server.hang_up();
  }
  SECTION("an answer to nothing") {
    both.server.send("+OK\r\n");
  }
  SECTION("one byte") {
    both.server.send("x");
  }
  SECTION("an answer to nothing, and the end") {
    both.server.send("+OK\r\n");
    both.server.hang_up();
  }
  CHECK_FALSE(both.client.is_alive());
}

TEST_CASE("without TLS, what comes with an answer gives the connection up") {
  Plain both;
  both.server.send("+PONG\r\n");
  CHECK(is_answered(both.client, "PONG"));
  CHECK(both.client.is_alive());
  both.server.send("+PONG\r\n+OK\r\n");
  CHECK(is_answered(both.client, "PONG"));
  CHECK_FALSE(both.client.is_alive());
}

TEST_CASE("without TLS, a server that is gone and has not read everything") {
  Plain both;
  both.server.send("+PONG\r\n");
  CHECK(is_answered(both.client, "PONG"));
  CHECK(both.client.is_alive());
  both.server.hang_up();  // which is an error of the socket's then
  CHECK_FALSE(both.client.is_alive());
}

TEST_CASE("what TLS itself says between commands leaves the connection as it is") {
  for (const Words& words : of_tls()) {
    INFO(words.name);
    Secure both;
    CHECK(both.client().is_alive());
    words.say(both.server());
    both.server().flush();
    CHECK(both.client().is_alive());
    REQUIRE(both.works());
    REQUIRE(both.works(words.say));  // with the answer
    CHECK(both.client().is_alive());
    REQUIRE(both.works());
  }
}

TEST_CASE("a session ticket that is cut in two") {
  Secure both;
  both.server().add_ticket();
  const std::string ticket = both.server().take();
  both.server().below().send(ticket.substr(0, ticket.size() / 2));
  CHECK(both.client().is_alive());
  both.server().below().send(ticket.substr(ticket.size() / 2));
  CHECK(both.client().is_alive());
  REQUIRE(both.works());
}

TEST_CASE("whatever else comes over TLS gives the connection up") {
  for (const Words& words : of_others()) {
    INFO(words.name);
    {
      Secure both;
      words.say(both.server());
      both.server().flush();
      CHECK_FALSE(both.client().is_alive());
    }
    Secure both;
    REQUIRE(both.works(words.say));
    CHECK_FALSE(both.client().is_alive());
  }
}

TEST_CASE("with TLS, the connection's end without the session's, and bytes that are not TLS") {
  Secure both;
  REQUIRE(both.works());
  SECTION("the end") {
    both.server().below().hang_up();
  }
  SECTION("the end behind a ticket") {
    both.server().add_ticket();
    both.server().flush();
    both.server().below().hang_up();
  }
  SECTION("no TLS") {
    both.server().below().send("+OK, but not as agreed\r\n");
  }
  CHECK_FALSE(both.client().is_alive());
}

TEST_CASE("an answer that does not come, or bit by bit: nothing by the deadline") {
  // More than is usual, as much, and less.
  const auto usual_wait = GENERATE(20ms, 50ms, 1min);
  const bool comes_bit_by_bit = GENERATE(false, true);
  INFO(usual_wait.count() << " " << comes_bit_by_bit);
  Plain both(usual_wait);
  std::thread trickle([&] {
    if (!comes_bit_by_bit) return;
    // Each bit comes before a wait of its own would be over; it ends long after the deadline.
    bool goes_on = both.server.send("$1000000\r\n");
    for (int i = 0; i < 2000 && goes_on; ++i) {
      std::this_thread::sleep_for(5ms);
      goes_on = both.server.send("x");
    }
  });
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Reply> replies = both.client.run(ping(), deadline_in(50ms));
  const auto took = std::chrono::steady_clock::now() - start;
  both.server.hang_up();
  trickle.join();
  CHECK(replies.empty());
  CHECK(took >= 50ms);
  CHECK(took < 5s);
  CHECK_FALSE(both.client.is_alive());
}
