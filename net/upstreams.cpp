#include "net/upstreams.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "net/peer_text.hpp"

namespace ringfort::net {

namespace {

// In thousandths: of its turns.
constexpr std::uint32_t whole_share = 1'000;
constexpr std::uint32_t least_share = 100;

constexpr bool has(UpstreamSet set, std::size_t place) noexcept { return (set >> place & 1U) != 0; }

/// Spreads what differs in few bits over all of them (the finalizer of SplitMix64).
constexpr std::uint64_t mixed(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

} // namespace

std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return hash;
}

Upstreams::Upstreams(const UpstreamRules& rules, Board board)
    : rules_(rules), board_(std::move(board)), all_(rules.servers.size()),
      counts_(std::make_unique<UpstreamCounts[]>(rules.servers.size())) {
  for (std::size_t place = 0; place < all_.size(); ++place) {
    const Destination& to = rules_.servers[place];
    // By its name, not its place: a list that grows or shrinks moves no more than it has to.
    all_[place].seed = hash_of(host_and_port(to.host, to.port) + to.unix_path);
  }
  if (board_ == nullptr) return;
  drained_ = board_->drained();
  board_->enter(counts_.get());
}

Upstreams::~Upstreams() {
  if (board_ != nullptr) board_->leave(counts_.get());
}

void Upstreams::on_begun(std::size_t place) noexcept {
  ++counts_[place].requests;
  ++counts_[place].outstanding;
}

UpstreamSet Upstreams::able(UpstreamSet tried, Time now) const noexcept {
  if (board_ != nullptr) tried |= board_->drained();
  UpstreamSet untried = 0;
  UpstreamSet able = 0;
  for (std::size_t place = 0; place < all_.size(); ++place) {
    if (has(tried, place) || !all_[place].well) continue;
    untried |= UpstreamSet{1} << place;
    if (!ejected(place, now)) able |= UpstreamSet{1} << place;
  }
  return able != 0 ? able : untried;
}

/// Who was drained, and is no more, begins slowly.
void Upstreams::note_restored(Time now) noexcept {
  const UpstreamSet drained = board_ == nullptr ? 0 : board_->drained();
  if (drained == drained_) return;
  const UpstreamSet restored = std::exchange(drained_, drained) & ~drained;
  for (std::size_t place = 0; place < all_.size(); ++place) {
    if (has(restored, place)) all_[place].warm_at = now + rules_.slow_start;
  }
}

std::optional<std::size_t> Upstreams::choose(UpstreamSet tried, std::uint64_t hash,
                                             Time now) noexcept {
  note_restored(now);
  const UpstreamSet set = able(tried, now);
  if (set == 0) return {};
  switch (rules_.balance) {
  case Balance::round_robin: return next_of(set, now);
  case Balance::least_outstanding: return least_outstanding_of(set, now);
  case Balance::peer_hash:
  case Balance::target_hash: break;
  }
  return highest_of(set, hash);
}

/// From a tenth to all, evenly over the time of a slow start.
std::uint32_t Upstreams::share_of(const Server& server, Time now) const noexcept {
  if (now >= server.warm_at || rules_.slow_start.count() == 0) return whole_share;
  constexpr std::int64_t most = whole_share - least_share;
  const Time left = std::min<Time>(server.warm_at - now, rules_.slow_start);
  return whole_share - static_cast<std::uint32_t>(left * most / Time(rules_.slow_start));
}

bool Upstreams::takes_turn(Server& server, Time now) const noexcept {
  const std::uint32_t share = share_of(server, now);
  if (share == whole_share) return true;
  server.saved_turns += share;
  if (server.saved_turns < whole_share) return false;
  server.saved_turns -= whole_share;
  return true;
}

/// Where all would pass their turn by, the one that comes first has it.
std::size_t Upstreams::next_of(UpstreamSet set, Time now) noexcept {
  for (int left = std::popcount(set);; ++turn_) {
    const std::size_t place = turn_ % all_.size();
    if (!has(set, place)) continue;
    if (left-- > 0 && !takes_turn(all_[place], now)) continue;
    ++turn_;
    return place;
  }
}

/// Of several the one whose turn it is. Who has a part of its turns counts for so much busier.
std::size_t Upstreams::least_outstanding_of(UpstreamSet set, Time now) noexcept {
  const auto load = [&](std::size_t place) {
    const std::uint64_t with_this = counts_[place].outstanding + 1;
    return with_this * whole_share / share_of(all_[place], now);
  };
  while (!has(set, turn_ % all_.size())) ++turn_;
  const std::size_t first = turn_++ % all_.size();
  std::size_t best = first;
  for (std::size_t step = 1; step < all_.size(); ++step) {
    const std::size_t place = (first + step) % all_.size();
    if (has(set, place) && load(place) < load(best)) best = place;
  }
  return best;
}

/// Rendezvous hashing: who leaves takes away its own clients' choice, and nobody else's.
std::size_t Upstreams::highest_of(UpstreamSet set, std::uint64_t hash) const noexcept {
  std::size_t best = static_cast<std::size_t>(std::countr_zero(set));
  std::uint64_t highest = 0;
  for (std::size_t place = best; place < all_.size(); ++place) {
    const std::uint64_t weight = mixed(hash ^ all_[place].seed);
    if (!has(set, place) || weight < highest) continue;
    best = place;
    highest = weight;
  }
  return best;
}

void Upstreams::on_checked(std::size_t place, bool well, Time now) noexcept {
  Server& server = all_[place];
  ++counts_[place].checks;
  if (!well) ++counts_[place].checks_failed;
  if (well == server.well) {
    server.checks_against = 0;
    return;
  }
  const HealthCheck& health = rules_.health;
  if (++server.checks_against < (well ? health.successes_min : health.failures_max)) return;
  server.well = well;
  counts_[place].well.store(well, std::memory_order_relaxed);
  server.checks_against = 0;
  server.failures = 0;
  eject(place, Time(0));
  if (well) server.warm_at = now + rules_.slow_start;
}

void Upstreams::eject(std::size_t place, Time until) noexcept {
  all_[place].ejected_until = until;
  counts_[place].ejected_until_ns.store(until.count(), std::memory_order_relaxed);
}

void Upstreams::on_failed(std::size_t place, Time now) noexcept {
  Server& server = all_[place];
  ++counts_[place].unreached;
  if (rules_.failures_max == 0 || ++server.failures < rules_.failures_max) return;
  server.failures = 0;
  ++counts_[place].ejections;
  eject(place, now + rules_.ejection_time);
  server.warm_at = server.ejected_until + rules_.slow_start;
}

} // namespace ringfort::net
