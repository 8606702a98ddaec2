// SPDX-License-Identifier: MIT
#include "engines/fault_link.hpp"

#include <string_view>
#include <utility>

namespace nexus::idempotency::test {

FaultLink::FaultLink(Socket client, Socket server, const Protocol& protocol)
    : client_(std::move(client)), server_(std::move(server)), protocol_(protocol) {}

void FaultLink::on_client(FaultPlan& plan, std::vector<Zombie>& zombies) {
  if (!client_.receive(sent_)) {
    if (fault_ == Fault::stalled_zombie) {
      zombies.push_back({std::move(server_), std::move(struck_.bytes)});
    }
    end();
    return;
  }
  while (!fault_) {
    std::optional<Request> request = protocol_.take_request(sent_);
    if (!request) return;
    if (request->answers == 0) {
      server_.send(request->bytes);
    } else {
      deliver(*std::move(request), plan, zombies);
    }
  }
  sent_.clear();  // whoever sends more than the request that was struck is not heard
}

void FaultLink::deliver(Request request, FaultPlan& plan, std::vector<Zombie>& zombies) {
  fault_ = plan.next();
  if (!fault_) {
    server_.send(request.bytes);
    return;
  }
  struck_ = std::move(request);
  switch (*fault_) {
    case Fault::drop_request:
      end();
      break;
    case Fault::cut_request:
      server_.send(protocol_.cut(struck_));
      client_.send(server_.finish());
      end();
      break;
    case Fault::zombie:
      zombies.push_back({std::move(server_), std::move(struck_.bytes)});
      end();
      break;
    case Fault::stall_request:
    case Fault::stalled_zombie:
      break;
    case Fault::lose_answer:
    case Fault::cut_answer:
    case Fault::cut_end:
    case Fault::stall_answer:
      server_.send(struck_.bytes);
      break;
  }
}

void FaultLink::on_server() {
  std::string bytes;
  const bool has_ended = !server_.receive(bytes);
  if (!fault_) {
    client_.send(bytes);
    if (has_ended) end();
    return;
  }
  answer_ += bytes;
  if (is_stall(*fault_)) {
    if (has_ended) server_.close();  // the client hears nothing of that either
  } else if (has_ended || protocol_.is_whole(answer_, struck_)) {
    end_with_answer();
  }
}

// Effects: the server has answered the request that was struck; what of it does the client get?
void FaultLink::end_with_answer() {
  std::string_view answer = answer_;
  if (fault_ == Fault::cut_answer) {
    client_.send(answer.substr(0, answer.size() / 2));
  } else if (fault_ == Fault::cut_end && !answer.empty()) {
    client_.send(answer.substr(0, answer.size() - 1));
  }
  end();
}

void FaultLink::end() {
  server_.finish();
  client_.close();
  is_over_ = true;
}

}  // namespace nexus::idempotency::test
