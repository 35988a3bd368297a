// upstreams — the servers behind a gateway as one shard sees them: who is there, who is busy, and
// whose turn it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <ringfort/gateway.hpp>

#include "net/upstream_board.hpp"

namespace ringfort::net {

/// Who they are, and when one is left alone: as GatewayOptions says it.
struct UpstreamRules {
  std::span<const Destination> servers;
  Balance balance = Balance::round_robin;
  std::uint32_t failures_max = 0;
  std::chrono::milliseconds ejection_time{0};
  HealthCheck health = {};
  std::chrono::milliseconds slow_start{0};
};

/// Where: one shard.
class Upstreams {
public:
  using Time = std::chrono::nanoseconds;
  static constexpr std::size_t count_max = 64;

  using Board = std::shared_ptr<UpstreamBoard>;

  /// Borrow: the servers, for its life. `board` may be null.
  explicit Upstreams(const UpstreamRules& rules, Board board = nullptr);
  explicit Upstreams(const GatewayOptions& options, Board board = nullptr)
      : Upstreams(UpstreamRules{.servers = options.upstreams,
                                .balance = options.balance,
                                .failures_max = options.failures_max,
                                .ejection_time = options.ejection_time,
                                .health = options.health,
                                .slow_start = options.slow_start},
                  std::move(board)) {}
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;
  ~Upstreams();

  /// Whose turn it is, but for those in `tried`, the drained ones and those that are not well; the
  /// ejected ones only when there are no others. Nothing: nobody is left. `hash`: of what Balance
  /// says, where it is one of those.
  std::optional<std::size_t> choose(UpstreamSet tried, std::uint64_t hash, Time now) noexcept;
  /// Whether choose() would find anybody.
  bool has_others(UpstreamSet tried) const noexcept { return able(tried, {}) != 0; }
  const Destination& destination(std::size_t place) const noexcept { return rules_.servers[place]; }

  void on_begun(std::size_t place) noexcept;
  void on_ended(std::size_t place) noexcept { --counts_[place].outstanding; }
  /// It took a connection, or did not.
  void on_reached(std::size_t place) noexcept { all_[place].failures = 0; }
  void on_failed(std::size_t place, Time now) noexcept;
  /// It took a request, and gave no whole answer.
  void on_unanswered(std::size_t place) noexcept { ++counts_[place].unanswered; }
  /// It was asked after.
  void on_checked(std::size_t place, bool well, Time now) noexcept;
  bool ejected(std::size_t place, Time now) const noexcept {
    return now < all_[place].ejected_until;
  }

private:
  struct Server {
    std::uint64_t seed = 0;
    std::uint32_t failures = 0; ///< in a row
    Time ejected_until{0};
    Time warm_at{0};               ///< it has all of its turns from then on
    std::uint32_t saved_turns = 0; ///< in thousandths, while it has not
    bool well = true;
    std::uint32_t checks_against = 0; ///< in a row, that say otherwise
  };

  UpstreamSet able(UpstreamSet tried, Time now) const noexcept;
  void note_restored(Time now) noexcept;
  void eject(std::size_t place, Time until) noexcept;
  /// In thousandths, of its turns.
  std::uint32_t share_of(const Server& server, Time now) const noexcept;
  bool takes_turn(Server& server, Time now) const noexcept;
  std::size_t next_of(UpstreamSet set, Time now) noexcept;
  std::size_t least_outstanding_of(UpstreamSet set, Time now) noexcept;
  std::size_t highest_of(UpstreamSet set, std::uint64_t hash) const noexcept;

  UpstreamRules rules_;
  Board board_; ///< shared, because a service may be destroyed after its gateway
  std::vector<Server> all_;
  std::unique_ptr<UpstreamCounts[]> counts_; ///< one for each server
  UpstreamSet drained_ = 0;                  ///< as it was when last looked at
  std::size_t turn_ = 0;
};

/// FNV-1a, as good as what is hashed is varied.
std::uint64_t hash_of(std::string_view text) noexcept;

} // namespace ringfort::net
