// SPDX-License-Identifier: MIT
#include "postgres/conninfo.hpp"

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::postgres {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

}  // namespace

void check_conninfo(const std::string& conninfo) {
  char* message = nullptr;  // may quote the conninfo
  const std::unique_ptr<PQconninfoOption, FreeOptions> parsed(
      PQconninfoParse(conninfo.c_str(), &message));
  PQfreemem(message);
  if (!parsed || conninfo.find('\0') != std::string::npos) {
    throw StoreError(StoreErrc::misconfigured, "the conninfo string can't be parsed");
  }
}

}  // namespace nexus::idempotency::postgres
