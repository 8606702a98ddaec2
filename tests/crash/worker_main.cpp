// SPDX-License-Identifier: MIT
// The worker process of the crash tests; see orders.hpp for its arguments.
// It ends with status 0 after SIGTERM or when all is settled, else with 2: what it could not cope
// with is in the log.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crash/broken_store.hpp"
#include "crash/event.hpp"
#include "crash/log.hpp"
#include "crash/noting_store.hpp"
#include "crash/orders.hpp"
#include "crash/store_maker.hpp"
#include "crash/worker.hpp"
#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/ports.hpp"

namespace {

using namespace nexus::idempotency;
using namespace nexus::idempotency::test;

std::atomic<bool> stop = false;  // set by a signal

void note(LogWriter& log, const Orders& orders, What what, const std::string& detail = "-") {
  Event event;
  event.worker = orders.worker;
  event.what = what;
  event.detail = detail;
  log.add(event);
}

// Opens the store like any service that starts: if the server is away, it tries again.
std::unique_ptr<IdempotencyStore> opened(const Orders& orders, LogWriter& log) {
  while (!stop) {
    try {
      return open_store(orders.engine, orders.place);
    } catch (const StoreError& error) {
      note(log, orders, What::error, error_detail("open", error));
      if (!error.is_transient() && error.code() != StoreErrc::in_doubt) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return nullptr;
}

// What one thread does.
void work(Orders orders, std::uint32_t thread, IdempotencyStore& engine, LogWriter& log) {
  orders.worker += thread;
  orders.seed += thread;
  NotingStore noting(engine, log, orders.worker);
  BrokenStore store(noting, orders.broken, orders.seed + 1000);
  Worker worker(orders, store, log);
  if (orders.settle > 0) {
    worker.settle();
  } else {
    worker.work(stop);
  }
}

int run(const Orders& orders) {
  LogWriter log(orders.log);
  const std::unique_ptr<IdempotencyStore> engine = opened(orders, log);
  if (!engine) return 0;
  note(log, orders, What::started);
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i < orders.threads; ++i) {
    threads.emplace_back([&, i] { work(orders, i, *engine, log); });
  }
  work(orders, 0, *engine, log);
  for (std::thread& thread : threads) thread.join();
  note(log, orders, What::stopped);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    // The test's end, however it comes, is the end of its workers.
    const pid_t test = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != test) return 2;
    ::signal(SIGTERM, [](int) { stop = true; });
    return run(parse_arguments(count, arguments));
  } catch (const std::exception& error) {
    std::cerr << "a worker ended: " << error.what() << std::endl;
    return 2;
  }
}
