// SPDX-License-Identifier: MIT
#include "fingerprint/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <new>

#include "nexus/idempotency/errors.hpp"

namespace nexus::idempotency::fingerprint {
namespace {

void require(bool done) {
  if (!done) throw IdempotencyError("OpenSSL gives no SHA-256");
}

const EVP_MD* algorithm() {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
  // With EVP_sha256() it would be looked up among the providers' whenever a digest begins.
  static const EVP_MD* const fetched = [] {
    const EVP_MD* found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    require(found != nullptr);  // else it is tried again the next time
    return found;
  }();
  return fetched;
#else
  return EVP_sha256();
#endif
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  require(EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) == 1);
}

void Sha256::add_raw(std::string_view bytes) {
  if (bytes.size() > waiting_.size() - waiting_size_) {
    flush();
    if (bytes.size() > waiting_.size()) {
      require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
      return;
    }
  }
  if (bytes.empty()) return;  // it may have no data(), which memcpy must not be given
  std::memcpy(waiting_.data() + waiting_size_, bytes.data(), bytes.size());
  waiting_size_ += bytes.size();
}

void Sha256::flush() {
  require(EVP_DigestUpdate(context_.get(), waiting_.data(), waiting_size_) == 1);
  waiting_size_ = 0;
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
  flush();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
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
