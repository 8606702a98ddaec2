// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_FILLED_HPP
#define NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_FILLED_HPP

#include <memory>
#include <stdexcept>

#include "benchmarks/subjects.hpp"
#include "benchmarks/support/requests.hpp"

namespace nexus::idempotency::benchmarks {

// Returns: a subject in which these requests are completed.
template <class Subject>
[[nodiscard]] std::shared_ptr<Subject> filled_with(const Requests& requests) {
  auto subject = std::make_shared<Subject>();
  for (const Request& request : requests) {
    if (subject->handle(request) != Outcome::executed) throw std::logic_error("not executed");
  }
  return subject;
}

}  // namespace nexus::idempotency::benchmarks

#endif  // NEXUS_IDEMPOTENCY_TESTS_BENCHMARKS_SUPPORT_FILLED_HPP
