// SPDX-License-Identifier: MIT
#include "engines/fault_proxy.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

namespace nexus::idempotency::test {
namespace {

constexpr std::uint32_t cancel_request = 80877102;
constexpr std::uint32_t ssl_request = 80877103;
constexpr std::uint32_t gss_request = 80877104;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i) n = n << 8U | static_cast<unsigned char>(bytes[at + i]);
  return n;
}

// Returns: how long the message is that `bytes` begins with; 0 if it is not all there.
std::size_t message_size(std::string_view bytes) {
  if (bytes.size() < 5) return 0;
  const std::size_t size = std::size_t{1} + number_at(bytes, 1);
  return bytes.size() < size ? 0 : size;
}

// Effects: takes a request off `buffer`: messages up to one that asks for an answer.
// Returns: nothing if it is not all there.
std::string take_request(std::string& buffer) {
  std::size_t end = 0;
  for (;;) {
    const std::size_t size = message_size(std::string_view(buffer).substr(end));
    if (size == 0) return {};
    const char type = buffer[end];
    end += size;
    if (type == 'Q' || type == 'S' || type == 'X') break;  // query, sync; terminate
  }
  std::string request = buffer.substr(0, end);
  buffer.erase(0, end);
  return request;
}

// Returns: the request without its commit: the sync at its end is a flush instead. Nothing if it
// carries nothing out that could be committed.
std::string without_commit(std::string request) {
  bool executes = false;
  if (request[0] == '\0') return {};  // it opens a session, and has no type
  for (std::size_t at = 0; at < request.size();) {
    executes = executes || request[at] == 'E';
    at += message_size(std::string_view(request).substr(at));
  }
  if (!executes) return {};
  request[request.size() - 5] = 'H';
  return request;
}

Socket connect_to(const std::string& path) {
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = unix_address(path);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return socket;
}

}  // namespace

std::string_view to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::drop_request:
      return "drop_request";
    case Fault::lose_answer:
      return "lose_answer";
    case Fault::cut_answer:
      return "cut_answer";
    case Fault::cut_ready:
      return "cut_ready";
    case Fault::drop_commit:
      return "drop_commit";
    case Fault::stall_request:
      return "stall_request";
    case Fault::stall_answer:
      return "stall_answer";
    case Fault::zombie:
      return "zombie";
    case Fault::stalled_zombie:
      return "stalled_zombie";
  }
  return "unknown";
}

struct FaultProxy::Link {
  Socket client;
  Socket server;
  std::string from_client;
  std::string from_server;
  bool started = false;          // the session's first message has no type and is over
  std::size_t unanswered = 0;    // requests that the server has seen
  std::optional<Fault> fault{};  // has struck the last of them
  std::string held;              // a request that the server has not seen
  std::string answer;            // to the request that was struck
  std::size_t last_message = 0;  // where it begins in `answer`
  bool over = false;
};

