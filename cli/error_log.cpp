#include "cli/error_log.hpp"

#include <cstdio>
#include <string>
#include <utility>

#include "cli/values.hpp"

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

void put_line(std::string line) {
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr); // One call: lines of two threads never mix.
}

std::string opening(std::time_t second, const Fault& fault) {
  std::string line = utc_text(second);
  line.append(" ").append(level_of(fault.origin)).append(" ");
  line.append(fault.stage_name).append(".").append(fault.name);
  return line;
}

std::string line_of(const ErrorReport& report, std::time_t second) {
  const Fault& fault = fault_of(report.error.code);
  std::string line = opening(second, fault);
  if (!report.peer.empty()) line.append(" peer=").append(report.peer);
  line.append(" origin=").append(name_of(fault.origin));
  line.append(" shard=").append(std::to_string(report.error.shard));
  if (report.error.detail != 0) {
    line.append(" detail=").append(std::to_string(report.error.detail));
  }
  if (!fault.alias.empty()) line.append(" alias=").append(fault.alias);
  line.append(" text=\"").append(fault.text).append("\"");
  return line;
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
  put_line(line_of(report, now));
}

void ErrorLog::finish() {
  const std::lock_guard lock(mutex_);
  for (std::size_t code = 0; code < kinds_.size(); ++code) {
    say_left_out(kinds_[code], static_cast<Code>(code));
  }
}

void ErrorLog::say_left_out(Kind& kind, Code code) {
  if (kind.left_out == 0) return;
  std::string line = opening(kind.second, fault_of(code));
  line.append(" suppressed=").append(std::to_string(std::exchange(kind.left_out, 0)));
  put_line(std::move(line));
}

} // namespace ringfort::cli
