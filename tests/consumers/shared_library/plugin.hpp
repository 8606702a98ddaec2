// SPDX-License-Identifier: MIT
#ifndef PLUGIN_HPP
#define PLUGIN_HPP

#include <memory>
#include <nexus/idempotency.hpp>
#include <string_view>

#define PLUGIN_API __attribute__((visibility("default")))

// What the shared library does, with its own copy of the library's code.
PLUGIN_API nexus::idempotency::IdempotencyKey make_key(std::string_view client_key);
PLUGIN_API std::unique_ptr<nexus::idempotency::IdempotencyStore> make_store();
PLUGIN_API nexus::idempotency::BeginDecision begin(nexus::idempotency::IdempotencyStore& store,
                                                   std::string_view client_key);
PLUGIN_API void throw_invalid_value();
PLUGIN_API void throw_completion_error();
PLUGIN_API void throw_store_error();
PLUGIN_API void throw_outcome_not_recorded();

#endif  // PLUGIN_HPP
