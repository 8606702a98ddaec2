// SPDX-License-Identifier: MIT
// Lets a test see and disturb the allocations of its thread. Link allocation_hooks.cpp, which
// replaces the global operator new and delete.
#pragma once

#include <cstddef>
#include <functional>

namespace nexus::idempotency::test {

// While it lives, the allocation after the next `succeeding` ones throws std::bad_alloc. Only that
// one does.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::size_t succeeding) noexcept;
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();

  // Returns: whether it came to that allocation.
  [[nodiscard]] bool happened() const noexcept;
};

// While it lives, `action` runs in the first allocation, and not again.
class OnAllocation {
 public:
  explicit OnAllocation(std::function<void()> action);
  OnAllocation(const OnAllocation&) = delete;
  OnAllocation& operator=(const OnAllocation&) = delete;
  ~OnAllocation();

 private:
  std::function<void()> action_;
};

// While it lives, `action` runs whenever memory is released, but not within itself. If it throws,
// as a failed REQUIRE does, the program ends.
class OnRelease {
 public:
  explicit OnRelease(std::function<void()> action);
  OnRelease(const OnRelease&) = delete;
  OnRelease& operator=(const OnRelease&) = delete;
  ~OnRelease();

 private:
  std::function<void()> action_;
};

}  // namespace nexus::idempotency::test
