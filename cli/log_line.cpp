#include "cli/log_line.hpp"

#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

} // namespace

LogLine::LogLine(LogFormat format, std::string& line, std::int64_t unix_s, std::string_view level,
                 std::string_view subject)
    : format_(format), line_(line) {
  if (format == LogFormat::json) {
    line_.append("{\"time\":\"").append(utc_text(unix_s));
    line_.append("\",\"level\":\"").append(level);
    line_.append("\",\"event\":\"").append(subject).append("\"");
  } else {
    line_.append(utc_text(unix_s)).append(" ").append(level).append(" ").append(subject);
  }
}

void LogLine::begin(std::string_view key) {
  if (format_ == LogFormat::json) {
    line_.append(",\"").append(key).append("\":");
  } else {
    line_.append(" ").append(key).append("=");
  }
}

LogLine& LogLine::word(std::string_view key, std::string_view value) {
  begin(key);
  if (format_ == LogFormat::json) {
    quoted(value);
  } else {
    line_.append(value);
  }
  return *this;
}

LogLine& LogLine::text(std::string_view key, std::string_view value) {
  begin(key);
  quoted(value);
  return *this;
}

LogLine& LogLine::number(std::string_view key, std::uint64_t value) {
  begin(key);
  line_.append(std::to_string(value));
  return *this;
}

LogLine& LogLine::number(std::string_view key, std::int64_t value) {
  begin(key);
  line_.append(std::to_string(value));
  return *this;
}

LogLine& LogLine::milliseconds(std::string_view key, std::int64_t microseconds) {
  begin(key);
  const std::string thousandths = std::to_string(microseconds % 1'000);
  line_.append(std::to_string(microseconds / 1'000)).append(".");
  line_.append(3 - thousandths.size(), '0').append(thousandths);
  return *this;
}

LogLine& LogLine::flag(std::string_view key, bool value) {
  begin(key);
  line_.append(value ? "true" : "false");
  return *this;
}

void LogLine::end() {
  if (format_ == LogFormat::json) line_.push_back('}');
}

// The same in both forms: a JSON string, whose bytes beyond ASCII are taken for Latin-1.
void LogLine::quoted(std::string_view value) {
  line_.push_back('"');
  for (const char letter : value) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte == '"' || byte == '\\') {
      line_.append(1, '\\').append(1, letter);
    } else if (byte >= ' ' && byte < 0x7f) {
      line_.push_back(letter);
    } else {
      line_.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
  }
  line_.push_back('"');
}

} // namespace ringfort::cli
