// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_FAULTS_HPP
#define NEXUS_IDEMPOTENCY_REDIS_FAULTS_HPP

// What went wrong, as the server tells it, and what that means for the caller. The server's
// messages are never passed on beyond their first word: they can quote commands, keys and users.

#include <string_view>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::redis {

// What a command may leave behind if its answer is lost.
enum class Effect { none, written };

// Returns: the error that an answer of the server's is. It did nothing.
[[nodiscard]] StoreError server_error(std::string_view message);

// Returns: whether the server takes no writes at the moment, by what is stored and where it stands
// as the primary: reading from it is right.
[[nodiscard]] bool is_state_of_writing(std::string_view code) noexcept;

// Returns: whether the server is one that is not, or no longer, to be written to.
[[nodiscard]] bool is_read_only(std::string_view code) noexcept;

// Returns: the error of WAIT after a command that was executed.
[[nodiscard]] StoreError wait_error(std::string_view message);

[[nodiscard]] StoreError connection_lost(Effect effect);
[[nodiscard]] StoreError unexpected_answer();

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_FAULTS_HPP
