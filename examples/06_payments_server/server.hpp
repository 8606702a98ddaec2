// SPDX-License-Identifier: MIT
// The framework's server, over Connection.
#ifndef PAYMENTS_SERVER_HPP
#define PAYMENTS_SERVER_HPP

#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <string>

#include "connection.hpp"

namespace payments {

class Server final : public httplib::Server {
 public:
  static constexpr std::size_t threads = 32;
  static constexpr int requests_of_a_connection = 1000;

  Server() {
    new_task_queue = [] { return new httplib::ThreadPool(threads); };
    set_keep_alive_max_count(requests_of_a_connection);
    set_keep_alive_timeout(Connection::max_idle_time.count());
    set_socket_options([](socket_t socket) {  // by default, two servers could share a port
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;  // a handler's
      const std::string text = response.status == 404   ? "No such resource"
                               : response.status == 500 ? "It failed; try again"
                                                        : "The request makes no sense";
      response.set_content(problem_body(response.status, text), "application/problem+json");
      if (response.status == 400) Connection::current().close_after();
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response,
                             const std::exception_ptr&) { response.status = 500; });
  }

  // Lets the requests that are being worked at come to their end; listen_after_bind then returns.
  void finish() {
    stopping_ = true;
    stop();
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    Connection connection(socket);
    for (int i = 1; i <= requests_of_a_connection && connection.await_request(stopping_); ++i) {
      const bool last = i == requests_of_a_connection || stopping_;
      bool closed = false;
      const bool processed =
          process_request(connection, last, closed, [&](httplib::Request& request) {
            connection.head_is_read();
            request.ranges.clear();  // else parts of an answer are sent
            take_multipart_as_it_is(request);
          });
      connection.answer();
      if (!processed || closed || connection.is_over()) break;
    }
    return true;
  }

  // The library takes a body of this type to pieces, and we want its bytes. It looks for the type
  // in lower case only, while the case is of no meaning.
  static void take_multipart_as_it_is(httplib::Request& request) {
    const auto [from, to] = request.headers.equal_range("Content-Type");
    for (auto field = from; field != to; ++field) {
      if (field->second.rfind("multipart/form-data", 0) == 0) field->second[0] = 'M';
    }
  }

  std::atomic<bool> stopping_{false};
};

}  // namespace payments

#endif  // PAYMENTS_SERVER_HPP
