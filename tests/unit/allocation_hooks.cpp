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
  const std::function<void()>* on_allocation = nullptr;
  const std::function<void()>* on_release = nullptr;
};

thread_local Hooks hooks;

void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  if (hooks.counting && !hooks.failed && hooks.left-- == 0) {
    hooks.failed = true;
    throw std::bad_alloc();
  }
  if (const auto* action = std::exchange(hooks.on_allocation, nullptr)) (*action)();
  const std::size_t whole = (size / alignment + 1) * alignment;
  if (void* memory = std::aligned_alloc(alignment, whole)) return memory;
  throw std::bad_alloc();
}

void* try_allocate(std::size_t size) noexcept {
  try {
    return allocate(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
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

// All of them, so that none that a sanitizer brings is mixed up with these.
void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return try_allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return try_allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete[](void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  release(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
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

OnAllocation::OnAllocation(std::function<void()> action) : action_(std::move(action)) {
  hooks.on_allocation = &action_;
}
OnAllocation::~OnAllocation() {
  hooks.on_allocation = nullptr;
}

OnRelease::OnRelease(std::function<void()> action) : action_(std::move(action)) {
  hooks.on_release = &action_;
}
OnRelease::~OnRelease() {
  hooks.on_release = nullptr;
}

}  // namespace nexus::idempotency::test
