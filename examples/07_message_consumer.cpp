// SPDX-License-Identifier: MIT
// A consumer of a queue that delivers at least once: each message has its effect once, however
// often it comes, and is acknowledged only when that is certain.
#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <map>
#include <nexus/idempotency.hpp>
#include <nexus/idempotency/fingerprint.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace {

using namespace nexus::idempotency;

// As a broker hands it over. The publisher gave it its id; whenever it is delivered or published
// again, it has the same.
struct Message {
  std::string id;
  std::string body;
};

// [snippet]
enum class Verdict {
  acknowledge,    // done with, now or before
  deliver_again,  // later: it failed, or another consumer is at it
  dead_letter,    // somebody must look at it
};

// `work` gets the message, and throws only if that had no effect.
template <class Work>
Verdict consume(IdempotencyService& service, const Message& message, Work work) {
  const std::optional<ClientKey> id = ClientKey::parse(message.id);
  if (!id) return Verdict::dead_letter;  // it would be no better the next time
  const IdempotencyKey key{TenantId("shop"), OperationRef("order.ship"), *id};
  try {
    const ExecuteOutcome outcome = execute(service, key, fingerprint_of_bytes(message.body),
                                           [&](const Attempt&) { work(message); });
    if (std::holds_alternative<InProgress>(outcome)) return Verdict::deliver_again;
    if (std::holds_alternative<Conflict>(outcome)) return Verdict::dead_letter;  // two bodies
    if (std::holds_alternative<RetryNotAllowed>(outcome)) return Verdict::dead_letter;
    return Verdict::acknowledge;  // Executed or Replay
  } catch (const OutcomeNotRecorded&) {
    return Verdict::acknowledge;  // it had its effect, and could have another if it came again
  } catch (const std::exception&) {
    return Verdict::deliver_again;  // the work failed, or the store is out of reach
  }
}
// [/snippet]

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::acknowledge:
      return "acknowledge";
    case Verdict::deliver_again:
      return "deliver again";
    case Verdict::dead_letter:
      return "dead letter";
  }
  return "unknown";
}

bool tour() {
  InMemoryIdempotencyStore store;  // a durable one, for a consumer that may be restarted
  SystemClock clock;
  IdempotencyService service(store, clock);

  std::map<std::string, int> shipped;
  bool carrier_answers = false;
  const auto ship = [&](const Message& message) {
    if (message.body == "by a carrier that is down" && !carrier_answers) {
      carrier_answers = true;  // the next time
      throw std::runtime_error("the carrier does not answer");
    }
    ++shipped[message.id];
  };
  // While it ships, the broker loses patience, and gives the message to a second consumer.
  std::optional<Verdict> second;
  const auto ship_slowly = [&](const Message& message) {
    second = consume(service, message, ship);
    ship(message);
  };

  std::deque<Message> queue = {
      {"order-1", "two chairs"},   {"order-2", "by a carrier that is down"},
      {"order-1", "two chairs"},    // the first acknowledgement was lost
      {"order-1", "three chairs"},  // the publisher has used an id twice
      {"order-3", "a table"},      {"", "without an id"},
  };
  int dead = 0;
  while (!queue.empty()) {
    const Message message = queue.front();
    queue.pop_front();
    const Verdict verdict = message.id == "order-3" ? consume(service, message, ship_slowly)
                                                    : consume(service, message, ship);
    std::cout << message.id << " (" << message.body << "): " << to_string(verdict) << '\n';
    if (verdict == Verdict::deliver_again) queue.push_back(message);
    if (verdict == Verdict::dead_letter) ++dead;
  }
  const std::map<std::string, int> once = {{"order-1", 1}, {"order-2", 1}, {"order-3", 1}};
  std::cout << shipped.size() << " orders shipped, " << dead << " dead letters\n";
  return shipped == once && dead == 2 && second == Verdict::deliver_again;
}

}  // namespace

int main() {
  try {
    return tour() ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::cerr << "07_message_consumer: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
