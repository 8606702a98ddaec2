// SPDX-License-Identifier: MIT
#include "crash/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "nexus/idempotency/system_clock.hpp"

namespace nexus::idempotency::test {
namespace {

int opened(const std::filesystem::path& file, int flags) {
  const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "open the log");
  return descriptor;
}

}  // namespace

LogWriter::LogWriter(const std::filesystem::path& file)
    : file_(opened(file, O_WRONLY | O_APPEND | O_CREAT)) {}

LogWriter::~LogWriter() {
  ::close(file_);
}

void LogWriter::add(Event event) {
  event.wall = SystemClock{}.now().time_since_epoch().count();
  const std::string line = to_line(event);
  const ssize_t written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    throw std::system_error(errno, std::generic_category(), "write to the log");
  }
}

LogReader::LogReader(const std::filesystem::path& file) : file_(opened(file, O_RDONLY | O_CREAT)) {}

LogReader::~LogReader() {
  ::close(file_);
}

const std::vector<Event>& LogReader::read() {
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t size = ::read(file_, buffer.data(), buffer.size());
    if (size < 0) throw std::system_error(errno, std::generic_category(), "read the log");
    if (size == 0) return events_;
    rest_.append(buffer.data(), static_cast<std::size_t>(size));
    std::string_view left = rest_;
    for (std::size_t end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
      const std::string_view line = left.substr(0, end);
      left.remove_prefix(end + 1);
      if (line.empty()) continue;
      if (std::optional<Event> event = parse_line(line)) {
        events_.push_back(*std::move(event));
      } else {
        ++torn_;
      }
    }
    rest_.erase(0, rest_.size() - left.size());
  }
}

}  // namespace nexus::idempotency::test
