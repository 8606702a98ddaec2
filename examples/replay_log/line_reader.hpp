// SPDX-License-Identifier: MIT
#ifndef NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_LINE_READER_HPP
#define NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_LINE_READER_HPP

#include <cstddef>
#include <istream>
#include <string>

namespace replay_log {

// Reads a stream line by line in bounded memory. The last line needs no newline.
class LineReader {
 public:
  static constexpr std::size_t max_bytes = 1 << 20;

  explicit LineReader(std::istream& in) : in_(in) {}

  // Returns: whether there was another line; text(), number() and too_long() are then about it.
  bool next() {
    text_.clear();
    too_long_ = false;
    bool any = false;
    for (char c; in_.get(c);) {
      any = true;
      if (c == '\n') break;
      if (text_.size() < max_bytes) {
        text_ += c;
      } else {
        too_long_ = true;
      }
    }
    if (any) ++number_;
    return any;
  }

  // Returns: the line without its newline; only its beginning if it is too long.
  const std::string& text() const { return text_; }
  std::size_t number() const { return number_; }
  bool is_blank() const { return text_.find_first_not_of(" \t\r") == std::string::npos; }
  bool too_long() const { return too_long_; }

  // Returns: whether reading stopped because of an error, and not at the end.
  bool failed() const { return in_.bad(); }

 private:
  std::istream& in_;
  std::string text_;
  std::size_t number_ = 0;
  bool too_long_ = false;
};

}  // namespace replay_log

#endif  // NEXUS_IDEMPOTENCY_EXAMPLES_REPLAY_LOG_LINE_READER_HPP
