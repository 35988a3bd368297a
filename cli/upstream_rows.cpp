#include "cli/upstream_rows.hpp"

#include <cstdint>
#include <map>
#include <utility>

namespace ringfort::cli {

std::vector<UpstreamReport> UpstreamRows::all() const {
  std::vector<UpstreamReport> all = gateways_.upstreams();
  for (UpstreamReport& report : engine_.passthrough_servers()) {
    report.route.insert(0, "passthrough ");
    all.push_back(std::move(report));
  }
  return all;
}

void UpstreamRows::write_metrics(MetricsText& text) const {
  using Kind = MetricsText::Kind;
  const std::vector<UpstreamReport> rows = all();
  if (rows.empty()) return;
  const auto write = [&](std::string_view name, Kind kind, std::string_view help, auto member) {
    text.family(name, kind, help);
    std::map<std::string, std::uint64_t> sums; // A server may be there twice, for more turns.
    for (const UpstreamReport& row : rows) {
      std::string labels;
      MetricsText::append_label(labels, "upstream", row.server);
      if (!row.route.empty()) MetricsText::append_label(labels, "route", row.route);
      sums[labels] += row.*member;
    }
    for (const auto& [labels, sum] : sums) text.labelled(labels, sum);
  };
  write("upstream_requests_total", Kind::counter,
        "Requests begun at an upstream, or connections, tries included.",
        &UpstreamReport::requests);
  write("upstream_outstanding", Kind::gauge,
        "Requests, or connections passed through, under way at an upstream.",
        &UpstreamReport::outstanding);
  write("upstream_unreached_total", Kind::counter,
        "Requests that an upstream took no connection for.", &UpstreamReport::unreached);
  write("upstream_unanswered_total", Kind::counter,
        "Requests that an upstream took, and gave no whole answer to.",
        &UpstreamReport::unanswered);
  write("upstream_ejections_total", Kind::counter, "Times that a shard began to leave it alone.",
        &UpstreamReport::ejections);
  write("upstream_checks_total", Kind::counter, "Health checks.", &UpstreamReport::checks);
  write("upstream_checks_failed_total", Kind::counter, "Health checks that failed.",
        &UpstreamReport::checks_failed);
  write("upstream_shards_unwell", Kind::gauge, "Shards whose health checks it fails.",
        &UpstreamReport::shards_unwell);
  write("upstream_shards_ejecting", Kind::gauge, "Shards that leave it alone.",
        &UpstreamReport::shards_ejecting);
  write("upstream_drained", Kind::gauge, "1 for an upstream that is drained.",
        &UpstreamReport::drained);
}

std::size_t UpstreamRows::drain(std::string_view server, bool drained) {
  return gateways_.drain(server, drained) + engine_.drain_passthrough(server, drained);
}

} // namespace ringfort::cli
