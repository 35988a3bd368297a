#include "tests/sim/watch.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

namespace ringfort::sim {

namespace {

constexpr std::uint64_t record_bytes = 16'384 + 256; ///< RFC 8446 section 5.2
/// Alerts, interim answers and the like, which no credit holds back.
constexpr std::uint64_t small_bytes = 1'024;
constexpr unsigned batch_max = 256; ///< engine::Loop's

/// Whose exchange ends in order before its request is complete.
bool may_leave_unread(std::string_view target) {
  return target == "/early" || target == "/closes" || target == "/drains";
}

} // namespace

class Watch::Witness final : public Observer {
public:
  explicit Witness(Watch& watch) noexcept : watch_(watch) {}

  void connected(const ConnectionFacts& facts) noexcept override {
    ++watch_.tallies_[std::string(facts.peer)].connected;
    if (!watch_.living_.insert(facts.id).second) watch_.find("a connection's id came twice");
  }
  void secured(const ConnectionFacts& facts) noexcept override {
    require_living(facts.id);
    ++watch_.tallies_[std::string(facts.peer)].secured;
  }
  void requested(const Exchange& exchange) noexcept override {
    require_living(exchange.connection().id);
    ++watch_.tallies_[std::string(exchange.connection().peer)].requested;
  }
  void answered(const Exchange& exchange, const ExchangeReport& report) noexcept override {
    require_living(exchange.connection().id);
    PeerTally& tally = watch_.tallies_[std::string(exchange.connection().peer)];
    if (++tally.answered != report.request) watch_.find("exchanges end in another order");
    if (report.status != 0) ++tally.with_status;
    if (report.whole || may_leave_unread(exchange.head().target)) return;
    ++tally.broken;
    tally.last_broken = std::string(exchange.head().target) + " " + std::to_string(report.status);
  }
  void disconnected(const ConnectionFacts& facts) noexcept override {
    require_living(facts.id);
    if (watch_.world_.planted(Plant::skips_telling)) return;
    watch_.living_.erase(facts.id);
    ++watch_.tallies_[std::string(facts.peer)].disconnected;
  }

private:
  void require_living(std::uint64_t id) const {
    if (!watch_.living_.contains(id)) watch_.find("told of a connection that is not there");
  }

  Watch& watch_;
};

std::unique_ptr<Observer> Watch::make_observer() { return std::make_unique<Witness>(*this); }

void Watch::find(const std::string& text) {
  constexpr std::size_t kept_max = 10;
  if (findings_.size() == kept_max || std::ranges::find(findings_, text) != findings_.end()) return;
  findings_.push_back(text);
}

void Watch::look(Engine& engine, unsigned completions) {
  if (completions > batch_max) find("a turn ran more than its batch");
  reports_.clear();
  for (std::uint32_t from = 0; (from = engine.shard(0).look(from, reports_)) != 0;) {}
  std::uint64_t held_bytes = 0;
  for (const ConnectionReport& report : reports_) {
    look_at(report);
    held_bytes += report.held_bytes;
  }
  const Metrics metrics = engine.metrics();
  if (reports_.size() != metrics.connections_open) find("connections are counted, and not there");
  // Exchanges have a pool of their own, of no more blocks than there may be connections.
  const auto exchanges_max = std::min(options_.limits.connections_max, options_.block_count);
  if (metrics.blocks_in_use > options_.block_count + exchanges_max) find("too many blocks in use");
  if (metrics.receive_buffers_held > options_.receive_buffer_count) find("too many buffers held");
  if (held_bytes > metrics.receive_buffers_held * options_.receive_buffer_bytes) {
    find("connections hold more than the buffers that are out");
  }
}

void Watch::look_at(const ConnectionReport& report) {
  const std::uint64_t queued_max =
      std::max<std::uint64_t>(options_.limits.send_credit_bytes, record_bytes) + record_bytes +
      small_bytes;
  if (report.queued_bytes > queued_max) {
    find(report.peer + " has " + std::to_string(report.queued_bytes) + " bytes queued, of " +
         std::to_string(options_.limits.send_credit_bytes));
  }
  // Two buffers in a row hold more than one's capacity, so credit in bytes is at most twice that in
  // buffers. Without a cap the kernel goes on until it is told to stop, or the socket is empty. A
  // short receive takes a whole buffer, however many of them come at once.
  const Knobs& knobs = world_.knobs();
  if (knobs.short_receive_per_mille > 0) return;
  const std::uint64_t credit_bytes = options_.limits.receive_credit_bytes;
  const std::uint64_t held_max =
      knobs.receive_cap ? 2 * credit_bytes + options_.receive_buffer_bytes
                        : credit_bytes + 2 * std::uint64_t{knobs.receive_socket_bytes} +
                              options_.receive_buffer_bytes;
  if (report.held_bytes > held_max) {
    find(report.peer + " holds " + std::to_string(report.held_bytes) + " bytes unread, of " +
         std::to_string(options_.limits.receive_credit_bytes));
  }
}

void Watch::judge() {
  if (!living_.empty()) find("a connection was never told to have gone");
  for (const auto& [peer, tally] : tallies_) {
    if (tally.connected != 1 || tally.disconnected != 1) find(peer + " did not come and go once");
    if (tally.requested != tally.answered) find(peer + " has requests that never ended");
    if (tally.secured > tally.connected) find(peer + " was secured twice");
  }
}

std::vector<std::string> judge_drained(const Metrics& metrics, std::uint64_t report_count,
                                       Watch& watch) {
  std::vector<std::string> findings;
  for (const auto& [name, left] : {std::pair("connections_open", metrics.connections_open),
                                   std::pair("blocks_in_use", metrics.blocks_in_use),
                                   std::pair("receive_buffers_held", metrics.receive_buffers_held),
                                   std::pair("handshakes_open", metrics.handshakes_open),
                                   std::pair("handshakes_waiting", metrics.handshakes_waiting)}) {
    if (left == 0) continue;
    findings.push_back(std::string(name) + " is " + std::to_string(left) + " after the drain");
  }
  const auto faults =
      std::accumulate(metrics.faults.begin(), metrics.faults.end(), std::uint64_t{0});
  if (faults != report_count) {
    findings.push_back(std::to_string(faults) + " faults counted, " + std::to_string(report_count) +
                       " reported");
  }
  watch.judge();
  for (const std::string& finding : watch.findings()) findings.push_back("watch: " + finding);
  return findings;
}

std::vector<std::string> judge_world(const World& world) {
  std::vector<std::string> findings;
  for (const std::string& violation : world.violations()) findings.push_back("world: " + violation);
  if (const auto open = world.descriptors_open(); open != 0) {
    findings.push_back(std::to_string(open) + " descriptors left open");
  }
  return findings;
}

} // namespace ringfort::sim
