// SPDX-License-Identifier: MIT
// The server's end of one connection, which does nothing but what the test says next. What it sends
// has arrived when the call returns, as a Unix socket has it.
#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "support/tls_files.hpp"

namespace nexus::idempotency::test {

inline void must(bool is_so, const char* what) {
  if (!is_so) throw std::runtime_error(what);
}

class Listener {
 public:
  Listener() {
    std::array<char, 32> name{"/tmp/nexus_redis.XXXXXX"};
    must(mkdtemp(name.data()) != nullptr, "mkdtemp failed");
    directory_ = name.data();
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    must(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
             listen(listener_, 1) == 0,
         "no socket to listen on");
  }
  ~Listener() {
    close(listener_);
    std::filesystem::remove_all(directory_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::string path() const { return (directory_ / "redis").string(); }
  // Returns: the descriptor of the next connection.
  [[nodiscard]] int accept() const { return accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); }

 private:
  std::filesystem::path directory_;
  int listener_ = -1;
};

// Without TLS.
class ServerEnd {
 public:
  explicit ServerEnd(const Listener& listener) : socket_(listener.accept()) {
    constexpr timeval longest{20, 0};
    must(setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) == 0,
         "no connection");
  }
  ~ServerEnd() { hang_up(); }
  ServerEnd(const ServerEnd&) = delete;
  ServerEnd& operator=(const ServerEnd&) = delete;

  // Returns: false if the client has hung up.
  bool send(std::string_view bytes) const {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(bytes.size());
  }
  // Effects: waits for something. Returns: what there is then.
  // Errors: std::runtime_error if there is nothing for long, or never will be.
  [[nodiscard]] std::string receive() const {
    std::array<char, 65536> buffer{};
    const ssize_t size = recv(socket_, buffer.data(), buffer.size(), 0);
    must(size > 0, "nothing comes from the client");
    return {buffer.data(), static_cast<std::size_t>(size)};
  }
  void hang_up() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }

 private:
  int socket_;
};

// With TLS 1.3. Nothing is sent before flush(), and then all at once.
class TlsServerEnd {
 public:
  // Effects: takes the next connection, and shakes hands. No session ticket is sent.
  TlsServerEnd(const Listener& listener, const TlsFiles& files)
      : end_(listener), context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
    SSL_CTX* const context = context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(context, 0);
    const std::string certificate = files.file("localhost.pem");
    const std::string key = files.file("localhost.key");
    must(SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) == 1 &&
             SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1,
         "no certificate");
    session_.reset(SSL_new(context));
    SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(session_.get());
    while (SSL_do_handshake(session_.get()) != 1) {
      flush();
      feed();
    }
    flush();
  }

  void write(std::string_view text) {
    std::size_t written = 0;
    must(SSL_write_ex(session_.get(), text.data(), text.size(), &written) == 1, "SSL_write");
  }
  void add_ticket() {
    must(SSL_new_session_ticket(session_.get()) == 1, "SSL_new_session_ticket");
    must(SSL_do_handshake(session_.get()) == 1, "SSL_do_handshake");
  }
  // `kind`: SSL_KEY_UPDATE_REQUESTED if the client is to do the same, or SSL_KEY_UPDATE_NOT_...
  void update_key(int kind) {
    must(SSL_key_update(session_.get(), kind) == 1, "SSL_key_update");
    must(SSL_do_handshake(session_.get()) == 1, "SSL_do_handshake");
  }
  void end_session() { SSL_shutdown(session_.get()); }

  // Returns: what is still to be sent, which is not sent then.
  [[nodiscard]] std::string take() {
    BIO* const outgoing = SSL_get_wbio(session_.get());
    std::string bytes(BIO_ctrl_pending(outgoing), '\0');
    if (!bytes.empty()) BIO_read(outgoing, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  void flush() {
    const std::string bytes = take();
    must(bytes.empty() || end_.send(bytes), "the client has hung up");
  }
  // Effects: waits for something from the client. Returns: what it says.
  [[nodiscard]] std::string read() {
    std::array<char, 4096> buffer{};
    std::size_t size = 0;
    while (SSL_read_ex(session_.get(), buffer.data(), buffer.size(), &size) != 1) feed();
    return {buffer.data(), size};
  }

  // The connection below it.
  [[nodiscard]] ServerEnd& below() noexcept { return end_; }

 private:
  void feed() {
    const std::string received = end_.receive();
    BIO_write(SSL_get_rbio(session_.get()), received.data(), static_cast<int>(received.size()));
  }

  ServerEnd end_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_{nullptr, &SSL_free};
};

}  // namespace nexus::idempotency::test
