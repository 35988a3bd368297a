#include "net/serving_engine.hpp"

#include <algorithm>
#include <system_error>
#include <thread>

#include "engine/topology.hpp"
#include "net/options.hpp"

namespace ringfort::net {

namespace {

/// config.invalid of a call that came after the first turn, when listeners can no longer be added.
constexpr std::int32_t detail_too_late = 201;

/// That of ListenOptions::passthrough.
constexpr std::int32_t detail_no_hellos = 303;

} // namespace

ServingEngine::ServingEngine(const EngineOptions& options) {
  share_.options = options;
  share_.records = RecordPolicy(options.record_layer);
  if (share_.options.shards == 0) share_.options.shards = engine::usable_cpu_count();
}

// A shard whose operations the kernel still holds is left where it is: freeing it would let the
// kernel write into memory that is no longer ours.
ServingEngine::~ServingEngine() {
  for (auto& shard : shards_) {
    if (!shard->settle()) (void)shard.release();
  }
}

Result<> ServingEngine::set_up() noexcept {
  for (unsigned index = 0; index < share_.options.shards; ++index) {
    auto shard = ServingShard::create(index, share_);
    if (!shard) return std::unexpected(shard.error());
    shards_.push_back(std::move(*shard));
  }
  return {};
}

// ---------------------------------------------------------------------------- listening

Result<Endpoint> ServingEngine::serve(const Endpoint& endpoint, tls::LiveNames names,
                                      ServiceFactory factory, ListenOptions options) {
  auto plan = ListenPlan::create(std::move(options));
  if (!plan) return std::unexpected(plan.error());
  if (auto settled = settle_records(); !settled) return std::unexpected(settled.error());
  ShardNames shard_names;
  for (const auto& shard : shards_) {
    auto made = shard->make_names(names);
    if (!made) return std::unexpected(made.error());
    shard_names.push_back(std::move(*made));
  }
  return listen(endpoint, std::move(shard_names), std::move(factory), std::move(*plan));
}

/// Before the first context: whether the kernel can have what it is to have.
Result<> ServingEngine::settle_records() {
  if (records_settled_ || !share_.records.wants_kernel()) return {};
  if (auto tried = try_kernel(share_.records); !tried) return tried;
  if (!share_.records.usable()) {
    return fail(Code::tls_context_kernel_records_unavailable, share_.records.first_error());
  }
  records_settled_ = true;
  return {};
}

Result<Endpoint> ServingEngine::serve_plain(const Endpoint& endpoint, ServiceFactory factory,
                                            ListenOptions options) {
  // Without TLS no hello says where a connection goes.
  if (!options.passthrough.routes.empty()) return fail(Code::config_invalid, detail_no_hellos);
  auto plan = ListenPlan::create(std::move(options));
  if (!plan) return std::unexpected(plan.error());
  return listen(endpoint, ShardNames(shard_count()), std::move(factory), std::move(*plan));
}

Result<Endpoint> ServingEngine::listen(const Endpoint& endpoint, ShardNames names,
                                       ServiceFactory factory, ListenPlan plan) {
  for (const auto& shard : shards_) {
    if (shard->started()) return fail(Code::config_invalid, detail_too_late);
  }
  std::vector<std::unique_ptr<Service>> services;
  for (const auto& shard : shards_) services.push_back(factory(*shard));
  const auto sockets = open_sockets(endpoint);
  if (!sockets) return std::unexpected(sockets.error());
  plans_.push_back(std::make_unique<const ListenPlan>(std::move(plan)));
  for (std::size_t place = 0; place < sockets->size(); ++place) {
    ServingShard& shard = *shards_[place % shard_count()];
    if (place < shard_count()) {
      shard.add_listener((*sockets)[place], std::move(names[place]), std::move(services[place]),
                         *plans_.back());
    } else {
      shard.add_socket((*sockets)[place]);
    }
  }
  listening_.push_back(*sockets);
  const auto bound = shards_.front()->ring().bound_address(sockets->front());
  return Endpoint{.host = bound.host(), .port = bound.port()};
}

Result<ServingEngine::Sockets> ServingEngine::open_sockets(const Endpoint& endpoint) {
  if (!endpoint.sockets.empty()) return adopt_sockets(endpoint.sockets);
  const auto address = engine::SocketAddress::parse(endpoint.host, endpoint.port);
  if (!address) return std::unexpected(address.error());
  if (endpoint.port != 0) {
    if (auto free = shards_.front()->ring().check_free(*address); !free) {
      return std::unexpected(free.error());
    }
  }
  return bind_sockets(*address);
}

/// All shards listen or none does. The first one's port is everybody's.
Result<ServingEngine::Sockets> ServingEngine::bind_sockets(engine::SocketAddress address) {
  Sockets bound;
  for (const auto& shard : shards_) {
    const auto socket = shard->ring().listen(address, backlog);
    if (!socket) {
      close(bound);
      return std::unexpected(socket.error());
    }
    bound.push_back(*socket);
    address = shard->ring().bound_address(*socket);
  }
  return bound;
}

/// No shard is without one, and none of them without a shard: its queue would never be emptied.
Result<ServingEngine::Sockets> ServingEngine::adopt_sockets(const std::vector<int>& given) {
  Sockets adopted;
  const std::size_t count = std::max<std::size_t>(given.size(), shard_count());
  for (std::size_t place = 0; place < count; ++place) {
    const auto socket = shards_.front()->ring().adopt_listener(given[place % given.size()]);
    if (!socket) {
      close(adopted);
      return std::unexpected(socket.error());
    }
    adopted.push_back(*socket);
  }
  return adopted;
}

void ServingEngine::close(const Sockets& sockets) noexcept {
  for (const int socket : sockets) shards_.front()->ring().close(socket);
}

Result<std::vector<std::vector<int>>> ServingEngine::duplicate_sockets() {
  std::vector<Sockets> duplicates;
  for (const Sockets& sockets : listening_) {
    auto adopted = adopt_sockets(sockets);
    if (!adopted) {
      for (const Sockets& undone : duplicates) close(undone);
      return std::unexpected(adopted.error());
    }
    duplicates.push_back(std::move(*adopted));
  }
  return duplicates;
}

// ---------------------------------------------------------------------------- running

void ServingEngine::run_shard(ServingShard& shard) noexcept {
  // Every deadline is a timer of the shard's own, and drain() and post() wake it.
  constexpr std::chrono::hours idle_wait{1};
  if (share_.options.pin_threads) (void)engine::pin_to_usable_cpu(shard.shard_index());
  while (!shard.has_ended()) {
    const auto turned = shard.run_turn(idle_wait);
    if (turned) continue;
    shard.report(turned.error());
    const std::lock_guard lock(failure_mutex_);
    if (first_failure_) first_failure_ = std::unexpected(turned.error());
    break;
  }
  // A shard that cannot go on takes the engine with it: half an engine would look healthy.
  if (!shard.has_ended()) drain(std::chrono::milliseconds::zero());
}

Result<> ServingEngine::run() {
  {
    std::vector<std::jthread> threads;
    try {
      for (const auto& shard : shards_) {
        threads.emplace_back([this, &shard] { run_shard(*shard); });
      }
    } catch (const std::system_error& error) {
      drain(std::chrono::milliseconds::zero());
      first_failure_ = fail(Code::ring_no_memory, error.code().value());
    }
  }
  return first_failure_;
}

void ServingEngine::drain(std::chrono::milliseconds grace) noexcept {
  share_.shorten_grace(grace);
  wake_all();
}

void ServingEngine::retire(std::chrono::milliseconds grace) noexcept {
  std::int64_t not_yet = -1;
  const std::int64_t wanted = std::max<std::int64_t>(grace.count(), 0);
  if (share_.retire_grace_ms.compare_exchange_strong(not_yet, wanted)) wake_all();
}

void ServingEngine::wake_all() noexcept {
  for (const auto& shard : shards_) shard->wake();
}

// ---------------------------------------------------------------------------- facts

Metrics ServingEngine::metrics() const noexcept {
  Metrics metrics;
  for (const auto& shard : shards_) shard->add_to(metrics);
  return metrics;
}

std::vector<UpstreamReport> ServingEngine::passthrough_servers() const {
  std::vector<UpstreamReport> all;
  for (const auto& plan : plans_) plan->add_servers(all);
  return all;
}

std::size_t ServingEngine::drain_passthrough(std::string_view server, bool drained) {
  std::size_t routes = 0;
  for (const auto& plan : plans_) routes += plan->drain(server, drained);
  return routes;
}

void ServingEngine::observe(ObserverFactory factory) {
  for (auto& shard : shards_) shard->set_observer(factory(*shard));
}

std::uint64_t ServingEngine::memory_bytes_max() const noexcept {
  return net::memory_bytes_max(share_.options);
}

std::string ServingEngine::describe() const {
  std::string text = "shards: " + std::to_string(shard_count());
  text.append("\nring: ").append(shards_.front()->features().text());
  text.append("\nrecord layer: ").append(share_.records.text());
  const Limits& limits = share_.options.limits;
  text.append("\nhandshakes of a shard: at most ").append(std::to_string(limits.handshakes_max));
  text.append(" at a time, costly steps in a turn: at most ");
  text.append(std::to_string(limits.handshake_steps_max));
  constexpr std::uint64_t mib = 1'024 * 1'024;
  text.append("\nmemory of a shard: at most ").append(std::to_string(memory_bytes_max() / mib + 1));
  return text.append(" MiB");
}

Result<std::string> ServingEngine::try_kernel_records() {
  RecordPolicy policy(RecordLayer::kernel);
  if (auto tried = try_kernel(policy); !tried) return std::unexpected(tried.error());
  return policy.findings();
}

/// What one shard sees holds for all.
Result<> ServingEngine::try_kernel(RecordPolicy& policy) {
  const auto library = shards_.front()->make_tls_library();
  if (!library) return std::unexpected(library.error());
  policy.try_kernel(shards_.front()->ring(), **library);
  return {};
}

} // namespace ringfort::net

namespace ringfort {

Result<std::unique_ptr<Engine>> Engine::create(EngineOptions options) noexcept {
  if (auto checked = net::check(options); !checked) return std::unexpected(checked.error());
  auto engine = std::make_unique<net::ServingEngine>(options);
  if (auto ready = engine->set_up(); !ready) return std::unexpected(ready.error());
  return engine;
}

} // namespace ringfort
