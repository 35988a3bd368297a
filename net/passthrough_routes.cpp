#include "net/passthrough_routes.hpp"

#include <algorithm>

#include "tls/host_name.hpp"

namespace ringfort::net {

namespace {

/// Takes the first protocol off a list.
std::string_view take_protocol(std::string_view& protocols) noexcept {
  const auto bytes = static_cast<unsigned char>(protocols.front());
  const std::string_view taken = protocols.substr(1, bytes);
  protocols.remove_prefix(1 + taken.size());
  return taken;
}

bool fits(const PassthroughRoute& route, std::string_view protocols) noexcept {
  if (route.protocols.empty()) return true;
  while (!protocols.empty()) {
    const std::string_view offered = take_protocol(protocols);
    if (std::ranges::find(route.protocols, offered) != route.protocols.end()) return true;
  }
  return false;
}

} // namespace

std::string_view only_protocol(std::string_view protocols) noexcept {
  if (protocols.empty()) return {};
  const std::string_view first = take_protocol(protocols);
  return protocols.empty() ? first : std::string_view();
}

PassthroughRoutes::PassthroughRoutes(const PassthroughOptions& options,
                                     std::span<const Upstreams::Board> boards) {
  for (std::size_t place = 0; place < options.routes.size(); ++place) {
    const PassthroughRoute& route = options.routes[place];
    by_name_[route.name].push_back(&all_.emplace_back(options, route, boards[place]));
  }
}

LiveRoute* PassthroughRoutes::find_exactly(std::string_view pattern,
                                           std::string_view protocols) noexcept {
  const auto found = by_name_.find(pattern);
  if (found == by_name_.end()) return nullptr;
  const auto route = std::ranges::find_if(
      found->second, [&](const LiveRoute* one) { return fits(one->route, protocols); });
  return route == found->second.end() ? nullptr : *route;
}

LiveRoute* PassthroughRoutes::find(std::string_view name, std::string_view protocols,
                                   bool served_here) noexcept {
  if (tls::HostName host(name); host) {
    if (LiveRoute* const exact = find_exactly(host.text(), protocols)) return exact;
    const std::string_view wildcard = host.as_wildcard();
    LiveRoute* const any = wildcard.empty() ? nullptr : find_exactly(wildcard, protocols);
    if (any != nullptr) return any;
  }
  return served_here ? nullptr : find_exactly({}, protocols);
}

} // namespace ringfort::net
