// SPDX-License-Identifier: MIT
// Any JSON, or any JSON in the place of one member of a good handoff JSON:
// attempt_from_handoff_json throws InvalidValueError, or gives an attempt of which to_handoff_json
// makes the same JSON.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/json.hpp"

namespace {

using namespace nexus::idempotency;
using nlohmann::json;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array<const char*, 12> places{"",
                                             "/key",
                                             "/key/tenant",
                                             "/key/operation",
                                             "/key/client_key",
                                             "/key/more",
                                             "/fingerprint",
                                             "/fence",
                                             "/handoff_version",
                                             "/attempt_token",
                                             "/lease_end_us",
                                             "/started_at_us"};

const Attempt& good() {
  static const Attempt attempt{.key = {TenantId("t"), OperationRef("o"), ClientKey("k")},
                               .fingerprint = RequestFingerprint("f"),
                               .token = AttemptToken("a"),
                               .fence = 7,
                               .started_at = Timestamp(Duration(1)),
                               .lease_end = Timestamp(Duration(2))};
  return attempt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  json handoff = to_handoff_json(good());
  handoff[json::json_pointer(places[data[0] % places.size()])] =
      json::parse(data + 1, data + size, nullptr, /*allow_exceptions=*/false);
  try {
    const Attempt attempt = attempt_from_handoff_json(handoff);
    require(to_handoff_json(attempt) == handoff);
    require(attempt_from_handoff_json(json::parse(to_handoff_json(attempt).dump())) == attempt);
    require(!json(attempt).dump().empty());
  } catch (const InvalidValueError& error) {
    require(std::string_view(error.what()).size() < 80);  // a fixed text
  }
  return 0;
}
