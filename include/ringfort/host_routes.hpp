// host_routes — which service answers, by the host that a request asks for (RFC 9110 section 7.2).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringfort/error.hpp>
#include <ringfort/service.hpp>

namespace ringfort {

/// Gathers services by host and makes one of them.
///
/// The host is that of the target where this says one, else the Host field's, without its port, in
/// any case and with or without a final dot. A request for none of them is answered 421 (RFC 9110
/// section 15.5.20); a TLS client's name (SNI) is not looked at.
/// Where: one thread; a service of each shard's own has services of its own.
class HostRoutes {
public:
  /// `host` is a name, "*." and a name for any one label before that, an address (IPv6 in
  /// brackets), or empty for every other one.
  HostRoutes& on(std::string_view host, std::unique_ptr<Service> service) {
    routes_.emplace_back(host, std::move(service));
    return *this;
  }

  /// The service; the routes are spent.
  /// Errors: config.bad_route, config.route_conflict for a host that is there twice (detail: which
  ///         route, from 1).
  /// Cost:   one look-up per request, two for a name without a route of its own; no allocation.
  Result<std::unique_ptr<Service>> build() &&;

private:
  std::vector<std::pair<std::string, std::unique_ptr<Service>>> routes_;
};

} // namespace ringfort
