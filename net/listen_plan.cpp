#include "net/listen_plan.hpp"

#include <algorithm>
#include <utility>

#include "net/bound.hpp"
#include "net/upstreams.hpp"
#include "tls/host_name.hpp"

namespace ringfort::net {

namespace {

constexpr std::int32_t detail_of_options = 300;
constexpr std::int32_t detail_of_passthrough = 400;

bool normalise(PassthroughRoute& route) {
  const bool by_name = !route.name.empty();
  route.name = tls::normalised_pattern(route.name);
  const auto is_protocol = [](const std::string& name) {
    return !name.empty() && name.size() <= 255;
  };
  const auto is_place = [](const Destination& to) {
    return !to.unix_path.empty() || (!to.host.empty() && to.port != 0);
  };
  return by_name == !route.name.empty() && !route.servers.empty() &&
         route.servers.size() <= Upstreams::count_max &&
         std::ranges::all_of(route.protocols, is_protocol) &&
         std::ranges::all_of(route.servers, is_place);
}

std::string text_of(const PassthroughRoute& route) {
  std::string text = route.name.empty() ? "*" : route.name;
  char before = '/';
  for (const std::string& protocol : route.protocols) {
    text.append(1, std::exchange(before, ',')).append(protocol);
  }
  return text;
}

/// In the order of its fields.
Result<> check(PassthroughOptions& options) {
  if (!std::ranges::all_of(options.routes, normalise)) {
    return fail(Code::config_invalid, detail_of_passthrough + 1);
  }
  const std::array bounds{
      Bound{static_cast<std::int64_t>(options.header), 0, 2},
      Bound{static_cast<std::int64_t>(options.balance), 0,
            static_cast<std::int64_t>(Balance::peer_hash)},
      Bound{options.failures_max, 0, 1'000},
      timeout_or_off(options.ejection_time),
      timeout(options.resolve_timeout),
      timeout(options.connect_timeout),
      timeout_or_off(options.slow_start),
  };
  return check_all(bounds, detail_of_passthrough + 2);
}

} // namespace

Result<ListenPlan> ListenPlan::create(ListenOptions options) {
  ListenPlan plan;
  for (const std::string& text : options.proxy_headers_from) {
    const auto block = engine::AddressBlock::parse(text);
    if (!block) return fail(Code::config_invalid, detail_of_options + 1);
    plan.proxies_.push_back(*block);
  }
  plan.refuses_others_ = options.refuses_others;
  // Nobody at all could connect.
  if (plan.refuses_others_ && plan.proxies_.empty()) {
    return fail(Code::config_invalid, detail_of_options + 2);
  }
  plan.passthrough_ = std::move(options.passthrough);
  if (auto checked = check(plan.passthrough_); !checked) return std::unexpected(checked.error());
  for (const PassthroughRoute& route : plan.passthrough_.routes) {
    plan.boards_.push_back(std::make_shared<UpstreamBoard>(route.servers.size()));
  }
  return plan;
}

void ListenPlan::add_servers(std::vector<UpstreamReport>& all) const {
  for (std::size_t place = 0; place < boards_.size(); ++place) {
    std::vector<UpstreamReport> reports;
    for (const Destination& server : passthrough_.routes[place].servers) {
      reports.push_back(
          {.server = server_text(server), .route = text_of(passthrough_.routes[place])});
    }
    boards_[place]->add_to(reports);
    // A server may be there twice, for more turns: who sees it sees both.
    for (auto report = reports.begin(); report != reports.end(); ++report) {
      const auto twin =
          std::ranges::find(reports.begin(), report, report->server, &UpstreamReport::server);
      if (twin != report) report->shards = report->shards_unwell = report->shards_ejecting = 0;
    }
    for (UpstreamReport& report : reports) merge(all, std::move(report));
  }
}

std::size_t ListenPlan::drain(std::string_view server, bool drained) const {
  std::size_t routes = 0;
  for (std::size_t place = 0; place < boards_.size(); ++place) {
    const std::vector<Destination>& servers = passthrough_.routes[place].servers;
    bool found = false;
    for (std::size_t index = 0; index < servers.size(); ++index) {
      if (server_text(servers[index]) != server) continue;
      boards_[place]->set_drained(index, drained);
      found = true;
    }
    routes += found;
  }
  return routes;
}

bool ListenPlan::expects_header_from(const engine::SocketAddress& peer) const noexcept {
  return std::ranges::any_of(
      proxies_, [&](const engine::AddressBlock& block) { return block.contains(peer); });
}

} // namespace ringfort::net
