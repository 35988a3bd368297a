#include "cli/progress.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <string>

#include <unistd.h>

namespace ringfort::cli {

namespace {

constexpr std::chrono::milliseconds interval{100};
constexpr std::uint64_t bar_columns = 40;

/// "1023 B", "12.3 MiB".
std::string short_text(std::uint64_t bytes) {
  constexpr std::array units{" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = 0;
  for (; bytes >= 1'024 && unit + 1 < units.size(); ++unit) {
    tenths = bytes % 1'024 * 10 / 1'024;
    bytes /= 1'024;
  }
  std::string text = std::to_string(bytes);
  if (unit > 0) text.append(".").append(std::to_string(tenths));
  return text.append(units[unit]);
}

std::string bar(std::uint64_t part, std::uint64_t whole) {
  const double share = whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
  const auto full = std::min(static_cast<std::uint64_t>(share * bar_columns), bar_columns);
  std::string text("[");
  text.append(full, '#').append(bar_columns - full, ' ').append("] ");
  return text.append(std::to_string(static_cast<std::uint64_t>(share * 100))).append("% ");
}

} // namespace

Progress::Progress(std::optional<std::uint64_t> total_bytes)
    : silent_(::isatty(STDERR_FILENO) == 0), total_bytes_(total_bytes) {}

void Progress::add(std::uint64_t bytes) {
  bytes_ += bytes;
  if (silent_) return;
  const auto now = Clock::now();
  if (now - drawn_ < interval) return;
  drawn_ = now;
  draw(now);
}

void Progress::finish() {
  if (silent_) return;
  draw(Clock::now());
  std::cerr << std::endl;
}

void Progress::draw(Clock::time_point now) const {
  using std::chrono::milliseconds;
  const auto ms = std::chrono::duration_cast<milliseconds>(now - begin_).count();
  const double rate = ms == 0 ? 0 : static_cast<double>(bytes_) * 1'000 / static_cast<double>(ms);
  std::cerr << '\r' << (total_bytes_ ? bar(bytes_, *total_bytes_) : "") << short_text(bytes_)
            << ", " << short_text(static_cast<std::uint64_t>(rate)) << "/s  " << std::flush;
}

} // namespace ringfort::cli
