#include "cli/inspection.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include <unistd.h>

#include "cli/live_connections.hpp"
#include "cli/reloads.hpp"
#include "cli/served_names.hpp"
#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

using Json = Admin::Json;
using std::chrono::steady_clock;

/// A number as a number: "shards: 4".
Json value_of(std::string_view text) {
  const auto count = parse_count(text);
  return count ? Json(*count) : Json(text);
}

/// "name of it: value" lines as members name_of_it.
void add_lines(Json& object, std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) continue;
    std::string name(line.substr(0, colon));
    std::ranges::replace(name, ' ', '_');
    object[name] = value_of(line.substr(colon + 2));
  }
}

Json status_of(const Inspected& inspected, steady_clock::time_point start) {
  const Metrics metrics = inspected.engine.metrics();
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - start);
  Json status;
  status["version"] = RINGFORT_VERSION;
  status["process"] = ::getpid();
  status["up_s"] = up.count();
  status["serves"] = inspected.urls;
  add_lines(status, inspected.engine.describe());
  status["connections_open"] = metrics.connections_open;
  status["connections_accepted"] = metrics.connections_accepted;
  status["handshakes_full"] = metrics.handshakes_full;
  status["handshakes_resumed"] = metrics.handshakes_resumed;
  status["requests"] = metrics.requests;
  status["responses"] = metrics.responses;
  std::uint64_t failures = 0;
  for (const std::uint64_t count : metrics.faults) failures += count;
  status["failures"] = failures;
  if (inspected.names == nullptr) return status;
  status["generation"] = inspected.names->live().generation();
  status["reloads"] = inspected.reloads.counts().all;
  status["reloads_refused"] = inspected.reloads.counts().refused;
  return status;
}

Json row_of(const ConnectionReport& report) {
  using std::chrono::milliseconds;
  Json row;
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
  row["server"] = report.server;
  row["proxy"] = report.proxy;
  row["client_subject"] = report.client_subject;
  row["client_verdict"] = report.client_verdict;
  row["resumed"] = report.resumed;
  row["generation"] = report.generation;
  const bool secured = !report.version.empty();
  row["sent_by"] = secured ? name_of(report.send_records) : std::string_view();
  row["received_by"] = secured ? name_of(report.receive_records) : std::string_view();
  return row;
}

Json connections_of(Engine& engine) {
  const LiveConnections live = look_at_connections(engine);
  Json rows = Json::array();
  for (const ConnectionReport& report : live.reports) rows.push_back(row_of(report));
  // A shard that is held up by a handler is part of the answer, not a reason for none.
  for (const unsigned shard : live.silent_shards) {
    ConnectionReport nothing;
    nothing.shard = shard;
    Json row = row_of(nothing);
    row["stage"] = "shard does not answer";
    rows.push_back(std::move(row));
  }
  return rows;
}

Json generations_of(const tls::LiveNames& names) {
  Json rows = Json::array();
  for (const auto& [number, connections] : names.generations()) {
    Json row;
    row["generation"] = number;
    row["connections"] = connections;
    rows.push_back(std::move(row));
  }
  return rows;
}

Json names_of(ServedNames& served) {
  Json rows = Json::array();
  for (const ServedNames::Row& name : served.rows()) {
    Json row;
    row["name"] = name.pattern.empty() ? "(default)" : name.pattern;
    row["generation"] = name.generation;
    row["expires"] = name.expires_unix_s ? utc_text(*name.expires_unix_s) : "";
    row["days_left"] = name.expires_unix_s ? Json(days_until(*name.expires_unix_s)) : Json();
    row["read"] = name.expires_unix_s ? "yes" : "when asked for";
    rows.push_back(std::move(row));
  }
  return rows;
}

/// "a -> b - HTTPS, verified as b".
Json spans_of(std::string_view lines) {
  constexpr std::string_view dash = " - ";
  Json rows = Json::array();
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t end = line.find(dash);
    rows.push_back({{"hop", line.substr(0, end)}, {"protection", line.substr(end + dash.size())}});
  }
  return rows;
}

/// What stands between the quotes of labels, {stage="a",name="b"}: "a.b". Quotes and backslashes
/// have a backslash before them there.
std::string label_values(std::string_view labels) {
  std::string values;
  bool quoted = false;
  for (std::size_t at = 0; at < labels.size(); ++at) {
    if (labels[at] == '"') {
      quoted = !quoted;
      if (quoted && !values.empty()) values.push_back('.');
    } else if (quoted) {
      if (labels[at] == '\\' && at + 1 < labels.size()) ++at;
      values.push_back(labels[at]);
    }
  }
  return values;
}

/// The Prometheus text form as members without its prefix; a family with labels is an object.
Json members_of(std::string_view text) {
  constexpr std::string_view prefix = "ringfort_";
  Json members;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(prefix)) continue;
    line.remove_prefix(prefix.size());
    const std::size_t space = line.rfind(' ');
    const std::string_view name = line.substr(0, space);
    const std::size_t brace = name.find('{');
    Json& family = members[std::string(name.substr(0, brace))];
    Json& value = brace == name.npos ? family : family[label_values(name.substr(brace))];
    value = value_of(line.substr(space + 1));
  }
  return members;
}

Admin::Answer metrics_of(const Reloads& reloads) {
  // What Prometheus asks for of its text form.
  Admin::Answer answer{.value = {}, .text_type = "text/plain; version=0.0.4; charset=utf-8"};
  answer.text = reloads.metrics_text();
  answer.value = members_of(answer.text);
  return answer;
}

} // namespace

void add_inspection(Admin& admin, const Inspected& inspected) {
  using Answer = Admin::Answer;
  const auto start = steady_clock::now();
  Engine& engine = inspected.engine;
  const Reloads& reloads = inspected.reloads;
  admin.add("status", "what the program serves, on what, and since when",
            [inspected, start] { return Answer{.value = status_of(inspected, start)}; });
  admin.add("connections", "each living connection: where it stands, and what was settled",
            [&engine] { return Answer{.value = connections_of(engine)}; });
  admin.add("spans", "what is protected between whom, hop by hop",
            [inspected] { return Answer{.value = spans_of(inspected.spans)}; });
  admin.add("metrics", "the counters, in the Prometheus text form",
            [&reloads] { return metrics_of(reloads); });
  ServedNames* const names = inspected.names;
  if (names == nullptr) return;
  admin.add("generations", "connections by the generation of names they shook hands under",
            [names] { return Answer{.value = generations_of(names->live())}; });
  admin.add("names", "each server name: the generation that brought it, and when it expires",
            [names] { return Answer{.value = names_of(*names)}; });
}

} // namespace ringfort::cli
