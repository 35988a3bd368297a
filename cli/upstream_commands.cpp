#include "cli/upstream_commands.hpp"

#include <string>
#include <string_view>

#include "cli/upstream_rows.hpp"

namespace ringfort::cli {

namespace {

using Json = Admin::Json;

/// Shards see for themselves: two of them may differ.
std::string state_of(const UpstreamReport& report) {
  const auto of_all = [&](std::string_view what, std::uint32_t shards) {
    if (shards == report.shards) return std::string(what);
    return std::string(what) + " (" + std::to_string(shards) + " of " +
           std::to_string(report.shards) + " shards)";
  };
  if (report.drained) return "drained";
  if (report.shards_unwell > 0) return of_all("unwell", report.shards_unwell);
  if (report.shards_ejecting > 0) return of_all("ejected", report.shards_ejecting);
  return "well";
}

Json table_of(const UpstreamRows& upstreams) {
  Json rows = Json::array();
  for (const UpstreamReport& report : upstreams.all()) {
    Json row;
    row["server"] = report.server;
    row["route"] = report.route;
    row["state"] = state_of(report);
    row["shards"] = report.shards;
    row["shards_unwell"] = report.shards_unwell;
    row["shards_ejecting"] = report.shards_ejecting;
    row["outstanding"] = report.outstanding;
    row["requests"] = report.requests;
    row["unreached"] = report.unreached;
    row["unanswered"] = report.unanswered;
    row["ejections"] = report.ejections;
    row["checks"] = report.checks;
    row["checks_failed"] = report.checks_failed;
    rows.push_back(std::move(row));
  }
  return rows;
}

Admin::Answer drain(UpstreamRows& upstreams, std::string_view server, bool drained) {
  Admin::Answer answer;
  const std::size_t places = upstreams.drain(server, drained);
  answer.value["server"] = server;
  answer.value["drained"] = drained;
  answer.value["places"] = places;
  answer.text = std::string(server);
  if (places == 0) {
    answer.status = ExitStatus::usage;
    answer.text.append(" is none of the upstreams; `upstreams` lists them, as HOST:PORT\n");
  } else {
    answer.text.append(drained ? " takes no more requests\n" : " has its turns again\n");
  }
  return answer;
}

} // namespace

void add_upstream_commands(Admin& admin, UpstreamRows& upstreams) {
  if (upstreams.all().empty()) return;
  admin.add("upstreams", "each server behind this one: its state, and what it was asked",
            [&upstreams] { return Admin::Answer{.value = table_of(upstreams)}; });
  admin.add_of(
      "drain-upstream", "SERVER", "nothing begins there any more; what is under way goes on",
      [&upstreams](std::string_view server) { return drain(upstreams, server, true); },
      Admin::Effect::changes);
  admin.add_of(
      "restore-upstream", "SERVER", "it has its turns again",
      [&upstreams](std::string_view server) { return drain(upstreams, server, false); },
      Admin::Effect::changes);
}

} // namespace ringfort::cli
