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
      return number(value / 1e6) + " M/s";
    case Unit::nanoseconds:
      return number(value) + " ns";
    case Unit::microseconds:
      return number(value) + " µs";
    case Unit::bytes:
      return number(value) + " B";
  }
  return "";
}

bool is_met(const Bar& bar, double value) {
  return bar.kind == Bar::Kind::at_least ? value >= bar.value : value <= bar.value;
}

}  // namespace

void print_header() {
  std::puts("| case | ours | compared with | ratio: median (min–max) | bar | met |");
  std::puts("|---|---|---|---|---|---|");
}

void print(const Row& row) {
  const double ours = quantile_of(row.ours, 0.5);
  double judged = ours;
  std::string compared = "–";
  std::string ratio = "–";
  if (!row.other.empty()) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < row.ours.size(); ++i) {
      ratios.push_back(row.ours[i] / row.other[i]);
    }
    judged = quantile_of(ratios, 0.5);
    const auto [least, greatest] = std::minmax_element(ratios.begin(), ratios.end());
    compared = row.other_name + ": " + with_unit(quantile_of(row.other, 0.5), row.unit);
    ratio = number(judged) + " (" + number(*least) + "–" + number(*greatest) + ")";
  }
  std::string bar = "–";
  std::string met = "–";
  if (row.bar.kind != Bar::Kind::none) {
    bar = row.bar.kind == Bar::Kind::at_least ? "≥ " : "≤ ";
    bar += row.other.empty() ? with_unit(row.bar.value, row.unit) : number(row.bar.value);
    met = is_met(row.bar, judged) ? "yes" : "**no**";
  }
  std::printf("| %s | %s | %s | %s | %s | %s |\n", row.what.c_str(),
              with_unit(ours, row.unit).c_str(), compared.c_str(), ratio.c_str(), bar.c_str(),
              met.c_str());
  std::fflush(stdout);
}

}  // namespace nexus::idempotency::benchmarks
