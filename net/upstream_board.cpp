#include "net/upstream_board.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "net/peer_text.hpp"

namespace ringfort::net {

namespace {

/// Of a shard that is there, or of those that have left.
template <class Counts>
void add_sums(UpstreamReport& report, const Counts& counts) noexcept {
  report.requests += counts.requests;
  report.unreached += counts.unreached;
  report.unanswered += counts.unanswered;
  report.ejections += counts.ejections;
  report.checks += counts.checks;
  report.checks_failed += counts.checks_failed;
}

void add_state(UpstreamReport& report, const UpstreamCounts& counts, std::int64_t now_ns) noexcept {
  ++report.shards;
  report.outstanding += counts.outstanding;
  if (!counts.well.load(std::memory_order_relaxed)) ++report.shards_unwell;
  if (counts.ejected_until_ns.load(std::memory_order_relaxed) > now_ns) ++report.shards_ejecting;
}

} // namespace

void UpstreamBoard::enter(const UpstreamCounts* counts) {
  const std::lock_guard lock(mutex_);
  shards_.push_back(counts);
}

void UpstreamBoard::leave(const UpstreamCounts* counts) {
  const std::lock_guard lock(mutex_);
  std::erase(shards_, counts);
  for (std::size_t place = 0; place < past_.size(); ++place) add_sums(past_[place], counts[place]);
}

void UpstreamBoard::add_to(std::vector<UpstreamReport>& reports) const {
  using std::chrono::steady_clock;
  const std::chrono::nanoseconds now = steady_clock::now().time_since_epoch();
  const UpstreamSet drained_now = drained();
  const std::lock_guard lock(mutex_);
  for (std::size_t place = 0; place < past_.size(); ++place) {
    UpstreamReport& report = reports[place];
    report.drained = (drained_now >> place & 1U) != 0;
    add_sums(report, past_[place]);
    for (const UpstreamCounts* const shard : shards_) {
      add_sums(report, shard[place]);
      add_state(report, shard[place], now.count());
    }
  }
}

void UpstreamBoard::set_drained(std::size_t place, bool drained) noexcept {
  const UpstreamSet one = UpstreamSet{1} << place;
  if (drained) {
    drained_.fetch_or(one, std::memory_order_relaxed);
  } else {
    drained_.fetch_and(~one, std::memory_order_relaxed);
  }
}

std::string server_text(const Destination& server) {
  return server.unix_path.empty() ? host_and_port(server.host, server.port)
                                  : "unix:" + server.unix_path;
}

void merge(std::vector<UpstreamReport>& all, UpstreamReport report) {
  const auto known = std::ranges::find_if(all, [&](const UpstreamReport& one) {
    return one.server == report.server && one.route == report.route;
  });
  if (known == all.end()) return all.push_back(std::move(report));
  add_sums(*known, report);
  known->shards += report.shards;
  known->shards_unwell += report.shards_unwell;
  known->shards_ejecting += report.shards_ejecting;
  known->outstanding += report.outstanding;
}

} // namespace ringfort::net
