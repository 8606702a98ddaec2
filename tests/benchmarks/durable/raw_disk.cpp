// SPDX-License-Identifier: MIT
#include "benchmarks/durable/raw_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

namespace nexus::idempotency::benchmarks {
namespace {

constexpr std::size_t length = 16'777'216;  // a WAL segment of PostgreSQL

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

RawLog::RawLog(const std::filesystem::path& file, std::size_t block)
    : file_(file),
      block_(block, 'b'),
      descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (descriptor_ < 0) fail("open");
  const std::string zeros(length, '\0');
  if (pwrite(descriptor_, zeros.data(), length, 0) != static_cast<ssize_t>(length)) fail("pwrite");
  if (fsync(descriptor_) != 0) fail("fsync");
}

RawLog::~RawLog() {
  close(descriptor_);
  unlink(file_.c_str());
}

void RawLog::append_and_sync() {
  if (next_ + block_.size() > length) next_ = 0;
  if (pwrite(descriptor_, block_.data(), block_.size(), static_cast<off_t>(next_)) !=
      static_cast<ssize_t>(block_.size())) {
    fail("pwrite");
  }
  if (fdatasync(descriptor_) != 0) fail("fdatasync");
  next_ += block_.size();
}

}  // namespace nexus::idempotency::benchmarks
