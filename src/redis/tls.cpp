// SPDX-License-Identifier: MIT
#include "redis/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nexus/idempotency/errors.hpp"
#include "nexus/idempotency/redis/redis_store.hpp"

namespace nexus::idempotency::redis {
namespace {

// Returns: why the last call of OpenSSL on this thread failed. It names no file.
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  return text == nullptr ? "for no reason that OpenSSL names" : text;
}

void require_loaded(bool loaded, const char* option) {
  if (!loaded) {
    throw InvalidValueError("RedisStoreOptions: " + std::string(option) + ": " + reason());
  }
}

// A key that is itself locked by a password is refused, rather than asked for at the terminal.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return -1;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

TlsContext::TlsContext(const RedisStoreOptions& options)
    : context_(SSL_CTX_new(TLS_client_method())), server_name_(options.tls_server_name) {
  if (!context_) throw std::bad_alloc();
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_default_passwd_cb(context, &no_password);
  ERR_clear_error();
  if (options.tls_ca_file.empty()) {
    require_loaded(SSL_CTX_set_default_verify_paths(context) == 1, "the system's trust store");
  } else {
    const char* const file = options.tls_ca_file.c_str();
    require_loaded(SSL_CTX_load_verify_locations(context, file, nullptr) == 1, "tls_ca_file");
  }
  if (options.tls_certificate_file.empty()) return;
  const char* const certificate = options.tls_certificate_file.c_str();
  require_loaded(SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
                 "tls_certificate_file");
  const char* const key = options.tls_key_file.c_str();
  require_loaded(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1, "tls_key_file");
}

void TlsSession::Free::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

TlsSession::TlsSession(const TlsContext& context, const std::string& host)
    : session_(SSL_new(context.get())) {
  BIO* const incoming = BIO_new(BIO_s_mem());
  BIO* const outgoing = BIO_new(BIO_s_mem());
  if (!session_ || incoming == nullptr || outgoing == nullptr) {
    BIO_free(incoming);
    BIO_free(outgoing);
    throw std::bad_alloc();
  }
  SSL* const session = session_.get();
  SSL_set_bio(session, incoming, outgoing);
  SSL_set_connect_state(session);
  const std::string& name = context.name_for(host);
  // Only names are announced to the server (RFC 6066), addresses are not.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str()) != 1 &&
      (SSL_set1_host(session, name.c_str()) != 1 ||
       SSL_set_tlsext_host_name(session, name.c_str()) != 1)) {
    throw StoreError(StoreErrc::misconfigured, "TLS: no certificate can be for such a name");
  }
}

bool TlsSession::shake_hands() {
  SSL* const session = session_.get();
  ERR_clear_error();
  const int done = SSL_do_handshake(session);
  if (done == 1) return true;
  if (SSL_get_error(session, done) == SSL_ERROR_WANT_READ) return false;
  const long verified = SSL_get_verify_result(session);
  if (verified != X509_V_OK) {
    throw StoreError(StoreErrc::misconfigured,
                     "the server's certificate is not accepted: " +
                         std::string(X509_verify_cert_error_string(verified)));
  }
  throw StoreError(StoreErrc::misconfigured, "TLS failed: " + reason());
}

void TlsSession::feed(std::string_view received) {
  const int size = static_cast<int>(received.size());
  if (BIO_write(SSL_get_rbio(session_.get()), received.data(), size) != size) {
    throw std::bad_alloc();
  }
}

std::string TlsSession::take_outgoing() {
  BIO* const outgoing = SSL_get_wbio(session_.get());
  std::string bytes(BIO_ctrl_pending(outgoing), '\0');
  if (!bytes.empty()) BIO_read(outgoing, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

bool TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;  // all of it: memory takes whatever comes
  return SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written) == 1;
}

std::optional<std::size_t> TlsSession::read(std::span<char> buffer) {
  ERR_clear_error();
  std::size_t size = 0;
  const int done = SSL_read_ex(session_.get(), buffer.data(), buffer.size(), &size);
  if (done == 1) return size;
  const int error = SSL_get_error(session_.get(), done);
  if (error == SSL_ERROR_WANT_READ) return 0;
  if (error == SSL_ERROR_SSL) failure_ = reason();
  return std::nullopt;
}

}  // namespace nexus::idempotency::redis
