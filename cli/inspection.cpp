#include "cli/inspection.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include <unistd.h>

#include "cli/live_connections.hpp"
#include "cli/served_names.hpp"
#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

using Answer = Admin::Answer;
using std::chrono::steady_clock;

/// "name: value" lines as members.
void add_lines(Answer& object, std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) continue;
    object[std::string(line.substr(0, colon))] = line.substr(colon + 2);
  }
}

Answer status_of(const Engine& engine, const std::string& urls, steady_clock::time_point start) {
  const Metrics metrics = engine.metrics();
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - start);
  Answer status;
  status["version"] = RINGFORT_VERSION;
  status["process"] = ::getpid();
  status["up_s"] = up.count();
  status["serves"] = urls;
  add_lines(status, engine.describe());
  status["connections_open"] = metrics.connections_open;
  status["connections_accepted"] = metrics.connections_accepted;
  status["handshakes_full"] = metrics.handshakes_full;
  status["handshakes_resumed"] = metrics.handshakes_resumed;
  status["requests"] = metrics.requests;
  status["responses"] = metrics.responses;
  std::uint64_t failures = 0;
  for (const std::uint64_t count : metrics.faults) failures += count;
  status["failures"] = failures;
  return status;
}

Answer row_of(const ConnectionReport& report) {
  using std::chrono::milliseconds;
  Answer row;
  row["shard"] = report.shard;
  row["id"] = report.id;
  row["peer"] = report.peer;
  row["stage"] = name_of(report.stage);
  row["age_ms"] = std::chrono::duration_cast<milliseconds>(report.age).count();
  row["requests"] = report.requests;
  row["received_bytes"] = report.received_bytes;
  row["sent_bytes"] = report.sent_bytes;
  row["held_bytes"] = report.held_bytes;
  row["queued_bytes"] = report.queued_bytes;
  row["version"] = report.version;
  row["suite"] = report.suite;
  row["protocol"] = report.protocol;
  row["server_name"] = report.server_name;
  row["resumed"] = report.resumed;
  row["generation"] = report.generation;
  const bool secured = !report.version.empty();
  row["sent_by"] = secured ? name_of(report.send_records) : std::string_view();
  row["received_by"] = secured ? name_of(report.receive_records) : std::string_view();
  return row;
}

Answer connections_of(Engine& engine) {
  const LiveConnections live = look_at_connections(engine);
  Answer rows = Answer::array();
  for (const ConnectionReport& report : live.reports) rows.push_back(row_of(report));
  // A shard that is held up by a handler is part of the answer, not a reason for none.
  for (const unsigned shard : live.silent_shards) {
    ConnectionReport nothing;
    nothing.shard = shard;
    Answer row = row_of(nothing);
    row["stage"] = "shard does not answer";
    rows.push_back(std::move(row));
  }
  return rows;
}

Answer generations_of(const tls::LiveNames& names) {
  Answer rows = Answer::array();
  for (const auto& [number, connections] : names.generations()) {
    Answer row;
    row["generation"] = number;
    row["connections"] = connections;
    rows.push_back(std::move(row));
  }
  return rows;
}

Answer names_of(ServedNames& served) {
  Answer rows = Answer::array();
  for (const ServedNames::Row& name : served.rows()) {
    Answer row;
    row["name"] = name.pattern.empty() ? "(default)" : name.pattern;
    row["generation"] = name.generation;
    row["expires"] = name.expires_unix_s ? utc_text(*name.expires_unix_s) : "";
    row["days_left"] = name.expires_unix_s ? Answer(days_until(*name.expires_unix_s)) : Answer();
    row["read"] = name.expires_unix_s ? "yes" : "when asked for";
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string metrics_of(const Engine& engine) {
  std::string text;
  engine.metrics().write_text(text);
  return text;
}

} // namespace

void add_inspection(Admin& admin, Engine& engine, const std::string& urls, ServedNames* names) {
  const auto start = steady_clock::now();
  admin.add("status", "what the program serves, on what, and since when",
            [&engine, urls, start] { return status_of(engine, urls, start); });
  admin.add("connections", "each living connection: where it stands, and what was settled",
            [&engine] { return connections_of(engine); });
  admin.add("metrics", "the counters, in the Prometheus text form",
            [&engine] { return Answer(metrics_of(engine)); });
  if (names == nullptr) return;
  admin.add("generations", "connections by the generation of names they shook hands under",
            [names] { return generations_of(names->live()); });
  admin.add("names", "each server name: the generation that brought it, and when it expires",
            [names] { return names_of(*names); });
}

} // namespace ringfort::cli
