// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_RAW_DISK_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_RAW_DISK_HPP

#include <cstddef>
#include <filesystem>
#include <string>

#include "benchmarks/durable/slices.hpp"

namespace nexus::idempotency::benchmarks {

// A file that is written as a log is: a block after the last one, then synced. It has its length
// from the start and is gone through over and over, as the engines reuse theirs, so that a sync
// writes the block and no more.
class RawLog {
 public:
  // Errors: std::system_error.
  RawLog(const std::filesystem::path& file, std::size_t block);
  ~RawLog();
  RawLog(const RawLog&) = delete;
  RawLog& operator=(const RawLog&) = delete;

  void append_and_sync();

 private:
  const std::filesystem::path file_;
  const std::string block_;
  int descriptor_;
  std::size_t next_ = 0;
};

// Half of the rate of syncs: what a first execution, with its two, can't be faster than.
[[nodiscard]] inline Operation pairs_of_syncs(RawLog& log) {
  return {[&log](std::size_t) -> std::size_t {
    log.append_and_sync();
    log.append_and_sync();
    return 1;
  }};
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_DURABLE_RAW_DISK_HPP
