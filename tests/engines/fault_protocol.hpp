// SPDX-License-Identifier: MIT
#pragma once

// What a proxy must know of what is said between a client and a server: where a request ends, and
// where its answer does. The client waits for each answer before it sends the next request.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::idempotency::test {

struct Request {
  std::string bytes;
  std::size_t answers = 0;  // how many it gets; 0: it is a goodbye
};

// Thread-safety: safe, as it has no state.
class Protocol {
 public:
  virtual ~Protocol() = default;

  // Effects: takes the first request off what a client has sent.
  // Returns: nothing if it is not all there.
  [[nodiscard]] virtual std::optional<Request> take_request(std::string& sent) const = 0;

  // Returns: whether `answer` is all that the server says to the request.
  [[nodiscard]] virtual bool is_whole(std::string_view answer, const Request& request) const = 0;

  // Returns: the request without its end, see Fault::cut_request.
  [[nodiscard]] virtual std::string cut(const Request& request) const = 0;
};

}  // namespace nexus::idempotency::test
