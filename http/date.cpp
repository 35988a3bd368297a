#include "http/date.hpp"

#include <chrono>
#include <cstring>
#include <string_view>

namespace ringfort::http {

namespace {

constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put_number(char* at, unsigned value, unsigned digits) noexcept {
  for (unsigned digit = digits; digit > 0; --digit) {
    at[digit - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

} // namespace

void Date::write(std::int64_t unix_seconds) noexcept {
  using namespace std::chrono;
  seconds_ = unix_seconds;
  const sys_seconds time{seconds(unix_seconds)};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::memcpy(line_.data(), "date: Sun, 00 Jan 0000 00:00:00 GMT\r\n", line_.size());
  char* at = line_.data() + std::string_view("date: ").size();
  weekdays.copy(at, 3, weekday(day).c_encoding() * 3);
  put_number(at + 5, static_cast<unsigned>(date.day()), 2);
  months.copy(at + 8, 3, (static_cast<unsigned>(date.month()) - 1) * 3);
  put_number(at + 12, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_number(at + 17, static_cast<unsigned>(clock.hours().count()), 2);
  put_number(at + 20, static_cast<unsigned>(clock.minutes().count()), 2);
  put_number(at + 23, static_cast<unsigned>(clock.seconds().count()), 2);
}

} // namespace ringfort::http
