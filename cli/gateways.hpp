// gateways — the servers behind a proxy: one gateway for all requests, or one for each route of a
// settings file and one for what they leave.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/gateway.hpp>

#include "cli/complaints.hpp"
#include "cli/route_flags.hpp"

namespace ringfort::cli {

class Gateways {
public:
  /// Nothing after a complaint. `rest`: what no route takes goes there; without a URL it has none.
  static std::optional<Gateways> open(const std::vector<RouteFlags>& routes,
                                      const UpstreamFlags& rest, Complaints& complaints);

  bool none() const noexcept { return all_.empty(); }
  /// Borrow: this, as long as the service. Errors: as Gateway::service.
  Result<std::unique_ptr<Service>> service(Shard& shard) const;
  /// A line for each server, and of which requests.
  std::string spans() const;

  /// Each server of each route; without a name of that where there is one for all.
  std::vector<UpstreamReport> upstreams() const;
  /// The server of this name in each route, drained or restored; how often it is there.
  std::size_t drain(std::string_view server, bool drained);

private:
  struct Route {
    std::string name;
    std::string path;
    std::string text; ///< empty where there is one for all
    Gateway gateway;
  };

  bool add(const RouteFlags& route, std::string text, Complaints& complaints);
  bool routes_well(Complaints& complaints) const;

  std::deque<Route> all_;
};

} // namespace ringfort::cli
