// SPDX-License-Identifier: MIT
#pragma once

// A function that can be left in the middle and resumed later, on a stack of its own. It is what
// lets ordinary code, here the service, stop before each port call while others run.

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <stdexcept>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INTERLEAVINGS_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define INTERLEAVINGS_ASAN 1
#endif
#ifdef INTERLEAVINGS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace interleavings {

// Runs one body after another on the same stack. Everything happens on one thread.
class Fiber {
 public:
  Fiber() {
    stack_ = ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack_ == MAP_FAILED) throw std::bad_alloc();
    // An overflow of the stack must crash here and not in the neighbour's memory.
    if (::mprotect(stack_, guard_bytes, PROT_NONE) != 0) throw std::runtime_error("mprotect");
    if (::getcontext(&inside_.context) != 0) throw std::runtime_error("getcontext");
    inside_.context.uc_stack.ss_sp = bottom();
    inside_.context.uc_stack.ss_size = usable_bytes;
    inside_.context.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    ::makecontext(&inside_.context, reinterpret_cast<void (*)()>(&Fiber::entry), 2,
                  static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
    inside_.bottom = bottom();
    inside_.size = usable_bytes;
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  // Preconditions: finished(), or the objects of the unfinished body are leaked.
  ~Fiber() { ::munmap(stack_, stack_bytes); }

  // Effects: `body` runs at the next resume(). It must not let an exception out.
  // Preconditions: finished().
  void start(std::function<void()> body) {
    body_ = std::move(body);
    finished_ = false;
  }

  [[nodiscard]] bool finished() const noexcept { return finished_; }

  // Effects: runs the body until its next suspend() or its end. Called from outside.
  void resume() { change(outside_, inside_); }

  // Effects: returns from resume(); comes back at the next one. Called from the body.
  void suspend() { change(inside_, outside_); }

 private:
  static constexpr std::size_t guard_bytes = 4096;
  static constexpr std::size_t usable_bytes = 256 * 1024;
  static constexpr std::size_t stack_bytes = guard_bytes + usable_bytes;

  // The chain of exceptions being handled belongs to the thread, so it has to be changed with the
  // stack: the service calls ports out of its handlers.
  struct HandledExceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };

  struct Side {
    ucontext_t context{};
    HandledExceptions exceptions;
    const void* bottom = nullptr;
    std::size_t size = 0;
    void* fake_stack = nullptr;
  };

  void* bottom() const noexcept { return static_cast<char*>(stack_) + guard_bytes; }

  static void entry(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Fiber*>((static_cast<std::uintptr_t>(high) << 32) | low);
    arrive(self->inside_, self->outside_);
    for (;;) {
      self->body_();
      self->finished_ = true;
      self->suspend();
    }
  }

  static void change(Side& from, Side& to) {
    auto* thread = reinterpret_cast<HandledExceptions*>(abi::__cxa_get_globals());
    from.exceptions = std::exchange(*thread, to.exceptions);
#ifdef INTERLEAVINGS_ASAN
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
    ::swapcontext(&from.context, &to.context);
    arrive(from, to);
  }

  // Tells AddressSanitizer that this side has been reached, coming from the other one.
  static void arrive([[maybe_unused]] Side& here, [[maybe_unused]] Side& other) {
#ifdef INTERLEAVINGS_ASAN
    __sanitizer_finish_switch_fiber(here.fake_stack, &other.bottom, &other.size);
#endif
  }

  void* stack_ = nullptr;
  Side outside_;
  Side inside_;
  std::function<void()> body_;
  bool finished_ = true;
};

}  // namespace interleavings
