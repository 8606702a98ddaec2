// SPDX-License-Identifier: MIT
// The process that dies: points_main prepare|fill_log <file>
//                        points_main <operation> <file> <acknowledgements> <n> <torn: 0 or 1>
//
// The second kind kills itself at the n-th counted call of the operation; see killing_vfs.hpp. For
// each step that it comes through, it appends one byte to <acknowledgements>.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "crash/killing_vfs.hpp"
#include "crash/points.hpp"

namespace {

using namespace nexus::idempotency::test;

void run(const Operation& operation, const std::string& file, const char* acknowledgements, int n,
         bool torn) {
  const int acknowledged = ::open(acknowledgements, O_WRONLY | O_CREAT | O_APPEND, 0600);
  KillingVfs vfs;
  Site site(file);
  if (!operation.opens) site.open();
  vfs.arm(n, torn);
  for (const std::function<void(Site&)>& step : operation.steps) {
    step(site);
    if (::write(acknowledged, ".", 1) != 1) throw std::runtime_error("no acknowledgement");
  }
}

int run(const std::vector<std::string>& arguments) {
  Site site(arguments.at(1));
  if (arguments[0] == "prepare") {
    prepare(site);
    return 0;
  }
  if (arguments[0] == "fill_log") {
    fill_log(site);
    die();  // without the checkpoint of an orderly end
  }
  for (const Operation& operation : operations()) {
    if (operation.name != arguments[0]) continue;
    run(operation, arguments[1], arguments.at(2).c_str(), std::stoi(arguments.at(3)),
        arguments.at(4) == "1");
    return 0;
  }
  throw std::invalid_argument("no such operation");
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::cerr << "ended: " << error.what() << std::endl;
    return 2;
  }
}
