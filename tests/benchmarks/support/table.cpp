// SPDX-License-Identifier: MIT
#include "benchmarks/support/table.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks/support/statistics.hpp"

namespace nexus::idempotency::benchmarks {
namespace {

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string number(double value) {
  const char* format = value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f";
  return formatted(format, value);
}

std::string with_unit(double value, Unit unit) {
  switch (unit) {
    case Unit::calls_per_second:
      if (value < 1e5) return number(value / 1e3) + " k/s";
      return number(value / 1e6) + " M/s";
    case Unit::nanoseconds:
      return number(value) + " ns";
    case Unit::microseconds:
      return number(value) + " µs";
    case Unit::bytes:
      return number(value) + " B";
    case Unit::count:
      return number(value);
  }
  return "";
}

// Returns: the last two cells of a row.
std::string verdict(const Bar& bar, double ours, double ratio, Unit unit) {
  const auto cells = [](const std::string& required, bool met) {
    return required + " | " + (met ? "yes" : "**no**");
  };
  switch (bar.kind) {
    case Bar::Kind::ratio_at_least:
      return cells("≥ " + number(bar.value), ratio >= bar.value);
    case Bar::Kind::ratio_at_most:
      return cells("≤ " + number(bar.value), ratio <= bar.value);
    case Bar::Kind::ours_at_most:
      return cells("≤ " + with_unit(bar.value, unit), ours <= bar.value);
    case Bar::Kind::none:
      return "– | –";
  }
  return "";
}

}  // namespace

void print_header() {
  std::puts("| case | ours | compared with | ratio: median (min–max) | bar | met |");
  std::puts("|---|---|---|---|---|---|");
}

void print(const Row& row) {
  const double ours = median_of(row.ours);
  double ratio = 0;
  std::string compared = "– | –";
  if (!row.other.empty()) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < row.ours.size(); ++i) {
      ratios.push_back(row.ours[i] / row.other[i]);
    }
    ratio = median_of(ratios);
    const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
    compared = row.other_name + ": " + with_unit(median_of(row.other), row.unit) + " | " +
               number(ratio) + " (" + number(*least) + "–" + number(*greatest) + ")";
  }
  std::printf("| %s | %s | %s | %s |\n", row.what.c_str(), with_unit(ours, row.unit).c_str(),
              compared.c_str(), verdict(row.bar, ours, ratio, row.unit).c_str());
  std::fflush(stdout);
}

}  // namespace nexus::idempotency::benchmarks
