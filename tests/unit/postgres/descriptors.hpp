// SPDX-License-Identifier: MIT
// The process's file descriptors: how many are open, and none more.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"

namespace nexus::idempotency::test {

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// While it exists, the process can open no further descriptors.
class NoMoreDescriptors {
 public:
  // `spare`: but so many.
  explicit NoMoreDescriptors(rlim_t spare) {
    // UBSan opens a pipe to look at an object whose type it hasn't met: so it meets errors now.
    try {
      throw StoreError(StoreErrc::exhausted, "met");
    } catch (const StoreError& error) {
      const StoreError copy = error;
      REQUIRE(copy.native_code().empty());
    }
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    // The lowest that are free, and the first that must stay so.
    std::vector<int> taken;
    for (rlim_t i = 0; i <= spare; ++i) {
      taken.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
      REQUIRE(taken.back() >= 0);
    }
    for (const int descriptor : taken) close(descriptor);
    const rlimit limit{static_cast<rlim_t>(taken.back()), before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace nexus::idempotency::test
