// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_PIN_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_PIN_HPP

#include <cstddef>

#ifdef __linux__
#include <sched.h>
#endif

namespace nexus::idempotency::benchmarks {

// Keeps the calling thread on one core for as long as it lives: `index` counts the cores that the
// program may use, over and over. Two threads of a benchmark then meet on two cores from the first
// call on, not once the scheduler has spread them.
// Where threads can't be pinned it does nothing.
class Pin {
 public:
#ifdef __linux__
  explicit Pin(std::size_t index) {
    const cpu_set_t usable = cores_of_the_program();
    CPU_ZERO(&before_);
    sched_getaffinity(0, sizeof before_, &before_);
    const auto count = static_cast<std::size_t>(CPU_COUNT(&usable));
    std::size_t left = count == 0 ? 0 : index % count;
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
      if (!CPU_ISSET(core, &usable) || left-- > 0) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(core, &one);
      sched_setaffinity(0, sizeof one, &one);
      return;
    }
  }
  ~Pin() {
    sched_setaffinity(0, sizeof before_, &before_);
  }
#else
  explicit Pin(std::size_t) {}
  ~Pin() {}
#endif
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

#ifdef __linux__
 private:
  // What the first thread may use, before any is pinned; a new thread inherits its parent's pin.
  static const cpu_set_t& cores_of_the_program() {
    static const cpu_set_t cores = [] {
      cpu_set_t set;
      CPU_ZERO(&set);
      sched_getaffinity(0, sizeof set, &set);
      return set;
    }();
    return cores;
  }

  cpu_set_t before_;
#endif
};

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_PIN_HPP
