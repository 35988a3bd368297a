#include "http/date.hpp"

#include <chrono>
#include <cstring>

#include "http/letters.hpp"

namespace ringfort::http {

namespace {

using namespace std::chrono;

constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put_number(char* at, unsigned value, unsigned digits) noexcept {
  for (unsigned digit = digits; digit > 0; --digit) {
    at[digit - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

/// Reads a date from left to right. Once something is missing it has failed, and reads zeros.
class DateReader {
public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  void skip(std::string_view text) noexcept {
    failed_ = failed_ || !rest_.starts_with(text);
    if (!failed_) rest_.remove_prefix(text.size());
  }
  /// One of three letters, by its place in `names`.
  unsigned name(std::string_view names) noexcept {
    const std::size_t at = rest_.size() < 3 ? names.npos : names.find(rest_.substr(0, 3));
    failed_ = failed_ || at == names.npos || at % 3 != 0;
    if (failed_) return 0;
    rest_.remove_prefix(3);
    return static_cast<unsigned>(at / 3);
  }
  unsigned number(std::size_t digits) noexcept {
    failed_ = failed_ || rest_.size() < digits || !all_are(rest_.substr(0, digits), digit_letter);
    if (failed_) return 0;
    unsigned value = 0;
    for (const char digit : rest_.substr(0, digits)) {
      value = value * 10 + static_cast<unsigned>(digit - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  seconds clock() noexcept {
    const hours hour(number(2));
    skip(":");
    const minutes minute(number(2));
    skip(":");
    const seconds second(number(2));
    // 60 is a leap second.
    failed_ = failed_ || hour > hours(23) || minute > minutes(59) || second > seconds(60);
    return hour + minute + second;
  }
  std::string_view rest() const noexcept { return rest_; }
  bool ended_well() const noexcept { return !failed_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<std::int64_t> seconds_of(const DateReader& reader, int year_number, unsigned month_at,
                                       unsigned day_number, seconds clock) noexcept {
  const year_month_day date{year(year_number), month(month_at + 1), day(day_number)};
  if (!reader.ended_well() || !date.ok()) return {};
  return (sys_days(date).time_since_epoch() + clock) / seconds(1);
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_fixdate(DateReader reader) noexcept {
  reader.skip(", ");
  const unsigned day_number = reader.number(2);
  reader.skip(" ");
  const unsigned month_at = reader.name(months);
  reader.skip(" ");
  const auto year_number = static_cast<int>(reader.number(4));
  reader.skip(" ");
  const seconds clock = reader.clock();
  reader.skip(" GMT");
  return seconds_of(reader, year_number, month_at, day_number, clock);
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"; the text begins behind "Sun".
std::optional<std::int64_t> parse_rfc850(DateReader reader, std::int64_t now) noexcept {
  for (const std::string_view ending : {"day", "sday", "nesday", "rsday", "urday"}) {
    if (reader.rest().starts_with(ending)) reader.skip(ending);
  }
  reader.skip(", ");
  const unsigned day_number = reader.number(2);
  reader.skip("-");
  const unsigned month_at = reader.name(months);
  reader.skip("-");
  const auto short_year = static_cast<int>(reader.number(2));
  reader.skip(" ");
  const seconds clock = reader.clock();
  reader.skip(" GMT");
  const year_month_day today(floor<days>(sys_seconds(seconds(now))));
  const int this_year = static_cast<int>(today.year());
  int year_number = this_year - this_year % 100 + short_year;
  if (year_number > this_year + 50) year_number -= 100;
  return seconds_of(reader, year_number, month_at, day_number, clock);
}

/// "Sun Nov  6 08:49:37 1994"
std::optional<std::int64_t> parse_asctime(DateReader reader) noexcept {
  reader.skip(" ");
  const unsigned month_at = reader.name(months);
  reader.skip(" ");
  const bool one_digit = reader.rest().starts_with(' ');
  if (one_digit) reader.skip(" ");
  const unsigned day_number = reader.number(one_digit ? 1 : 2);
  reader.skip(" ");
  const seconds clock = reader.clock();
  reader.skip(" ");
  const auto year_number = static_cast<int>(reader.number(4));
  return seconds_of(reader, year_number, month_at, day_number, clock);
}

} // namespace

void Date::write(std::int64_t unix_seconds) noexcept {
  constexpr std::string_view name = "date: ";
  seconds_ = unix_seconds;
  const DateText text = date_text(unix_seconds);
  name.copy(line_.data(), name.size());
  std::memcpy(line_.data() + name.size(), text.data(), text.size());
  std::memcpy(line_.data() + name.size() + text.size(), "\r\n", 2);
}

DateText date_text(std::int64_t unix_seconds) noexcept {
  const sys_seconds time{seconds(unix_seconds)};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  DateText text;
  std::memcpy(text.data(), "Sun, 00 Jan 0000 00:00:00 GMT", text.size());
  char* at = text.data();
  weekdays.copy(at, 3, weekday(day).c_encoding() * 3);
  put_number(at + 5, static_cast<unsigned>(date.day()), 2);
  months.copy(at + 8, 3, (static_cast<unsigned>(date.month()) - 1) * 3);
  put_number(at + 12, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_number(at + 17, static_cast<unsigned>(clock.hours().count()), 2);
  put_number(at + 20, static_cast<unsigned>(clock.minutes().count()), 2);
  put_number(at + 23, static_cast<unsigned>(clock.seconds().count()), 2);
  return text;
}

std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now) noexcept {
  DateReader reader(text);
  (void)reader.name(weekdays);
  if (reader.rest().starts_with(',')) return parse_fixdate(reader);
  if (reader.rest().starts_with(' ')) return parse_asctime(reader);
  return parse_rfc850(reader, now);
}

} // namespace ringfort::http
