// SPDX-License-Identifier: MIT
#include "plugin.hpp"

#include <exception>

using namespace nexus::idempotency;

IdempotencyKey make_key(std::string_view client_key) {
  return {TenantId("acme"), OperationRef("charge"), ClientKey(client_key)};
}

std::unique_ptr<IdempotencyStore> make_store() {
  return std::make_unique<InMemoryIdempotencyStore>();
}

BeginDecision begin(IdempotencyStore& store, std::string_view client_key) {
  SystemClock clock;
  return IdempotencyService(store, clock).begin(make_key(client_key), RequestFingerprint("f"));
}

void throw_invalid_value() {
  TenantId("");
}
void throw_completion_error() {
  throw CompletionError(CompletionFailure::superseded);
}
void throw_store_error() {
  throw StoreError(StoreErrc::unavailable, "down", "08006");
}
void throw_outcome_not_recorded() {
  throw OutcomeNotRecorded("paid", std::exception_ptr());
}
