#include "cli/values.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <ctime>
#include <span>

namespace ringfort::cli {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kib = 1'024;
constexpr std::array size_units{
    Unit{"", 1},         Unit{"KiB", kib},           Unit{"K", kib},          Unit{"MiB", kib* kib},
    Unit{"M", kib* kib}, Unit{"GiB", kib* kib* kib}, Unit{"G", kib* kib* kib}};
constexpr std::array duration_units{Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000},
                                    Unit{"h", 3'600'000}};

std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return {};
  const std::string_view unit_name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != unit_name) continue;
    if (number > UINT64_MAX / unit.factor) return {};
    return number * unit.factor;
  }
  return {};
}

/// The largest unit that divides the number.
std::string text_of(std::uint64_t number, std::span<const Unit> units) {
  Unit best = units.front();
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0 && unit.factor > best.factor) best = unit;
  }
  return std::to_string(number / best.factor).append(best.name);
}

} // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) noexcept {
  return parse(text, std::span(size_units).first(1));
}

std::optional<std::uint64_t> parse_power(std::string_view text) noexcept {
  const auto count = parse_count(text);
  return count && std::has_single_bit(*count) ? count : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  return parse(text, size_units);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  const auto parsed = parse(text, duration_units);
  if (!parsed || *parsed > INT64_MAX / 1'000'000) return {};
  return std::chrono::milliseconds(static_cast<std::int64_t>(*parsed));
}

std::string size_text(std::uint64_t bytes) { return text_of(bytes, size_units); }

std::string duration_text(std::chrono::milliseconds duration) {
  return text_of(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string utc_text(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::int64_t days_until(std::int64_t unix_s) {
  constexpr std::int64_t day_s = 24 * 60 * 60;
  const std::int64_t left_s = unix_s - std::time(nullptr);
  return left_s / day_s - (left_s % day_s < 0 ? 1 : 0);
}

} // namespace ringfort::cli
