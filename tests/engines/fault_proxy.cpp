// SPDX-License-Identifier: MIT
#include "engines/fault_proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace nexus::idempotency::test {

FaultProxy::FaultProxy(std::string server, const Protocol& protocol)
    : directory_("/tmp/nexus_proxy.XXXXXX"), server_path_(std::move(server)), protocol_(protocol) {
  if (mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("no directory for the proxy");
  path_ = directory_ + "/" + std::filesystem::path(server_path_).filename().string();
  wake_ = Socket(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  listener_ = listen_on(path_);
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

void FaultProxy::arm(const std::vector<PlannedFault>& plan) {
  in_loop([&] { plan_.arm(plan); });
}

void FaultProxy::strike_always(Fault fault) {
  in_loop([&] { plan_.strike_always(fault); });
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
    hangs_up_ = false;
    if (!listener_.is_open()) listener_ = listen_on(path_);
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

FaultTally FaultProxy::tally() {
  FaultTally tally;
  in_loop([&] { tally = plan_.tally(); });
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

void FaultProxy::loop() {
  while (!stop_) {
    std::vector<pollfd> polled{{wake_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
    std::vector<FaultLink*> polled_links;
    for (FaultLink& link : links_) {
      polled_links.push_back(&link);
      polled.push_back({link.client().fd(), POLLIN, 0});
      polled.push_back({link.server().fd(), POLLIN, 0});  // a negative number is passed over
    }
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;

    for (std::size_t i = 0; i < polled_links.size(); ++i) {
      FaultLink& link = *polled_links[i];
      if (polled[3 + 2 * i].revents != 0) link.on_server();
      if (!link.is_over() && polled[2 + 2 * i].revents != 0) link.on_client(plan_, zombies_);
    }
    if (polled[1].revents != 0) accept();
    links_.remove_if([](const FaultLink& link) { return link.is_over(); });
    if (polled[0].revents != 0) do_queued();
  }
}

void FaultProxy::do_queued() {
  std::uint64_t count = 0;
  if (::read(wake_.fd(), &count, sizeof count) < 0) return;
  std::vector<std::packaged_task<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(queue_);
  }
  for (auto& task : tasks) task();
}

void FaultProxy::accept() {
  const int fd = ::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  Socket client(fd);
  if (hangs_up_) return;
  Socket server = connect_to(server_path_);
  if (server.is_open()) links_.emplace_back(std::move(client), std::move(server), protocol_);
}

void FaultProxy::end_all() {
  for (FaultLink& link : links_) link.end();
  links_.clear();
}

}  // namespace nexus::idempotency::test
