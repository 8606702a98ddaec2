// SPDX-License-Identifier: MIT
#include "fingerprint/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <new>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::fingerprint {
namespace {

void require(int done) {
  if (done != 1) throw IdempotencyError("OpenSSL gives no SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
}

void Sha256::add_raw(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

void Sha256::add_number(std::uint64_t number) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(number >> (56 - 8 * i)));
  }
  add_raw({bytes.data(), bytes.size()});
}

void Sha256::add_part(std::string_view bytes) {
  add_number(bytes.size());
  add_raw(bytes);
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
  return {digest.begin(), digest.begin() + size};
}

std::string sha256_text(std::string_view digest) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text = "sha256:";
  text.reserve(text.size() + 2 * digest.size());
  for (const char byte : digest) {
    const auto code = static_cast<unsigned char>(byte);
    text += hex[code >> 4];
    text += hex[code & 0xF];
  }
  return text;
}

}  // namespace nexus::idempotency::fingerprint
