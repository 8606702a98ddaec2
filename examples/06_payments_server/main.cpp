// SPDX-License-Identifier: MIT
// A payments service that can't be made to charge twice: POST /v1/{resource} with a key in the
// header Idempotency-Key, a credential in Authorization, and any body, appends one row to a ledger;
// GET /v1/ledger shows it.
//
//   06_payments_server [--port N] [--store memory|sqlite:PATH|postgres:DSN|redis:URL] ...
//
// How `handle` is wrapped is in charges.cpp, and how a row and its record are committed together in
// books_sqlite.cpp and books_postgres.cpp. It listens on loopback only: it is an example.
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "books.hpp"
#include "charges.hpp"
#include "connection.hpp"
#include "options.hpp"
#include "server.hpp"

namespace {

using namespace payments;

constexpr std::size_t max_body = std::size_t{1} << 20;

void refuse(int status, const std::string& text, httplib::Response& response) {
  response.status = status;
  response.set_content(problem_body(status, text), "application/problem+json");
  response.set_header("Connection", "close");
  Connection::current().close_after();  // the body, or what there is of it, was not read
}

// Returns: whether the body is here as a whole. If not, the response says why.
bool read_body(const httplib::Request& request, const httplib::ContentReader& reader,
               std::string& body, httplib::Response& response) {
  const std::string length = request.get_header_value("Content-Length");
  const bool chunked = request.has_header("Transfer-Encoding");
  if (!chunked && !request.has_header("Content-Length")) return true;
  if (chunked ? request.has_header("Content-Length")
              : request.get_header_value_count("Content-Length") != 1 || length.empty() ||
                    length.find_first_not_of("0123456789") != std::string::npos) {
    refuse(400, "The length of the body makes no sense", response);
    return false;
  }
  bool too_large = length.size() > 9 || (!chunked && std::stoul(length) > max_body);
  if (!too_large) {
    const bool read = reader([&](const char* bytes, std::size_t size) {
      too_large = body.size() + size > max_body;
      if (!too_large) body.append(bytes, size);
      return !too_large;
    });
    if (read) return true;
  }
  if (too_large) {
    refuse(413, "The body is too large", response);
  } else {
    refuse(400, "The body did not arrive", response);
  }
  return false;
}

std::string ledger_json(Books& books) {
  nlohmann::ordered_json data = nlohmann::ordered_json::array();
  for (const LedgerRow& row : books.rows()) {
    data.push_back({{"id", row.id},
                    {"tenant", row.charge.tenant},
                    {"operation", row.charge.operation},
                    {"key", row.charge.key},
                    {"body", row.charge.body}});
  }
  // JSON can't hold a body that is not UTF-8; here it is shown with replacement characters.
  return nlohmann::ordered_json{{"data", std::move(data)}}.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

IdempotencyPolicy policy_of(const Options& options) {
  IdempotencyPolicy policy;
  policy.pending_ttl = options.lease.value_or(options.delay + std::chrono::seconds(5));
  policy.failed_ttl = std::chrono::hours(24);  // what never ends is never purged
  return policy;
}

// Removes a batch of the records that nobody needs any more. Returns: whether there may be others.
bool purge(IdempotencyStore& store) {
  constexpr std::size_t batch = 1000;
  try {
    const Timestamp now = SystemClock().now();
    return store.purge_expired(saturating_subtract(now, retention_grace), batch) == batch;
  } catch (const std::exception&) {
    std::cerr << "a purge failed; the next one will do\n";
    return false;
  }
}

int serve(const Options& options) {
  // Whichever thread is running when it comes, one waits for it: the rest need not know.
  sigset_t ends{};
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const std::unique_ptr<Books> books = open_books(options.store, policy_of(options));
  const Charges charges(*books, options);
  Server server;
  server.Get("/v1/ledger", [&](const httplib::Request&, httplib::Response& response) {
    response.set_content(ledger_json(*books), "application/json");
  });
  server.Post("/v1/.+", [&](const httplib::Request& request, httplib::Response& response,
                            const httplib::ContentReader& reader) {
    std::string body;
    if (read_body(request, reader, body, response)) {
      charges.post(request, std::move(body), response);
    }
  });

  int port = options.port;
  if (port == 0) {
    port = server.bind_to_any_port("127.0.0.1");
  } else if (!server.bind_to_port("127.0.0.1", port)) {
    port = -1;
  }
  if (port < 0) throw std::runtime_error("the port can't be had");
  std::cout << "listening on 127.0.0.1:" << port << std::endl;

  std::atomic<bool> over{false};
  std::thread waiter([&] {
    // As long as none comes, it purges: once a minute, and again at once while there is more.
    timespec pause{0, 0};
    while (sigtimedwait(&ends, nullptr, &pause) < 0) pause.tv_sec = purge(books->store()) ? 0 : 60;
    // More than once: the library overlooks it if the server is only just about to listen.
    for (; !over; std::this_thread::sleep_for(std::chrono::milliseconds(10))) server.finish();
  });
  const bool listened = server.listen_after_bind();
  over = true;
  kill(getpid(), SIGTERM);  // if it has ended by itself, the waiter waits still
  waiter.join();
  return listened ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return serve(parse_options(argc, argv));
  } catch (const std::invalid_argument& error) {
    std::cerr << "06_payments_server: " << error.what() << '\n' << usage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "06_payments_server: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
