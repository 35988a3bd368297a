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

void Logs::write_metrics(std::string& text) const {
  text.append("# TYPE ringfort_log_lines_dropped_total counter\n");
  const auto write = [&text](std::string_view log, const LogFile& file) {
    text.append("ringfort_log_lines_dropped_total{log=\"").append(log).append("\"} ");
    text.append(std::to_string(file.dropped_lines())).append("\n");
  };
  write("error", *errors);
  if (accesses != nullptr) write("access", *accesses);
}

} // namespace ringfort::cli
