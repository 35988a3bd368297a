#include "net/listen_plan.hpp"

#include <algorithm>

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
  return plan;
}

bool ListenPlan::expects_header_from(const engine::SocketAddress& peer) const noexcept {
  return std::ranges::any_of(
      proxies_, [&](const engine::AddressBlock& block) { return block.contains(peer); });
}

} // namespace ringfort::net
