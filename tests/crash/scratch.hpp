// SPDX-License-Identifier: MIT
// A directory for one test, which is removed at its end; if the test has failed, it is kept, since
// its log says what happened.
#pragma once

#include <stdlib.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>

namespace nexus::idempotency::test {

class Scratch {
 public:
  explicit Scratch(const std::string& name) {
    std::string pattern = (std::filesystem::temp_directory_path() / ("nexus_" + name + ".XXXXXX"));
    if (!::mkdtemp(pattern.data())) {
      throw std::system_error(errno, std::generic_category(), "make a temporary directory");
    }
    path_ = pattern;
  }
  ~Scratch() {
    if (std::uncaught_exceptions() > exceptions_) {
      std::cout << "kept for a look: " << path_.string() << std::endl;
      return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace nexus::idempotency::test
