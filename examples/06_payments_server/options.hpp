// SPDX-License-Identifier: MIT
// The command line.
#ifndef PAYMENTS_OPTIONS_HPP
#define PAYMENTS_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace payments {

struct Options {
  int port = 0;  // 0: any that is free
  std::string store = "sqlite:payments.db";

  // How long a charge takes, before it has any effect.
  std::chrono::milliseconds delay{0};
  // How long the reply is held back once the charge is made and recorded.
  std::chrono::milliseconds reply_delay{0};
  // The lease: how long a claim outlives the server that held it. If it is not given, five seconds
  // more than the delay. That is short, so that a killed server's commands can soon be tried again.
  // Where the record is committed with the row, an owner that is late commits nothing; elsewhere it
  // should be minutes.
  std::optional<std::chrono::milliseconds> lease;

  // Charge for every request, whatever its key says: what happens without the library, and what it
  // costs to have it.
  bool without_layer = false;

  double fail_rate = 0;        // of the charges, how many fail before they have any effect
  double drop_reply_rate = 0;  // of the charges made, how many have their connection closed instead
};

inline constexpr const char* usage =
    "06_payments_server [--port N] [--store memory|sqlite:PATH|postgres:DSN|redis:URL]\n"
    "  [--delay-ms N] [--reply-delay-ms N] [--lease-ms N] [--fail-rate R] [--drop-reply-rate R]\n"
    "  [--without-layer]\n";

namespace detail {

// Returns: a number from 0 to `most`.
inline double number(const std::string& option, const std::string& text, double most) {
  std::size_t end = 0;
  double value = -1;
  try {
    value = std::stod(text, &end);
  } catch (const std::logic_error&) {
    end = 0;
  }
  if (end == 0 || end != text.size() || !(value >= 0 && value <= most)) {
    throw std::invalid_argument(option + ": not a number from 0 to what is sensible");
  }
  return value;
}

}  // namespace detail

// Throws std::invalid_argument.
inline Options parse_options(int argc, char** argv) {
  Options options;
  const auto whole = [](const std::string& option, const std::string& text, int most) {
    return static_cast<int>(detail::number(option, text, most));
  };
  constexpr int day_ms = 24 * 60 * 60 * 1000;
  for (int i = 1; i < argc; ++i) {
    std::string option = argv[i];
    if (option == "--without-layer") {
      options.without_layer = true;
      continue;
    }
    std::string value;
    if (const std::size_t equals = option.find('='); equals != std::string::npos) {
      value = option.substr(equals + 1);
      option.erase(equals);
    } else if (++i < argc) {
      value = argv[i];
    }
    if (option == "--port") {
      options.port = whole(option, value, 65535);
    } else if (option == "--store") {
      options.store = value;
    } else if (option == "--delay-ms") {
      options.delay = std::chrono::milliseconds(whole(option, value, day_ms));
    } else if (option == "--reply-delay-ms") {
      options.reply_delay = std::chrono::milliseconds(whole(option, value, day_ms));
    } else if (option == "--lease-ms") {
      options.lease = std::chrono::milliseconds(whole(option, value, day_ms));
    } else if (option == "--fail-rate") {
      options.fail_rate = detail::number(option, value, 1);
    } else if (option == "--drop-reply-rate") {
      options.drop_reply_rate = detail::number(option, value, 1);
    } else {
      throw std::invalid_argument("unknown option");
    }
  }
  return options;
}

}  // namespace payments

#endif  // PAYMENTS_OPTIONS_HPP
