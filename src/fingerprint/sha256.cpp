// SPDX-License-Identifier: MIT
#include "fingerprint/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
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

Sha256::Context Sha256::new_context() {
  Context context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  begin(context.get());
  return context;
}

void Sha256::begin(evp_md_ctx_st* context) {
  require(EVP_DigestInit_ex(context, algorithm(), nullptr) == 1);
}

void Sha256::flush(evp_md_ctx_st* context) {
  require(EVP_DigestUpdate(context, waiting_.data(), waiting_size_) == 1);
  waiting_size_ = 0;
}

void Sha256::add_raw(std::string_view bytes) {
  if (bytes.size() > waiting_.size() - waiting_size_) {
    if (!context_) context_ = new_context();
    flush(context_.get());
    if (bytes.size() > waiting_.size()) {
      require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
      return;
    }
  }
  if (bytes.empty()) return;  // it may have no data(), which memcpy must not be given
  std::memcpy(waiting_.data() + waiting_size_, bytes.data(), bytes.size());
  waiting_size_ += bytes.size();
}

void Sha256::add_number(std::uint64_t number) {
  const auto byte = [number](int shift) {
    return static_cast<char>(static_cast<unsigned char>(number >> shift));
  };
  const std::array<char, 8> bytes{byte(56), byte(48), byte(40), byte(32),
                                  byte(24), byte(16), byte(8),  byte(0)};
  add_raw({bytes.data(), bytes.size()});
}

void Sha256::add_part(std::string_view bytes) {
  add_number(bytes.size());
  add_raw(bytes);
}

Sha256Digest Sha256::finish() {
  evp_md_ctx_st* context = context_.get();
  if (context == nullptr) {
    // To make and free a context costs as much as to digest a few hundred bytes.
    thread_local const Context of_this_thread = new_context();
    context = of_this_thread.get();
    begin(context);
  }
  flush(context);
  Sha256Digest digest;
  require(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), nullptr) ==
          1);
  return digest;
}

RequestFingerprint fingerprint_of(const Sha256Digest& digest) {
  constexpr std::string_view algorithm_name = "sha256:";
  constexpr std::string_view hex = "0123456789abcdef";
  return detail::TextAccess::made<RequestFingerprint>(
      algorithm_name.size() + 2 * digest.size(), [&](char* out) noexcept {
        out = std::copy(algorithm_name.begin(), algorithm_name.end(), out);
        for (const char byte : digest) {
          const auto code = static_cast<unsigned char>(byte);
          *out++ = hex[code >> 4];
          *out++ = hex[code & 0xF];
        }
      });
}

}  // namespace nexus::idempotency::fingerprint
