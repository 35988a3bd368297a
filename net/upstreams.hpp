// upstreams — the servers behind a gateway as one shard sees them: who is there, who is busy, and
// whose turn it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <ringfort/gateway.hpp>

namespace ringfort::net {

/// A set of them, by their places.
using UpstreamSet = std::uint64_t;

/// Who they are, and when one is left alone: as GatewayOptions says it.
struct UpstreamRules {
  std::span<const Destination> servers;
  Balance balance = Balance::round_robin;
  std::uint32_t failures_max = 0;
  std::chrono::milliseconds ejection_time{0};
  HealthCheck health = {};
};

/// Where: one shard.
class Upstreams {
public:
  static constexpr std::size_t count_max = 64;

  /// Borrow: the servers for its life.
  explicit Upstreams(const UpstreamRules& rules);
  explicit Upstreams(const GatewayOptions& options)
      : Upstreams(UpstreamRules{.servers = options.upstreams,
                                .balance = options.balance,
                                .failures_max = options.failures_max,
                                .ejection_time = options.ejection_time,
                                .health = options.health}) {}

  /// Whose turn it is, but for those in `tried` and those that are not well; the ejected ones only
  /// when there are no others. Nothing: nobody is left. `hash`: of what Balance says, where it is
  /// one of those.
  std::optional<std::size_t> choose(UpstreamSet tried, std::uint64_t hash,
                                    std::chrono::nanoseconds now) noexcept;
  /// Whether choose() would find anybody.
  bool has_others(UpstreamSet tried) const noexcept { return able(tried, {}) != 0; }
  const Destination& destination(std::size_t place) const noexcept { return rules_.servers[place]; }

  void on_begun(std::size_t place) noexcept { ++all_[place].outstanding; }
  void on_ended(std::size_t place) noexcept { --all_[place].outstanding; }
  /// It took a connection, or did not.
  void on_reached(std::size_t place) noexcept { all_[place].failures = 0; }
  void on_failed(std::size_t place, std::chrono::nanoseconds now) noexcept;
  /// It was asked after.
  void on_checked(std::size_t place, bool well) noexcept;
  bool ejected(std::size_t place, std::chrono::nanoseconds now) const noexcept {
    return now < all_[place].ejected_until;
  }

private:
  struct Server {
    std::uint64_t seed = 0;
    std::uint32_t outstanding = 0;
    std::uint32_t failures = 0; ///< in a row
    std::chrono::nanoseconds ejected_until{0};
    bool well = true;
    std::uint32_t checks_against = 0; ///< in a row, that say otherwise
  };

  UpstreamSet able(UpstreamSet tried, std::chrono::nanoseconds now) const noexcept;
  std::size_t next_of(UpstreamSet set) noexcept;
  std::size_t least_outstanding_of(UpstreamSet set) noexcept;
  std::size_t highest_of(UpstreamSet set, std::uint64_t hash) const noexcept;

  UpstreamRules rules_;
  std::vector<Server> all_;
  std::size_t turn_ = 0;
};

/// FNV-1a, as good as what is hashed is varied.
std::uint64_t hash_of(std::string_view text) noexcept;

} // namespace ringfort::net
