#include "net/gateway_shard.hpp"

#include <algorithm>
#include <chrono>

#include "net/introduction.hpp"

namespace ringfort::net {

namespace {

using std::chrono::milliseconds;

/// A check that takes longer than this has failed, whatever the interval.
constexpr milliseconds check_timeout_max{5'000};

/// Whoever asks after servers notices that often that the engine drains.
constexpr milliseconds nap{100};

Task<> look_after(Errand& errand, GatewayShard& gateway, std::size_t place) {
  const HealthCheck& check = gateway.plan.options.health;
  const Destination server =
      introduced_alone(gateway.upstreams.destination(place), gateway.plan.options.header);
  while (!errand.draining()) {
    {
      Call call = gateway.checker->call(errand, server, {.target = check.target});
      const auto response = co_await call.response();
      gateway.upstreams.on_checked(place, response && response->status < 400, gateway.shard.now());
    }
    for (milliseconds slept{0}; slept < check.interval; slept += nap) {
      const auto rested = co_await errand.sleep(std::min(nap, check.interval - slept));
      if (!rested || errand.draining()) co_return;
    }
  }
}

} // namespace

Result<> GatewayShard::start() {
  auto made = Client::create(shard, plan.options.client);
  if (!made) return std::unexpected(made.error());
  client = std::move(*made);
  const HealthCheck& check = plan.options.health;
  if (check.target.empty()) return {};
  // The same trust and the same way; its failures are no request's, and take no connection away.
  ClientOptions options = plan.options.client;
  options.call_timeout = std::min(check.interval, check_timeout_max);
  made = Client::create(shard, std::move(options));
  if (!made) return std::unexpected(made.error());
  checker = std::move(*made);
  for (std::size_t place = 0; place < plan.options.upstreams.size(); ++place) {
    // Without a block for the errand the server counts as well, and requests tell.
    (void)shard.run_errand(
        [this, place](Errand& errand) { return look_after(errand, *this, place); });
  }
  return {};
}

} // namespace ringfort::net
