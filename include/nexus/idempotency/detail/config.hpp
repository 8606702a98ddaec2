// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_DETAIL_CONFIG_HPP
#define NEXUS_IDEMPOTENCY_DETAIL_CONFIG_HPP

// Default visibility for exceptions and polymorphic classes: without it, a class that crosses the
// border of a shared library built with -fvisibility=hidden is a different type on each side, and
// a `catch` or a `dynamic_cast` in the executable misses what the library threw or made.
#if defined(__GNUC__)
#define NEXUS_IDEMPOTENCY_API __attribute__((visibility("default")))
#else
#define NEXUS_IDEMPOTENCY_API
#endif

#endif  // NEXUS_IDEMPOTENCY_DETAIL_CONFIG_HPP
