// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_SERVER_CLOCK_OPTIONS_HPP
#define NEXUS_IDEMPOTENCY_SERVER_CLOCK_OPTIONS_HPP

// Clocks that take the time from a server which all hosts ask, so that a host whose own wall clock
// is wrong steals no lease. Their common options and what they promise:
//
// A clock asks the server now and then, and in between goes on by the host's steady clock, which
// nobody sets; most calls cost no round trip. From the time before and the time after the answer it
// takes the middle, so a sample is off by at most half of its round trip. Two hosts then differ by
// at most one max_round_trip and what their steady clocks drift in max_age (crystals: 0.1 ms a
// second at worst); that is what IdempotencyPolicy::clock_skew_allowance is for.
//
// - No sample can be had (the server is down): the last one is used until it is max_age old; then,
//   or if there was none, now() throws the error of the attempt, StoreErrc::unavailable mostly. One
//   call a second tries again meanwhile.
// - The server's clock steps: all hosts follow at their next sample, within sample_interval. Until
//   then those that have sampled already differ from the others by the step. Forward, leases end
//   early by the step; back, they last longer by it.
// - Another server takes over (a failover, a load balancer): its clock counts from the next sample.
//   Keep the servers synchronised.
//
// Thread-safety: safe. One thread at a time asks; others go on with the last sample.

#include <chrono>

#include "nexus/idempotency/time.hpp"

namespace nexus::idempotency {
inline namespace v0 {

// More than zero, all of them, and sample_interval at most max_age; else the clock's constructor
// throws InvalidValueError.
struct ServerClockOptions {
  // How long a sample is used before another one is taken.
  Duration sample_interval = std::chrono::seconds(10);
  // How old the last sample may be when no newer one can be had.
  Duration max_age = std::chrono::minutes(2);
  // A sample with a longer round trip is not used: it says too little.
  Duration max_round_trip = std::chrono::milliseconds(200);
};

}  // namespace v0
}  // namespace nexus::idempotency

#endif  // NEXUS_IDEMPOTENCY_SERVER_CLOCK_OPTIONS_HPP