FaultProxy::FaultProxy(const std::string& server) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(server.c_str(), nullptr), &PQconninfoFree);
  if (!options) throw std::runtime_error("the proxy's server has no valid conninfo");
  std::string host;
  std::string port = "5432";
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    const std::string_view keyword = o->keyword;
    if (keyword == "host") {
      host = o->val;
    } else if (keyword == "port") {
      port = o->val;
    } else {
      conninfo_ += std::string(keyword) + "='" + o->val + "' ";
    }
  }
  directory_ = "/tmp/nexus_proxy.XXXXXX";
  if (mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("no directory for the proxy");
  const std::string name = "/.s.PGSQL." + port;
  path_ = directory_ + name;
  server_path_ = host + name;
  conninfo_ += "host=" + directory_ + " port=" + port;
  wake_ = Socket(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  listen();
  thread_ = std::thread([this] { loop(); });
}

FaultProxy::~FaultProxy() {  // NOLINT(bugprone-exception-escape): then the test is over
  in_loop([this] {
    end_all();
    for (Zombie& zombie : zombies_) zombie.server.finish();
    stop_ = true;
  });
  thread_.join();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void FaultProxy::arm(std::vector<PlannedFault> plan) {
  in_loop([&] {
    plan_.assign(plan.begin(), plan.end());
    tally_ = {};
    since_fault_ = 0;
  });
}

void FaultProxy::strike_always(Fault fault) {
  in_loop([&] {
    plan_.clear();
    always_ = fault;
    tally_ = {};
  });
}

void FaultProxy::refuse() {
  in_loop([this] {
    end_all();
    listener_.close();
    ::unlink(path_.c_str());
  });
}

void FaultProxy::hang_up() {
  in_loop([this] {
    end_all();
    hangs_up_ = true;
  });
}

void FaultProxy::break_idle() {
  in_loop([this] { end_all(); });
}

void FaultProxy::heal() {
  in_loop([this] {
    plan_.clear();
    always_.reset();
    hangs_up_ = false;
    if (!listener_.is_open()) listen();
  });
}

std::size_t FaultProxy::release() {
  std::size_t released = 0;
  in_loop([&] {
    for (Zombie& zombie : zombies_) {
      zombie.server.send(zombie.request);
      zombie.server.finish();  // it has read all that came before, so it has carried that out
    }
    released = zombies_.size();
    zombies_.clear();
  });
  return released;
}

ProxyTally FaultProxy::tally() {
  ProxyTally tally;
  in_loop([&] { tally = tally_; });
  return tally;
}

// Effects: has the proxy's thread do the work, and waits for it.
void FaultProxy::in_loop(std::function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  std::future<void> done = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  if (::write(wake_.fd(), &one, sizeof one) != sizeof one) throw std::runtime_error("eventfd");
  done.get();
}

void FaultProxy::listen() {
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = unix_address(path_);
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.fd(), 64) != 0) {
    throw std::runtime_error("the proxy can't listen");
  }
  listener_ = std::move(socket);
}

