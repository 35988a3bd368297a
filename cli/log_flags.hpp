// log_flags — where failures and answers are written, and how; and the files while they are.
#pragma once

#include <memory>
#include <string>

#include <ringfort/metrics_text.hpp>

#include "cli/log_file.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct LogFlags {
  std::string errors = "-"; ///< a path, or "-": standard error
  std::string accesses;     ///< likewise; empty: not written
  LogFormat format = LogFormat::text;
};

/// Borrow: `flags` until the command line has been parsed.
void add_log_flags(CLI::App& app, LogFlags& flags);

struct Logs {
  std::unique_ptr<LogFile> errors;
  std::unique_ptr<LogFile> accesses; ///< null: not written

  void reopen();
  /// Writes what waits. Nothing can be written after it.
  void finish();
  void write_metrics(MetricsText& text) const;
};

/// False after a complaint, which is among `complaints`.
bool open_logs(const LogFlags& flags, Logs& logs, Complaints& complaints);

} // namespace ringfort::cli
