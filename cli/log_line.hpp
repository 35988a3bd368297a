// log_line — one line of a log, as key=value text or as a JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringfort::cli {

enum class LogFormat : std::uint8_t { text, json };

/// Builds a line in the given text, without its newline. What peers sent is escaped: a line is
/// printable ASCII, and one line, whatever they sent.
class LogLine {
public:
  /// Begins with the time, the level and what the line is about.
  LogLine(LogFormat format, std::string& line, std::int64_t unix_s, std::string_view level,
          std::string_view subject);

  /// A word, which the text form does not quote: letters without spaces or quotes.
  LogLine& word(std::string_view key, std::string_view value);
  /// A text of any bytes, quoted.
  LogLine& text(std::string_view key, std::string_view value);
  LogLine& number(std::string_view key, std::uint64_t value);
  LogLine& number(std::string_view key, std::int64_t value);
  LogLine& milliseconds(std::string_view key, std::int64_t microseconds);
  LogLine& flag(std::string_view key, bool value);
  void end();

private:
  void begin(std::string_view key);
  void quoted(std::string_view value);

  LogFormat format_;
  std::string& line_;
};

} // namespace ringfort::cli