void FaultProxy::loop() {
  while (!stop_) {
    std::vector<pollfd> polled{{wake_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
    std::vector<Link*> owners;
    for (Link& link : links_) {
      owners.push_back(&link);
      polled.push_back({link.client.fd(), POLLIN, 0});  // a negative number is passed over
      polled.push_back({link.server.fd(), POLLIN, 0});
    }
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;

    for (std::size_t i = 0; i < owners.size(); ++i) {
      Link& link = *owners[i];
      if (!link.over && polled[3 + 2 * i].revents != 0) on_server(link);
      if (!link.over && polled[2 + 2 * i].revents != 0) on_client(link);
    }
    if (polled[1].revents != 0) accept();
    links_.remove_if([](const Link& link) { return link.over; });
    if (polled[0].revents != 0) {
      std::uint64_t count = 0;
      if (::read(wake_.fd(), &count, sizeof count) < 0) continue;
      std::vector<std::packaged_task<void()>> tasks;
      {
        const std::lock_guard lock(mutex_);
        tasks.swap(queue_);
      }
      for (auto& task : tasks) task();
    }
  }
}

void FaultProxy::accept() {
  const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  Socket client(fd);
  if (hangs_up_) return;
  links_.emplace_back().client = std::move(client);
}

// Effects: takes the first messages, which have no type, off what the client sent.
// Returns: whether the session has begun; if so, with its first request delivered.
bool FaultProxy::open_server(Link& link) {
  while (link.from_client.size() >= 8) {
    const std::size_t size = number_at(link.from_client, 0);
    if (link.from_client.size() < size) return false;
    const std::uint32_t code = number_at(link.from_client, 4);
    std::string request = link.from_client.substr(0, size);
    link.from_client.erase(0, size);
    if (code == ssl_request || code == gss_request) {
      link.client.send("N");
      continue;
    }
    link.server = connect_to(server_path_);
    if (code == cancel_request || !link.server.is_open()) {
      if (link.server.is_open()) link.server.send(request);
      end(link);
      return false;
    }
    link.started = true;
    deliver(link, std::move(request));
    return true;
  }
  return false;
}

void FaultProxy::on_client(Link& link) {
  const bool gone = !link.client.receive(link.from_client);
  if (gone || (link.fault && link.from_client[0] == 'X')) {  // no more than a goodbye is expected
    on_client_gone(link);
    return;
  }
  if (!link.started && !open_server(link)) return;
  while (!link.over && !link.fault) {
    std::string request = take_request(link.from_client);
    if (request.empty()) return;
    if (request[0] == 'X') {
      link.server.send(request);
    } else {
      deliver(link, std::move(request));
    }
  }
  link.from_client.clear();  // whoever sends more than the request that was struck is not heard
}

void FaultProxy::on_client_gone(Link& link) {
  if (link.fault == Fault::stalled_zombie) {
    zombies_.push_back({std::move(link.server), std::move(link.held)});
  }
  end(link);
}

std::optional<Fault> FaultProxy::next_fault() {
  ++tally_.requests;
  std::optional<Fault> fault = always_;
  if (!fault && !plan_.empty() && since_fault_++ == plan_.front().after) {
    fault = plan_.front().fault;
    plan_.pop_front();
    since_fault_ = 0;
  }
  if (fault) ++tally_.faults;
  return fault;
}

void FaultProxy::deliver(Link& link, std::string request) {
  link.fault = next_fault();
  if (link.fault) {
    switch (*link.fault) {
      case Fault::drop_request:
        end(link);
        return;
      case Fault::drop_commit:
        request = without_commit(std::move(request));
        if (request.empty()) {
          end(link);
          return;
        }
        break;
      case Fault::stall_request:
        return;
      case Fault::zombie:
        zombies_.push_back({std::move(link.server), std::move(request)});
        end(link);
        return;
      case Fault::stalled_zombie:
        link.held = std::move(request);
        return;
      case Fault::lose_answer:
      case Fault::cut_answer:
      case Fault::cut_ready:
      case Fault::stall_answer:
        break;
    }
  }
  ++link.unanswered;
  link.server.send(request);
}

void FaultProxy::on_server(Link& link) {
  if (!link.server.receive(link.from_server)) {
    end_with_answer(link);  // it has ended by itself
    link.over = true;
    link.client.close();
    return;
  }
  for (;;) {
    const std::size_t size = message_size(link.from_server);
    if (size == 0) return;
    const std::string message = link.from_server.substr(0, size);
    link.from_server.erase(0, size);
    const char type = message[0];
    if (!link.fault || link.unanswered > 1) {
      link.client.send(message);
      if (type == 'Z') --link.unanswered;
      continue;
    }
    link.last_message = link.answer.size();
    link.answer += message;
    const bool without_ready = link.fault == Fault::drop_commit;
    if (type == 'Z' || (without_ready && (type == 'C' || type == 'E'))) {
      end_with_answer(link);
      return;
    }
  }
}

// Effects: the server has answered the request that was struck; what of it does the client get?
void FaultProxy::end_with_answer(Link& link) {
  if (!link.fault || link.fault == Fault::stall_answer) return;
  std::string_view answer = link.answer;
  if (link.fault == Fault::lose_answer) answer = {};
  if (link.fault == Fault::cut_answer) answer = answer.substr(0, answer.size() / 2);
  if (link.fault == Fault::cut_ready) answer = answer.substr(0, link.last_message);
  link.client.send(answer);
  end(link);
}

// Effects: ends both sides. The server's session has ended by then, and with it what it had open.
void FaultProxy::end(Link& link) {
  link.server.finish();
  link.client.close();
  link.over = true;
}

void FaultProxy::end_all() {
  for (Link& link : links_) end(link);
  links_.clear();
}

}  // namespace nexus::idempotency::test
