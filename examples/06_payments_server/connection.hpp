// SPDX-License-Identifier: MIT
// One client's connection, with the bounds that cpp-httplib 0.11 lacks: there a line of the header
// may be as long as memory lasts, a client that sends a byte now and then may stay for ever, and a
// handler can't close the connection without a reply. The library reads and writes through an
// interface, so all of that can be had by implementing it.
#ifndef PAYMENTS_CONNECTION_HPP
#define PAYMENTS_CONNECTION_HPP

#include <httplib.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

namespace payments {

// Returns: an answer that is no handler's, as application/problem+json. `text` is ours: no quotes.
std::string problem_body(int status, const std::string& text);

// Closes the socket in the end.
class Connection final : public httplib::Stream {
 public:
  static constexpr std::size_t max_head = 32768;               // request line and header
  static constexpr std::chrono::seconds max_request_time{10};  // until it has arrived as a whole
  static constexpr std::chrono::seconds max_idle_time{5};      // between two requests
  static constexpr std::chrono::seconds max_write_wait{5};

  explicit Connection(int socket) : socket_(socket) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  // The one whose request this thread is working at.
  static Connection& current() { return *current_; }

  // Waits for a request's first byte. Returns: whether there is one, and no reason to stop.
  bool await_request(const std::atomic<bool>& stopping);
  // The header has arrived.
  void head_is_read() { in_head_ = false; }
  // Sends what was written: all of it at once, as some clients are lost with half an answer. If the
  // request was too much or too slow for us: says so instead.
  void answer();

  // Close after this request, as what is left of it was not read.
  void close_after() { close_after_ = true; }
  // Close, and send nothing more.
  void drop() { dropped_ = true; }
  [[nodiscard]] bool is_over() const { return dropped_ || close_after_ || fault_ != 0; }

  // httplib::Stream
  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;

  // Waits until there is something to read. Returns: whether there is.
  bool fill(Clock::time_point until);
  bool send_written();

  static inline thread_local Connection* current_ = nullptr;

  const int socket_;
  std::array<char, 8192> buffer_{};
  std::string written_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  Clock::time_point deadline_{};
  std::size_t head_size_ = 0;
  bool in_head_ = false;
  bool close_after_ = false;
  bool dropped_ = false;
  int fault_ = 0;  // the status that says what was wrong; 0: nothing
};

}  // namespace payments

#endif  // PAYMENTS_CONNECTION_HPP
