#include "cli/log_flags.hpp"

#include "cli/flag_kinds.hpp"

namespace ringfort::cli {

void add_log_flags(CLI::App& app, LogFlags& flags) {
  app.add_option("--error-log", flags.errors,
                 "append failures to this file; -: standard error. SIGHUP opens it again")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--access-log", flags.accesses,
                 "append a line for each answer to this file; -: standard error. SIGHUP opens it "
                 "again")
      ->type_name("FILE");
  add_choice<LogFormat>(app, "--log-format", flags.format,
                        {{"text", LogFormat::text}, {"json", LogFormat::json}}, "text",
                        "of both logs: key=value, or a JSON object a line");
}

bool open_logs(const LogFlags& flags, Logs& logs, Complaints& complaints) {
  logs.errors = LogFile::open("--error-log", flags.errors, flags.format, complaints);
  if (logs.errors == nullptr) return false;
  if (flags.accesses.empty()) return true;
  logs.accesses = LogFile::open("--access-log", flags.accesses, flags.format, complaints);
  return logs.accesses != nullptr;
}

void Logs::reopen() {
  errors->reopen();
  if (accesses != nullptr) accesses->reopen();
}

void Logs::finish() {
  errors->finish();
  if (accesses != nullptr) accesses->finish();
}

void Logs::write_metrics(MetricsText& text) const {
  text.family("log_lines_dropped_total", MetricsText::Kind::counter,
              "Lines that a log's file did not take in time.");
  text.value("log", "error", errors->dropped_lines());
  if (accesses != nullptr) text.value("log", "access", accesses->dropped_lines());
}

} // namespace ringfort::cli
