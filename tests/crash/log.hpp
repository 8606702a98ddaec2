// SPDX-License-Identifier: MIT
// The file that the events of a crash test are in.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "crash/event.hpp"

namespace nexus::idempotency::test {

// Appends to the log. Any number of processes may have one open on the same file.
class LogWriter {
 public:
  explicit LogWriter(const std::filesystem::path& file);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Effects: stamps the event with the time, and appends it by one write(). It is in the file, also
  // if this process is killed right after.
  void add(Event event);

 private:
  int file_;
};

// Reads the log while others write it.
class LogReader {
 public:
  explicit LogReader(const std::filesystem::path& file);
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // Effects: reads on to the present end of the file.
  // Returns: the events so far, those of earlier calls included.
  const std::vector<Event>& read();

  // Lines whose writer was killed while it wrote them. What they were to say had not happened: an
  // effect that is not in the log is none, nor is an acknowledgement.
  [[nodiscard]] std::size_t torn_lines() const { return torn_; }

 private:
  int file_;
  std::string rest_;  // what has no line end yet
  std::vector<Event> events_;
  std::size_t torn_ = 0;
};

}  // namespace nexus::idempotency::test
