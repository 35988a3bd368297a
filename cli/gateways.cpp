#include "cli/gateways.hpp"

#include <functional>
#include <map>
#include <utility>

#include <ringfort/host_routes.hpp>
#include <ringfort/router.hpp>

#include "cli/host_and_port.hpp"
#include "cli/path_service.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view every_path = "/";

using Make = std::function<Result<std::unique_ptr<Service>>()>;
/// By host and by the pattern of the path.
using Table = std::map<std::string, std::map<std::string, Make>>;

/// A host's service by path; without patterns there is no need to look at one.
Result<std::unique_ptr<Service>> service_of(const std::map<std::string, Make>& paths) {
  if (paths.size() == 1 && paths.begin()->first == every_path) return paths.begin()->second();
  Router router;
  std::vector<std::unique_ptr<Service>> services;
  for (const auto& [path, make] : paths) { // "/" comes first, where it is there.
    auto made = make();
    if (!made) return made;
    Service* const service = made->get();
    services.push_back(std::move(*made));
    router.any(path, [service](Exchange& exchange) { service->begin(exchange); });
  }
  auto routed = std::move(router).build();
  if (!routed) return routed;
  return std::unique_ptr<Service>(
      std::make_unique<PathService>(std::move(services), std::move(*routed)));
}

Result<std::unique_ptr<Service>> service_of(const Table& table) {
  if (table.size() == 1 && table.begin()->first.empty()) return service_of(table.begin()->second);
  HostRoutes hosts;
  for (const auto& [host, paths] : table) {
    auto made = service_of(paths);
    if (!made) return made;
    hosts.on(host, std::move(*made));
  }
  return std::move(hosts).build();
}

} // namespace

bool Gateways::add(const RouteFlags& route, std::string text, Complaints& complaints) {
  auto gateway = open_gateway(route.upstreams, complaints);
  if (!gateway) return false;
  all_.push_back({one_spelling(route.name),
                  route.path.empty() ? std::string(every_path) : route.path, std::move(text),
                  std::move(*gateway)});
  return true;
}

/// One more at a time, so that the one that is wrong is known.
bool Gateways::routes_well(Complaints& complaints) const {
  const Make nothing = [] {
    return Result<std::unique_ptr<Service>>(ringfort::service([](Exchange&) {}));
  };
  Table table;
  for (const Route& route : all_) {
    const std::string about = "route " + route.text;
    if (!service_of({{route.name, {{std::string(every_path), nothing}}}})) {
      complaints.add(about, "the name is no host's: without a port, IDN as xn--, IPv6 in brackets");
    } else if (!table[route.name].emplace(route.path, nothing).second) {
      complaints.add(about, "is there twice");
    } else if (const auto built = service_of(table); !built) {
      complaints.add({.code = built.error().code}, about);
    }
    if (!complaints.none()) return false;
  }
  return true;
}

std::optional<Gateways> Gateways::open(const std::vector<RouteFlags>& routes,
                                       const UpstreamFlags& rest, Complaints& complaints) {
  Gateways gateways;
  for (RouteFlags route : routes) {
    // What is true of this hop, whoever is behind it.
    route.upstreams.header = rest.header;
    if (route.upstreams.trusted_proxies.empty()) {
      route.upstreams.trusted_proxies = rest.trusted_proxies;
    }
    if (!gateways.add(route, route.text(), complaints)) return {};
  }
  RouteFlags others;
  others.upstreams = rest;
  const bool asks = !rest.urls.empty();
  if (asks && !gateways.add(others, routes.empty() ? "" : others.text(), complaints)) return {};
  if (!gateways.routes_well(complaints)) return {};
  return gateways;
}

Result<std::unique_ptr<Service>> Gateways::service(Shard& shard) const {
  Table table;
  for (const Route& route : all_) {
    table[route.name][route.path] = [&route, &shard] { return route.gateway.service(shard); };
  }
  return service_of(table);
}

std::string Gateways::spans() const {
  std::string lines;
  for (const Route& route : all_) {
    std::string of_route = route.gateway.spans();
    const std::string mark = route.text.empty() ? "" : ", for " + route.text;
    for (std::size_t end = 0; (end = of_route.find('\n', end)) != of_route.npos;) {
      of_route.insert(end, mark);
      end += mark.size() + 1;
    }
    lines.append(of_route);
  }
  return lines;
}

std::vector<UpstreamReport> Gateways::upstreams() const {
  std::vector<UpstreamReport> all;
  for (const Route& route : all_) {
    for (UpstreamReport& report : route.gateway.upstreams()) {
      report.route = route.text;
      all.push_back(std::move(report));
    }
  }
  return all;
}

std::size_t Gateways::drain(std::string_view server, bool drained) {
  std::size_t found = 0;
  for (Route& route : all_) {
    const std::vector<UpstreamReport> reports = route.gateway.upstreams();
    for (std::size_t place = 0; place < reports.size(); ++place) {
      if (reports[place].server == server) found += route.gateway.drain(place, drained).has_value();
    }
  }
  return found;
}

} // namespace ringfort::cli
