// SPDX-License-Identifier: MIT
// Keys made on one side of a shared library are found in a store made on the other, and exceptions
// thrown by it are caught by their type.
#include <dlfcn.h>

#include <iostream>
#include <nexus/idempotency.hpp>
#include <string>
#include <typeinfo>

#include "plugin.hpp"

using namespace nexus::idempotency;

namespace {

int failures = 0;

void check(bool condition, const char* what) {
  if (condition) return;
  std::cerr << "failed: " << what << '\n';
  ++failures;
}

IdempotencyKey key_made_here(std::string_view client_key) {
  return {TenantId("acme"), OperationRef("charge"), ClientKey(client_key)};
}

template <class Error, class Condition>
void check_throws(void (*function)(), Condition condition, const char* what) {
  try {
    function();
    check(false, what);
  } catch (const Error& error) {
    check(condition(error), what);
  } catch (...) {
    check(false, what);
  }
}

void check_store(IdempotencyStore& store, const char* which) {
  SystemClock clock;
  IdempotencyService service(store, clock);
  const RequestFingerprint fingerprint("f");

  check(make_key("a") == key_made_here("a"), "keys are equal across the border");
  check(std::holds_alternative<FirstExecution>(begin(store, "a")), which);
  check(store.find(key_made_here("a")).has_value(), which);
  check(std::holds_alternative<InProgress>(service.begin(key_made_here("a"), fingerprint)), which);

  check(std::holds_alternative<FirstExecution>(service.begin(key_made_here("b"), fingerprint)),
        which);
  check(store.find(make_key("b")).has_value(), which);
  check(std::holds_alternative<InProgress>(begin(store, "b")), which);
}

// One type on both sides: the shared library exports it. Linux with libstdc++ also compares types
// by name and would catch a hidden one; other platforms compare addresses and would not.
void check_exported(const std::type_info& type) {
  const std::string symbol = std::string("_ZTI") + type.name();
  check(dlsym(RTLD_DEFAULT, symbol.c_str()) != nullptr, symbol.c_str());
}

}  // namespace

int main() {
  InMemoryIdempotencyStore here;
  check_store(here, "a store made in the executable");
  check_store(*make_store(), "a store made in the shared library");

  check_throws<InvalidValueError>(
      throw_invalid_value, [](const auto&) { return true; }, "InvalidValueError");
  check_throws<CompletionError>(
      throw_completion_error,
      [](const auto& error) { return error.reason() == CompletionFailure::superseded; },
      "CompletionError");
  check_throws<StoreError>(
      throw_store_error,
      [](const auto& error) { return error.is_transient() && error.native_code() == "08006"; },
      "StoreError");
  check_throws<OutcomeNotRecorded>(
      throw_outcome_not_recorded, [](const auto& error) { return error.result() == "paid"; },
      "OutcomeNotRecorded");
  check_throws<IdempotencyError>(
      throw_store_error, [](const auto&) { return true; }, "IdempotencyError, the base");
  check_exported(typeid(InvalidValueError));
  check_exported(typeid(CompletionError));
  check_exported(typeid(StoreError));
  check_exported(typeid(OutcomeNotRecorded));
  check_exported(typeid(IdempotencyError));
  check_exported(typeid(IdempotencyStore));
  return failures == 0 ? 0 : 1;
}
