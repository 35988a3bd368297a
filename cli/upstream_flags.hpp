// upstream_flags — flags of `ringfort proxy` alone: which servers are asked, and how.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringfort/gateway.hpp>

#include "cli/complaints.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct UpstreamFlags {
  std::vector<std::string> urls; ///< none: the program is no proxy
  std::string authorities;       ///< a file
  std::string cert;
  std::string key;
  std::optional<std::string> server_name;
  bool insecure = false;
  bool own_host = false; ///< Host is the server's own name
  std::vector<std::string> trusted_proxies;
  std::vector<std::string> upgrades; ///< none: the gateway's own
  Balance balance = Balance::round_robin;
  std::uint32_t failures_max = 3;
  std::chrono::milliseconds ejection_time{10'000};
  std::chrono::milliseconds slow_start{0};
  HealthCheck health;
  ProxyHeader header = ProxyHeader::none; ///< what upstreams are told by
  /// Its connections to each of them, of a shard, and its times.
  ClientOptions client = GatewayOptions{.upstreams = {}}.client;
};

/// Borrow: `flags` until the command line has been parsed.
void add_upstream_flags(CLI::App& app, UpstreamFlags& flags);

/// What single flags cannot say. Empty: all is well.
std::string contradiction_of(const UpstreamFlags& flags);

/// Nothing without a URL, and after a complaint.
std::optional<Gateway> open_gateway(const UpstreamFlags& flags, Complaints& complaints);

} // namespace ringfort::cli
