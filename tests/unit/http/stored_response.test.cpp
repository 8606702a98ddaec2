// SPDX-License-Identifier: MIT
#include "nexus/idempotency/http/stored_response.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "nexus/idempotency/errors.hpp"
#include "support/catch.hpp"
#include "support/service_world.hpp"

namespace nexus::idempotency::test {
namespace {

using namespace std::string_literals;

std::string bytes_of(const StoredResponse& response) {
  return std::string(encode_response(response).payload());
}
bool is_corrupt(const std::string& bytes) {
  return store_error([&] { (void)decode_response(ResultEnvelope(bytes)); }) == StoreErrc::corrupt;
}

// Responses are kept in stores: this must be readable for ever.
TEST_CASE("the encoding stays as it is", "[http]") {
  const std::string bytes =
      "NXHR\x01\0\0\0\xC9\x01\0\0\0\x01\0\0\0\x04Link\0\0\0\x02/x\0\0\0\x02{}"s;
  const StoredResponse response{201, {{"Link", "/x"}}, "{}"};
  CHECK(bytes_of(response) == bytes);
  CHECK(decode_response(ResultEnvelope(bytes)) == response);
  CHECK(bytes_of({204, {}, std::nullopt}) == "NXHR\x01\0\0\0\xCC\0\0\0\0\0"s);
}

TEST_CASE("a response comes back byte for byte", "[http]") {
  std::string all_bytes;
  for (int code = 0; code < 256; ++code) all_bytes += static_cast<char>(code);
  const std::vector<StoredResponse> responses{
      {200, {}, ""},
      {200, {}, std::nullopt},
      {100, {}, "a"},
      {999, {}, "a"},
      {201, {{"A", ""}, {"A", "1"}, {"b", " x \t\x80\xFF"}}, all_bytes},
      {404, {{"A", "1"}}, std::nullopt},
      {200, {{"A", std::string(30'000, 'x')}}, std::string(30'000, '\0')},
  };
  for (const StoredResponse& response : responses) {
    CHECK(decode_response(encode_response(response)) == response);
  }
}

TEST_CASE("what is too large loses its body, then its headers, never its status", "[http]") {
  const std::size_t max = ResultEnvelope::max_bytes;
  const HeaderFields headers{{"Location", "/charges/1"}};
  const std::size_t around = bytes_of({201, headers, ""}).size();

  const StoredResponse fits{201, headers, std::string(max - around, 'x')};
  CHECK(encode_response(fits).payload().size() == max);
  CHECK(decode_response(encode_response(fits)) == fits);
  for (const std::size_t more : {std::size_t{1}, max}) {
    const StoredResponse large{201, headers, std::string(max - around + more, 'x')};
    CHECK(decode_response(encode_response(large)) == StoredResponse{201, headers, std::nullopt});
  }

  const std::size_t alone = bytes_of({201, {{"A", ""}}, std::nullopt}).size();
  const StoredResponse full{201, {{"A", std::string(max - alone, 'x')}}, std::nullopt};
  CHECK(decode_response(encode_response(full)) == full);
  // The last bytes that were free are not enough for a body, be it empty.
  const StoredResponse with_body{201, full.headers, ""};
  CHECK(decode_response(encode_response(with_body)) == full);
  const StoredResponse over{201, {{"A", std::string(max - alone + 1, 'x')}}, "body"};
  CHECK(decode_response(encode_response(over)) == StoredResponse{201, {}, std::nullopt});
}

TEST_CASE("a status that is none can't be stored", "[http]") {
  for (const int status : {-1, 0, 99, 1000}) {
    CHECK_THROWS_AS(encode_response({status, {}, ""}), InvalidValueError);
  }
}

TEST_CASE("what was not encoded by us is corrupt", "[http]") {
  const std::string good = bytes_of({201, {{"Link", "/x"}, {"A", ""}}, "body"});
  REQUIRE_FALSE(is_corrupt(good));
  for (std::size_t size = 1; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(is_corrupt(good.substr(0, size)));
  }
  CHECK(is_corrupt(good + "x"));
  CHECK(is_corrupt(good + "\0"s));
  CHECK(is_corrupt("garbage"));
  CHECK(is_corrupt(R"({"status":200})"));
  CHECK(store_error([] { (void)decode_response(ResultEnvelope::omitted()); }) ==
        StoreErrc::corrupt);

  // Each byte of the frame, one after the other, made another.
  const auto with = [&](std::size_t at, char byte) {
    std::string bytes = good;
    bytes[at] = byte;
    return bytes;
  };
  for (std::size_t at = 0; at < 5; ++at) CHECK(is_corrupt(with(at, 'Z')));
  CHECK(is_corrupt(with(4, '\x02')));   // a later version
  CHECK(is_corrupt(with(5, '\x01')));   // a status far too great
  CHECK(is_corrupt(with(7, '\x7F')));   // too great
  CHECK(is_corrupt(with(8, '\x20')));   // too small: 32
  CHECK(is_corrupt(with(9, '\x02')));   // a flag that is none
  CHECK(is_corrupt(with(9, '\x00')));   // a body that should not be there
  CHECK(is_corrupt(with(10, '\xFF')));  // four billion fields
  CHECK(is_corrupt(with(13, '\x03')));  // one field too many
  CHECK(is_corrupt(with(14, '\xFF')));  // a name of four billion bytes
  CHECK(is_corrupt(with(18, ' ')));     // a name that is none
  CHECK(is_corrupt(with(26, '\n')));    // a value that would break a response open
  CHECK(is_corrupt(with(26, '\0')));
  CHECK_FALSE(is_corrupt(with(26, 'y')));
  // A flag that is none, with nothing else to give it away.
  std::string bodiless = bytes_of({204, {}, std::nullopt});
  bodiless[9] = '\x02';
  CHECK(is_corrupt(bodiless));
}

}  // namespace
}  // namespace nexus::idempotency::test
