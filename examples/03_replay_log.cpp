// SPDX-License-Identifier: MIT
// 03_replay_log [--threads N] [<file> | -]
//
// Plays the server's part in a log of requests, and shows that no command takes effect twice.
//
// The log that comes with it, data/requests.ndjson, is what a payment client sent for 120 commands
// while the server failed now and then, and sometimes did the work but lost the reply. `-` reads
// standard input. Each line is a request: a JSON object with the strings `method`, `path`, `body`
// and `fate`, and an object `headers` with the strings `stripe-account` and `idempotency-key`.
// Blank lines are skipped.
//
// Prints a line for each request: its key, what became of it, and which attempt with this key it
// was. With --threads N each request is delivered N times at the same moment, as by a load balancer
// gone wrong; it counts as executed if one of its deliveries was.
//
// Exit status: 0; 1 if a command took effect twice or a replay was wrong; 2 if anything else was
// wrong: the arguments, the log, the machine. Bad lines are reported and left out, and the rest is
// processed.

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <iomanip>
#include <iostream>
#include <latch>
#include <nexus/idempotency.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <variant>
#include <vector>

#include "replay_log/ledger.hpp"
#include "replay_log/line_reader.hpp"
#include "replay_log/request.hpp"
#include "replay_log/tally.hpp"

namespace {

using namespace nexus::idempotency;
using replay_log::Outcome;

// What the work throws when the server fails before the command has taken any effect.
struct ServerFailed : std::exception {};

// What a server does for one delivery of a request.
Outcome deliver(IdempotencyServiceInterface& service, replay_log::Ledger& ledger,
                const replay_log::Request& request) {
  struct ToOutcome {
    replay_log::Ledger& ledger;
    const IdempotencyKey& key;

    Outcome operator()(const Executed&) const { return Outcome::executed; }
    Outcome operator()(const Replay& replay) const {
      ledger.check_replay(key, replay.result.payload());
      return Outcome::replayed;
    }
    Outcome operator()(const InProgress&) const { return Outcome::in_progress; }
    Outcome operator()(const Conflict&) const { return Outcome::conflict; }
    Outcome operator()(const RetryNotAllowed&) const { return Outcome::refused; }
  };
  const auto work = [&](const Attempt&) {
    std::this_thread::yield();  // a command takes its time; let the other deliveries meet it
    if (!request.takes_effect) throw ServerFailed();
    return ledger.carry_out(request.key);
  };
  try {
    return std::visit(ToOutcome{ledger, request.key},
                      execute(service, request.key, request.fingerprint, work));
  } catch (const ServerFailed&) {
    return Outcome::failed;  // execute has recorded that, so the client's next attempt may execute
  } catch (const OutcomeNotRecorded&) {
    return Outcome::executed;  // the client still gets its reply; a server would log the cause
  }
}

// Delivers the request `copies` times at the same moment, each time on a thread of its own.
std::vector<Outcome> deliver_at_once(unsigned copies, IdempotencyServiceInterface& service,
                                     replay_log::Ledger& ledger,
                                     const replay_log::Request& request) {
  if (copies == 1) return {deliver(service, ledger, request)};

  std::latch start(1);
  std::vector<std::future<Outcome>> deliveries;
  try {
    while (deliveries.size() < copies) {
      deliveries.push_back(std::async(std::launch::async, [&] {
        start.wait();
        return deliver(service, ledger, request);
      }));
    }
  } catch (...) {
    start.count_down();  // those that could be started must end before this function does
    throw;
  }
  start.count_down();
  std::vector<Outcome> outcomes;
  for (std::future<Outcome>& delivery : deliveries) outcomes.push_back(delivery.get());
  return outcomes;
}

// Returns: the key, in ASCII and without control characters, fit for a terminal.
std::string printable(const ClientKey& key) {
  const std::string quoted = nlohmann::json(std::string(key.value())).dump(-1, ' ', true);
  return quoted.substr(1, quoted.size() - 2);
}

struct Options {
  unsigned threads = 1;
  // The one beside this source file, wherever the program is run.
  std::string log =
      (std::filesystem::path(__FILE__).parent_path() / "data" / "requests.ndjson").string();
};

// Returns: nothing if the arguments are wrong.
std::optional<Options> parse_options(int argc, char** argv) {
  constexpr unsigned max_threads = 64;
  Options options;
  bool has_log = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--threads") {
      if (++i == argc) return std::nullopt;
      const std::string_view number = argv[i];
      const char* const end = number.data() + number.size();
      const auto [stopped, error] = std::from_chars(number.data(), end, options.threads);
      if (error != std::errc() || stopped != end) return std::nullopt;
      if (options.threads < 1 || options.threads > max_threads) return std::nullopt;
    } else if (has_log || (argument.starts_with("-") && argument != "-")) {
      return std::nullopt;
    } else {
      options.log = argument;
      has_log = true;
    }
  }
  return options;
}

