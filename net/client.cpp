// client — the public surface of a shard's connections to other servers, as calls on its Agent.
#include <ringfort/client.hpp>

#include <array>
#include <utility>

#include "net/agent.hpp"
#include "net/bound.hpp"
#include "net/errand_state.hpp"
#include "net/exchange_state.hpp"
#include "net/serving_shard.hpp"

namespace ringfort {

namespace {

Result<> check(const ClientOptions& options) noexcept {
  using net::Bound;
  constexpr std::int64_t count_max = 1'000'000;
  const std::array bounds{
      Bound{options.connections_max, 1, count_max},
      Bound{options.connections_per_destination_max, 1, count_max},
      Bound{options.idle_per_destination_max, 0, count_max},
      Bound{options.pending_max, 0, count_max},
      Bound{options.newest_first, 0, 1},
      Bound{options.calls_per_connection_max, 0, UINT32_MAX},
      net::timeout(options.pending_timeout),
      net::timeout(options.resolve_timeout),
      net::timeout(options.connect_timeout),
      net::timeout(options.proxy_timeout),
      net::timeout(options.handshake_timeout),
      net::timeout(options.write_timeout),
      net::timeout(options.answer_timeout),
      net::timeout(options.body_idle_timeout),
      net::timeout_or_off(options.call_timeout),
      net::timeout(options.idle_timeout),
      net::timeout_or_off(options.connection_age_max),
  };
  return net::check_all(bounds, 3); // The first two fields have no number.
}

/// Ends the agent, which the shard frees once it holds nothing.
class AgentClient final : public Client {
public:
  explicit AgentClient(net::Agent& agent) noexcept : agent_(agent) {}
  AgentClient(const AgentClient&) = delete;
  AgentClient& operator=(const AgentClient&) = delete;
  ~AgentClient() override { agent_.leave(); }

  Call call(Exchange& exchange, const Destination& destination, Request request) override {
    auto& waiter = static_cast<net::ExchangeState&>(exchange);
    return agent_.call(waiter, destination, std::move(request));
  }
  Call call(Errand& errand, const Destination& destination, Request request) override {
    auto& waiter = static_cast<net::ErrandState&>(errand);
    return agent_.call(waiter, destination, std::move(request));
  }
  Result<> trust(tls::ClientContext context) override { return agent_.trust(std::move(context)); }
  ClientCounts counts() const noexcept override { return agent_.counts(); }
  std::vector<DestinationCounts> destinations() const override { return agent_.destinations(); }

private:
  net::Agent& agent_;
};

} // namespace

Result<std::unique_ptr<Client>> Client::create(Shard& shard, ClientOptions options) {
  if (auto checked = check(options); !checked) return std::unexpected(checked.error());
  auto agent = static_cast<net::ServingShard&>(shard).make_agent(std::move(options));
  if (!agent) return std::unexpected(agent.error());
  return std::make_unique<AgentClient>(**agent);
}

} // namespace ringfort
