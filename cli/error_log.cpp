#include "cli/error_log.hpp"

#include <string>
#include <utility>

namespace ringfort::cli {

namespace {

std::string_view level_of(Origin origin) noexcept {
  switch (origin) {
  case Origin::peer: return "info";
  case Origin::limit: return "warning";
  case Origin::host:
  case Origin::caller: break;
  }
  return "error";
}

std::string line_of(const ErrorReport& report, std::time_t second, LogFormat format) {
  const Fault& fault = fault_of(report.error.code);
  std::string text;
  LogLine line(format, text, second, level_of(fault.origin), full_name(fault));
  if (!report.peer.empty()) line.word("peer", report.peer);
  line.word("origin", name_of(fault.origin));
  line.number("shard", std::uint64_t{report.error.shard});
  if (report.error.detail != 0) line.number("detail", std::int64_t{report.error.detail});
  if (!fault.alias.empty()) line.word("alias", fault.alias);
  line.text("text", fault.text).end();
  return text;
}

} // namespace

void ErrorLog::write(const ErrorReport& report) {
  const std::time_t now = std::time(nullptr);
  const std::lock_guard lock(mutex_);
  Kind& kind = kinds_[static_cast<std::size_t>(report.error.code)];
  if (kind.second != now) {
    say_left_out(kind, report.error.code);
    kind.second = now;
    kind.lines = 0;
  }
  if (kind.lines >= lines_per_second_max) {
    ++kind.left_out;
    return;
  }
  ++kind.lines;
  file_.write(line_of(report, now, file_.format()));
}

void ErrorLog::finish() {
  const std::lock_guard lock(mutex_);
  for (std::size_t code = 0; code < kinds_.size(); ++code) {
    say_left_out(kinds_[code], static_cast<Code>(code));
  }
}

void ErrorLog::say_left_out(Kind& kind, Code code) {
  if (kind.left_out == 0) return;
  const Fault& fault = fault_of(code);
  std::string text;
  LogLine(file_.format(), text, kind.second, level_of(fault.origin), full_name(fault))
      .number("suppressed", std::exchange(kind.left_out, 0))
      .end();
  file_.write(text);
}

} // namespace ringfort::cli