// Returns: the exit status.
int replay(std::istream& in, const std::string& name, unsigned threads) {
  InMemoryIdempotencyStore store;
  SystemClock clock;
  IdempotencyService service(store, clock);
  replay_log::Ledger ledger;
  replay_log::Tally tally;
  replay_log::Counts all_deliveries;
  std::size_t bad_lines = 0;

  replay_log::LineReader lines(in);
  while (lines.next()) {
    if (lines.is_blank()) continue;
    try {
      if (lines.too_long()) throw replay_log::BadLine("the line is too long");
      const replay_log::Request request = replay_log::parse_request(lines.text());

      const std::vector<Outcome> outcomes = deliver_at_once(threads, service, ledger, request);
      const auto [outcome, attempt] = tally.add(request.key, outcomes);
      replay_log::Counts deliveries;
      for (const Outcome o : outcomes) {
        deliveries.add(o);
        all_deliveries.add(o);
      }
      std::cout << std::left << std::setw(54) << printable(request.key.client_key()) << "  "
                << std::setw(11) << to_string(outcome) << "  attempt " << attempt;
      if (threads > 1) std::cout << "  (" << deliveries << ')';
      std::cout << '\n';
    } catch (const replay_log::BadLine& bad) {
      ++bad_lines;
      std::cerr << name << ':' << lines.number() << ": " << bad.what() << '\n';
    }
  }

  if (lines.failed()) std::cerr << name << ": reading failed after line " << lines.number() << '\n';
  if (bad_lines > 0) std::cerr << name << ": bad lines left out: " << bad_lines << '\n';
  if (threads > 1) {
    std::cout << "deliveries by " << threads << " threads at once: " << all_deliveries << '\n';
  }
  tally.print_summary(std::cout, ledger);
  if (!std::cout.flush()) {
    std::cerr << "cannot write to standard output\n";
    return 2;
  }
  if (ledger.executed_twice() > 0 || ledger.wrong_replays() > 0) return 1;
  return lines.failed() || bad_lines > 0 ? 2 : 0;
}

}  // namespace

int main(int argc, char** argv) try {
  std::ios::sync_with_stdio(false);
  const std::optional<Options> options = parse_options(argc, argv);
  if (!options) {
    std::cerr << "usage: 03_replay_log [--threads <1 to 64>] [<file> | -]\n";
    return 2;
  }
  if (options->log == "-") return replay(std::cin, "<standard input>", options->threads);

  std::ifstream file(options->log, std::ios::binary);
  const bool is_directory = file && std::filesystem::is_directory(options->log);
  if (!file || is_directory) {
    std::cerr << "cannot read " << options->log << ": "
              << std::generic_category().message(is_directory ? EISDIR : errno) << '\n';
    return 2;
  }
  return replay(file, options->log, options->threads);
} catch (const std::exception& error) {
  std::cerr << "03_replay_log: " << error.what() << '\n';
  return 2;
}
