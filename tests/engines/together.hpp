// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace nexus::idempotency::test {

// Effects: runs all jobs, on `threads` threads at a time. A job is given its thread's number.
// Returns: what the jobs returned, without the empty texts; an exception is a text as well.
inline std::vector<std::string> run_jobs(
    const std::vector<std::function<std::string(std::size_t)>>& jobs, std::size_t threads) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::vector<std::string> findings;
  const auto work = [&](std::size_t thread) {
    for (std::size_t job = next++; job < jobs.size(); job = next++) {
      std::string finding;
      try {
        finding = jobs[job](thread);
      } catch (const std::exception& error) {
        finding = std::string("it threw: ") + error.what();
      }
      if (finding.empty()) continue;
      const std::lock_guard lock(mutex);
      findings.push_back(std::move(finding));
    }
  };
  std::vector<std::thread> crew;
  for (std::size_t i = 0; i < threads; ++i) crew.emplace_back(work, i);
  for (std::thread& thread : crew) thread.join();
  return findings;
}

// Returns: the first of them, one a line, and how many there are.
inline std::string listing(const std::vector<std::string>& findings) {
  std::string text;
  for (std::size_t i = 0; i < findings.size() && i < 20; ++i) text += findings[i] + '\n';
  if (!findings.empty()) text += std::to_string(findings.size()) + " in all";
  return text;
}

}  // namespace nexus::idempotency::test
