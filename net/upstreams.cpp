#include "net/upstreams.hpp"

#include <bit>

#include "net/peer_text.hpp"

namespace ringfort::net {

namespace {

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

Upstreams::Upstreams(const UpstreamRules& rules) : rules_(rules), all_(rules.servers.size()) {
  for (std::size_t place = 0; place < all_.size(); ++place) {
    const Destination& to = rules_.servers[place];
    // By its name, not its place: a list that grows or shrinks moves no more than it has to.
    all_[place].seed = hash_of(host_and_port(to.host, to.port) + to.unix_path);
  }
}

UpstreamSet Upstreams::able(UpstreamSet tried, std::chrono::nanoseconds now) const noexcept {
  UpstreamSet untried = 0;
  UpstreamSet able = 0;
  for (std::size_t place = 0; place < all_.size(); ++place) {
    if (has(tried, place) || !all_[place].well) continue;
    untried |= UpstreamSet{1} << place;
    if (!ejected(place, now)) able |= UpstreamSet{1} << place;
  }
  return able != 0 ? able : untried;
}

std::optional<std::size_t> Upstreams::choose(UpstreamSet tried, std::uint64_t hash,
                                             std::chrono::nanoseconds now) noexcept {
  const UpstreamSet set = able(tried, now);
  if (set == 0) return {};
  switch (rules_.balance) {
  case Balance::round_robin: return next_of(set);
  case Balance::least_outstanding: return least_outstanding_of(set);
  case Balance::peer_hash:
  case Balance::target_hash: break;
  }
  return highest_of(set, hash);
}

std::size_t Upstreams::next_of(UpstreamSet set) noexcept {
  while (!has(set, turn_ % all_.size())) ++turn_;
  return turn_++ % all_.size();
}

/// Of several the one whose turn it is.
std::size_t Upstreams::least_outstanding_of(UpstreamSet set) noexcept {
  const std::size_t first = next_of(set);
  std::size_t best = first;
  for (std::size_t step = 1; step < all_.size(); ++step) {
    const std::size_t place = (first + step) % all_.size();
    if (has(set, place) && all_[place].outstanding < all_[best].outstanding) best = place;
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

void Upstreams::on_checked(std::size_t place, bool well) noexcept {
  Server& server = all_[place];
  if (well == server.well) {
    server.checks_against = 0;
    return;
  }
  const HealthCheck& health = rules_.health;
  if (++server.checks_against < (well ? health.successes_min : health.failures_max)) return;
  server.well = well;
  server.checks_against = 0;
  server.failures = 0;
  server.ejected_until = std::chrono::nanoseconds(0);
}

void Upstreams::on_failed(std::size_t place, std::chrono::nanoseconds now) noexcept {
  Server& server = all_[place];
  if (rules_.failures_max == 0 || ++server.failures < rules_.failures_max) return;
  server.failures = 0;
  server.ejected_until = now + rules_.ejection_time;
}

} // namespace ringfort::net
