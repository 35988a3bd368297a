// passthrough_routes — where hellos go that are not answered here, as one shard sees it.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ringfort/passthrough.hpp>

#include "net/text_hash.hpp"
#include "net/upstreams.hpp"

namespace ringfort::net {

/// One route, and its servers.
struct LiveRoute {
  LiveRoute(const PassthroughOptions& from, const PassthroughRoute& one, Upstreams::Board board)
      : options(from), route(one), upstreams(UpstreamRules{.servers = one.servers,
                                                           .balance = from.balance,
                                                           .failures_max = from.failures_max,
                                                           .ejection_time = from.ejection_time,
                                                           .slow_start = from.slow_start},
                                             std::move(board)) {}

  const PassthroughOptions& options;
  const PassthroughRoute& route;
  Upstreams upstreams;
};

/// Where: one shard.
class PassthroughRoutes {
public:
  /// `boards`: one for each route. Borrow: `options`, with names as a ListenPlan has them, for its
  /// life.
  PassthroughRoutes(const PassthroughOptions& options, std::span<const Upstreams::Board> boards);

  /// Whose a hello is, by the name and the protocols that it has, each of these behind its length;
  /// null: nobody's. `served_here`: its name has a context of its own.
  LiveRoute* find(std::string_view name, std::string_view protocols, bool served_here) noexcept;

private:
  LiveRoute* find_exactly(std::string_view pattern, std::string_view protocols) noexcept;

  std::deque<LiveRoute> all_;
  std::unordered_map<std::string, std::vector<LiveRoute*>, TextHash, std::equal_to<>> by_name_;
};

/// The one protocol of a list as a hello has it; empty when it has none, or several.
std::string_view only_protocol(std::string_view protocols) noexcept;

} // namespace ringfort::net
