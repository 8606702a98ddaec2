// SPDX-License-Identifier: MIT
#include "unit/allocation_hooks.hpp"

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

namespace {

struct Hooks {
  bool counting = false;
  std::size_t left = 0;  // allocations that still succeed
  bool failed = false;
  const std::function<void()>* on_release = nullptr;
};

thread_local Hooks hooks;

void* allocate(std::size_t size) {
  if (hooks.counting && !hooks.failed && hooks.left-- == 0) {
    hooks.failed = true;
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void release(void* memory) noexcept {
  std::free(memory);
  if (memory == nullptr) return;
  if (const auto* action = std::exchange(hooks.on_release, nullptr)) {
    (*action)();
    hooks.on_release = action;
  }
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}

namespace nexus::idempotency::test {

FailingAllocation::FailingAllocation(std::size_t succeeding) noexcept {
  hooks.counting = true;
  hooks.left = succeeding;
  hooks.failed = false;
}
FailingAllocation::~FailingAllocation() {
  hooks.counting = false;
}
bool FailingAllocation::happened() const noexcept {
  return hooks.failed;
}

OnRelease::OnRelease(std::function<void()> action) : action_(std::move(action)) {
  hooks.on_release = &action_;
}
OnRelease::~OnRelease() {
  hooks.on_release = nullptr;
}

}  // namespace nexus::idempotency::test
