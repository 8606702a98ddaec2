// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_REDIS_TLS_HPP
#define NEXUS_IDEMPOTENCY_REDIS_TLS_HPP

// TLS by OpenSSL, from memory to memory: the connection sends and receives, as it does without TLS,
// so every wait has an end and no signal is raised.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nexus/idempotency/redis/redis_store.hpp"

struct ssl_ctx_st;  // SSL_CTX and SSL, as <openssl/types.h> declares them
struct ssl_st;

namespace nexus::idempotency::redis {

// What all sessions of a store share: whom to trust, and who this is.
// Thread-safety: safe.
class TlsContext {
 public:
  // Effects: reads the files that the options name.
  // Errors: InvalidValueError if one can't be used.
  explicit TlsContext(const RedisStoreOptions& options);

  // Returns: the name or address that a server at `host` must have a certificate for.
  [[nodiscard]] const std::string& name_for(const std::string& host) const noexcept {
    return server_name_.empty() ? host : server_name_;
  }
  [[nodiscard]] ssl_ctx_st* get() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const noexcept;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  const std::string server_name_;
};

// A session with one server.
class TlsSession {
 public:
  TlsSession(const TlsContext& context, const std::string& host);

  // Effects: goes on with the handshake, as far as what was fed allows.
  // Returns: whether it is done, the server's certificate and name being right.
  // Errors: StoreErrc::misconfigured, with OpenSSL's reason.
  [[nodiscard]] bool shake_hands();

  // Effects: takes bytes that came from the server.
  void feed(std::string_view received);
  // Returns: bytes for the server that nobody has taken yet.
  [[nodiscard]] std::string take_outgoing();

  // Effects: has take_outgoing() give `bytes` as the server is to get them.
  // Returns: false if the session has broken.
  [[nodiscard]] bool write(std::string_view bytes);
  // Returns: how much was read into `buffer`; 0 if more must be fed first; nothing if the session
  // has ended.
  [[nodiscard]] std::optional<std::size_t> read(std::span<char> buffer);

  // Returns: OpenSSL's reason, if it was TLS that ended the session, such as the server's refusal
  // of this side's certificate, which comes after the handshake; else "".
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

 private:
  struct Free {
    void operator()(ssl_st* session) const noexcept;
  };
  std::unique_ptr<ssl_st, Free> session_;
  std::string failure_;
};

}  // namespace nexus::idempotency::redis

#endif  // NEXUS_IDEMPOTENCY_REDIS_TLS_HPP
