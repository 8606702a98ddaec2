// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_FINGERPRINT_SHA256_HPP
#define NEXUS_IDEMPOTENCY_FINGERPRINT_SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "nexus/idempotency/values.hpp"

struct evp_md_ctx_st;  // EVP_MD_CTX, as <openssl/types.h> declares it

namespace nexus::idempotency::fingerprint {

using Sha256Digest = std::array<char, 32>;

// SHA-256, fed with parts that can't run into one another.
// Errors of all: IdempotencyError if OpenSSL has no SHA-256; std::bad_alloc.
class Sha256 {
 public:
  // The bytes, with nothing to tell where they end.
  void add_raw(std::string_view bytes);

  // Eight bytes, the greatest first.
  void add_number(std::uint64_t number);

  // The length, then the bytes.
  void add_part(std::string_view bytes);

  // Returns: the digest. Preconditions: nothing is added after it.
  [[nodiscard]] Sha256Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };

  using Context = std::unique_ptr<evp_md_ctx_st, Free>;

  [[nodiscard]] static Context new_context();
  static void begin(evp_md_ctx_st* context);
  void flush(evp_md_ctx_st* context);

  // What was added last waits here: to OpenSSL, one call with much is a fraction of many with
  // little.
  std::array<char, 512> waiting_;
  std::size_t waiting_size_ = 0;
  Context context_;  // nullptr: nothing has left the buffer yet
};

// Returns: "sha256:" and the bytes in hex digits.
[[nodiscard]] RequestFingerprint fingerprint_of(const Sha256Digest& digest);

}  // namespace nexus::idempotency::fingerprint

#endif  // NEXUS_IDEMPOTENCY_FINGERPRINT_SHA256_HPP
