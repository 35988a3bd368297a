#include "net/agent.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "net/peer_text.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

namespace {

bool is_address(const std::string& host) noexcept {
  return engine::SocketAddress::parse(host, 0).has_value();
}

tls::ServerName server_name_of(const Destination& destination) {
  const auto& given = destination.server_name;
  const std::string& proved = given && !given->empty() ? *given : destination.host;
  const bool asks = given ? !given->empty() : !is_address(destination.host);
  // Sessions are a destination's: the name alone may be served by several hosts and ports.
  std::string key = destination.host + ':' + std::to_string(destination.port);
  key.append(" ").append(destination.connect_host).append(":");
  key.append(std::to_string(destination.connect_port)).append(destination.unix_path);
  return {.asked = asks ? proved : "", .proved = proved, .session_key = std::move(key)};
}

tls::ServerName name_of(const Proxy& proxy) {
  return {.asked = is_address(proxy.host) ? "" : proxy.host,
          .proved = proxy.host,
          .session_key = "proxy " + proxy.host + ':' + std::to_string(proxy.port)};
}

/// What the Host field says (RFC 9110 section 7.2).
std::string authority_of(const Destination& destination) {
  std::string authority = host_and_port(destination.host, destination.port);
  const std::uint16_t usual_port = destination.encrypted ? 443 : 80;
  if (destination.port == usual_port) authority.resize(authority.rfind(':'));
  return authority;
}

/// The shard's copy; null of nothing.
Result<std::unique_ptr<tls::ShardClientContext>>
context_for(ServingShard& shard, const std::optional<tls::ClientContext>& context) {
  if (!context) return nullptr;
  const auto library = shard.make_tls_library();
  if (!library) return std::unexpected(library.error());
  return tls::ShardClientContext::create(**library, *context);
}

} // namespace

Pool::Pool(const Destination& to)
    : destination(to), server_name(server_name_of(to)),
      proxy_name(to.proxy ? name_of(*to.proxy) : tls::ServerName{}), authority(authority_of(to)),
      tunnel_target(host_and_port(place_host(to), place_port(to))),
      root("http://" + (to.connect_host.empty() ? authority : tunnel_target)) {}

bool Agent::InOrder::operator()(const Destination& one, const Destination& other) const noexcept {
  const auto parts = [](const Destination& of) {
    return std::tie(of.host, of.port, of.encrypted, of.connect_host, of.connect_port,
                    of.server_name, of.unix_path, of.preface, of.owner);
  };
  const auto proxy = [](const Proxy& of) {
    return std::tie(of.host, of.port, of.encrypted, of.authorization);
  };
  if (parts(one) != parts(other)) return parts(one) < parts(other);
  if (!one.proxy || !other.proxy) return one.proxy.has_value() < other.proxy.has_value();
  return proxy(*one.proxy) < proxy(*other.proxy);
}

Agent::Agent(ServingShard& shard, ClientOptions options, Slots<ClientConnection> connections,
             std::unique_ptr<tls::ShardClientContext> context,
             std::unique_ptr<tls::ShardClientContext> proxy_context)
    : shard_(shard), options_(std::move(options)), epochs_(std::move(context)),
      proxy_context_(std::move(proxy_context)), connections_(std::move(connections)),
      draining_(shard.draining()),
      dispatch_(this, [](void* self) noexcept { static_cast<Agent*>(self)->dispatch(); }),
      dispatch_timer_(this, [](void* self) noexcept { static_cast<Agent*>(self)->dispatch(); }) {}

Agent::~Agent() { shard_.timers().cancel(dispatch_timer_); }

Result<std::unique_ptr<Agent>> Agent::create(ServingShard& shard, ClientOptions options) {
  auto context = context_for(shard, options.tls);
  if (!context) return std::unexpected(context.error());
  auto proxy_context = context_for(shard, options.proxy_tls);
  if (!proxy_context) return std::unexpected(proxy_context.error());
  auto connections = Slots<ClientConnection>::create(options.connections_max);
  if (!connections) return std::unexpected(connections.error());
  return std::make_unique<Agent>(shard, std::move(options), std::move(*connections),
                                 std::move(*context), std::move(*proxy_context));
}

std::unique_ptr<tls::ClientSession> Agent::session_for(const Pool& pool) noexcept {
  if (pool.relays()) return proxy_session_for(pool);
  if (!pool.destination.encrypted) return nullptr;
  return std::make_unique<tls::ClientSession>(*shard_.tls_library(), *epochs_.current().context,
                                              pool.server_name, shard_.unix_seconds());
}

std::unique_ptr<tls::ClientSession> Agent::proxy_session_for(const Pool& pool) noexcept {
  if (!pool.destination.proxy->encrypted) return nullptr;
  return std::make_unique<tls::ClientSession>(*shard_.tls_library(), *proxy_context_,
                                              pool.proxy_name, shard_.unix_seconds());
}

// ---------------------------------------------------------------------------- calls

Call Agent::call(CallWaiter& waiter, const Destination& destination, Request&& request) noexcept {
  CallState* const call = CallState::create(*this, waiter);
  if (call != nullptr) ++counts_.calls;
  const std::optional<Code> refusal = refusal_of(destination);
  if (call == nullptr || refusal) {
    if (auto release = request.body.take_release()) release();
    if (call != nullptr) call->fail({.code = *refusal});
    return Call(call);
  }
  Pool& pool = pool_of(destination);
  mark(pool);
  if (const auto prepared = call->prepare(pool, std::move(request)); !prepared) {
    call->fail(prepared.error());
  } else {
    pool.pending.push_back(*call);
  }
  return Call(call);
}

std::optional<Code> Agent::refusal_of(const Destination& destination) const noexcept {
  if (ended_) return Code::call_ended;
  const bool to_proxy = destination.proxy && destination.proxy->encrypted;
  if ((destination.encrypted && !options_.tls) || (to_proxy && !options_.proxy_tls)) {
    return Code::config_no_client_context;
  }
  constexpr std::size_t preface_bytes_max = 1'024; // It lies in one block.
  if (destination.preface.size() > preface_bytes_max) return Code::config_invalid;
  return {};
}

Pool& Agent::pool_of(const Destination& destination) {
  const auto found = pools_.find(destination);
  if (found != pools_.end()) return found->second;
  return pools_.try_emplace(destination, destination).first->second;
}

void Agent::give_up(CallState& call, const Error& error) noexcept {
  if (call.connection() != nullptr) return call.connection()->fail(error);
  Pool& pool = call.pool();
  if (pool.opening > 0) call.enter(phase_of_opening(pool));
  pool.pending.erase(call);
  mark(pool);
  if (!call.abandoned()) shard_.report(error);
  call.fail(error);
}

/// How far the first connection has come that is being made.
Phase Agent::phase_of_opening(const Pool& pool) const noexcept {
  const auto dial =
      std::ranges::find_if(dials_, [&](const auto& each) { return &each->pool() == &pool; });
  if (dial != dials_.end()) return (*dial)->phase();
  const bool asks = std::ranges::any_of(
      tunnels_, [&](const auto& each) { return each->opening() && &each->pool() == &pool; });
  return asks ? Phase::proxy : Phase::tls;
}

// Nothing of it has reached the server: it goes first.
void Agent::start_anew(CallState& call) noexcept {
  ++counts_.retried;
  call.start_anew();
  call.pool().pending.push_front(call);
  mark(call.pool());
}

// ---------------------------------------------------------------------------- giving out

void Agent::mark(Pool& pool) noexcept {
  if (!std::exchange(pool.marked, true)) marked_.push_back(&pool);
  if (!dispatching_) return shard_.loop().defer(dispatch_);
  // Who calls again as soon as a call has failed must not keep the shard in this batch.
  if (!dispatch_timer_.armed()) shard_.timers().arm(dispatch_timer_, shard_.now());
}

void Agent::dispatch() noexcept {
  shard_.timers().cancel(dispatch_timer_);
  dispatching_ = true;
  if (std::exchange(failing_, false)) fail_all();
  // What a call's coroutine asks for meanwhile is marked for another time.
  serving_.swap(marked_);
  for (Pool* const pool : serving_) {
    pool->marked = false;
    serve(*pool);
    drop_if_empty(*pool);
  }
  serving_.clear();
  dispatching_ = false;
}

void Agent::serve(Pool& pool) noexcept {
  while (!pool.pending.empty()) {
    CallState& call = pool.pending.front();
    ClientConnection* const connection = take_idle(pool, call);
    if (connection == nullptr) break;
    pool.pending.erase(call);
    ++pool.active;
    if (connection->has_served()) ++counts_.reused;
    connection->take(call);
  }
  while (pool.unserved_count() > 0 &&
         pool.connection_count() < options_.connections_per_destination_max && make_room()) {
    open_for(pool);
  }
  bound_unserved(pool);
  bound_idle(pool);
}

/// Part of a record on an idle connection is part of something that nobody asked for.
ClientConnection* Agent::take_idle(Pool& pool, const CallState& call) noexcept {
  const auto serves = [&](const ClientConnection* connection) {
    return !connection->transport().partial() && !(call.is_anew() && connection->has_served());
  };
  auto& idle = pool.idle;
  const auto newest = std::find_if(idle.rbegin(), idle.rend(), serves);
  if (newest == idle.rend()) return nullptr;
  const auto at =
      options_.newest_first ? std::prev(newest.base()) : std::ranges::find_if(idle, serves);
  ClientConnection* const connection = *at;
  idle.erase(at);
  return connection;
}

bool Agent::is_full() const noexcept {
  const std::size_t opening = dials_.size() + opening_tunnel_count();
  return connections_.used() + opening >= options_.connections_max;
}

std::size_t Agent::opening_tunnel_count() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(tunnels_, [](const auto& tunnel) { return tunnel->opening(); }));
}

/// Whether one more connection may be made, if need be in place of one that nobody uses.
bool Agent::make_room() noexcept {
  if (ended_) return false;
  if (!is_full()) return true;
  for (auto& [destination, pool] : pools_) {
    if (pool.idle.empty()) continue;
    pool.idle.front()->retire(); // Its slot is free once it has settled.
    break;
  }
  return false;
}

void Agent::open_for(Pool& pool) noexcept {
  ++pool.opening;
  const DialTimeouts timeouts{options_.resolve_timeout, options_.connect_timeout};
  dials_.push_back(std::make_unique<PoolDial>(shard_, *this, pool, timeouts));
  dials_.back()->start();
}

/// Who finds no connection waits for a time, and no more than so many do.
void Agent::bound_unserved(Pool& pool) noexcept {
  if (pool.unserved_count() == 0) return;
  std::size_t waiting = 0;
  for (const auto& [destination, other] : pools_) waiting += other.unserved_count();
  while (waiting > options_.pending_max && pool.unserved_count() > 0) {
    --waiting;
    give_up(pool.pending.back(), {.code = Code::call_queue_full});
  }
  pool.pending.visit_from(pool.pending.size() - pool.unserved_count(),
                          [this](CallState& call) { call.wait_at_most(options_.pending_timeout); });
}

/// What is left when the calls that waited have theirs.
void Agent::bound_idle(Pool& pool) noexcept {
  const std::size_t idle_max = draining_ ? 0 : options_.idle_per_destination_max;
  while (pool.idle.size() > idle_max) pool.idle.front()->retire();
}

void Agent::mark_waiting() noexcept {
  for (auto& [destination, pool] : pools_) {
    if (pool.unserved_count() > 0) mark(pool);
  }
}

void Agent::drop_if_empty(Pool& pool) noexcept {
  const bool used = pool.marked || pool.opening > 0 || pool.held > 0 || !pool.pending.empty();
  if (used) return;
  pools_.erase(pools_.find(pool.destination));
}

// ---------------------------------------------------------------------------- connections

void Agent::on_connected(Dial& dial, int descriptor,
                         const engine::SocketAddress& address) noexcept {
  Pool& pool = pool_of(dial);
  if (!pool.tunnels()) return connect(pool, descriptor, address, dial.times());
  tunnels_.push_back(std::make_unique<ProxyTunnel>(*this, pool, descriptor, address, dial.times()));
  tunnels_.back()->start();
}

void Agent::on_tunnel(ProxyTunnel& tunnel, int descriptor) noexcept {
  connect(tunnel.pool(), descriptor, tunnel.proxy(), tunnel.times());
}

void Agent::connect(Pool& pool, int descriptor, const engine::SocketAddress& address,
                    const OpeningTimes& times) noexcept {
  ++pool.held;
  connections_.emplace(*this, pool, descriptor, address, times).start();
}

void Agent::release(ProxyTunnel& tunnel) noexcept {
  std::erase_if(tunnels_, [&](const auto& each) { return each.get() == &tunnel; });
  mark_waiting();
}

void Agent::on_failed(Dial& dial, const Error& error) noexcept {
  on_not_opened(pool_of(dial), error, dial.phase(), dial.times());
}

void Agent::release(Dial& dial) noexcept {
  if (!dial.told()) {
    --pool_of(dial).opening;
    mark(pool_of(dial));
  }
  std::erase_if(dials_, [&](const auto& each) { return each.get() == &dial; });
  mark_waiting();
}

void Agent::on_opened(ClientConnection& connection, const tls::ClientSessionFacts* facts) noexcept {
  Pool& pool = connection.pool();
  --pool.opening;
  ++counts_.connections;
  if (facts != nullptr) {
    ++(facts->resumed ? counts_.handshakes_resumed : counts_.handshakes_full);
    if (options_.tls && !options_.tls->options().verifies) ++counts_.unverified;
  }
  keep(connection);
}

/// For a call that waits, or for a later one.
void Agent::keep(ClientConnection& connection) noexcept {
  connection.pool().idle.push_back(&connection);
  mark(connection.pool());
  if (connection.outdated()) connection.retire();
}

/// The oldest call that it was made for fails, unless another connection serves that.
void Agent::on_not_opened(Pool& pool, const Error& error, Phase phase,
                          const OpeningTimes& times) noexcept {
  --pool.opening;
  mark(pool);
  if (pool.pending.size() > pool.opening + pool.idle.size()) fail_oldest(pool, error, phase, times);
}

void Agent::fail_oldest(Pool& pool, const Error& error, Phase phase,
                        const OpeningTimes& times) noexcept {
  if (pool.pending.empty()) return;
  CallState& call = pool.pending.front();
  pool.pending.erase(call);
  shard_.report(error);
  call.enter(phase);
  call.add_times(times);
  call.fail(error);
}

void Agent::on_free(ClientConnection& connection) noexcept {
  --connection.pool().active;
  keep(connection);
  if (is_full()) mark_waiting(); // Another destination may need its place.
}

void Agent::on_leaving(ClientConnection& connection) noexcept {
  Pool& pool = connection.pool();
  mark(pool);
  if (connection.opening()) return;
  if (std::erase(pool.idle, &connection) == 0) --pool.active;
}

void Agent::release(ClientConnection& connection) noexcept {
  --connection.pool().held;
  mark(connection.pool());
  Trust* const trust = connection.trust();
  connections_.erase(connection.id());
  if (trust != nullptr) epochs_.release(*trust);
  mark_waiting();
}

// ---------------------------------------------------------------------------- the end

void Agent::drain() noexcept {
  draining_ = true;
  connections_.for_each([](ClientConnection& connection) { connection.close_after(); });
  for (auto& [destination, pool] : pools_) {
    while (!pool.idle.empty()) pool.idle.back()->retire();
  }
}

void Agent::end() noexcept {
  if (std::exchange(ended_, true)) return;
  drain();
  if (settled() && counts().pending == 0) return;
  failing_ = true;
  shard_.loop().defer(dispatch_);
}

void Agent::leave() noexcept {
  left_ = true;
  end();
}

void Agent::fail_all() noexcept {
  const Error error{.code = Code::call_ended};
  connections_.for_each([&](ClientConnection& connection) { connection.fail(error); });
  for (const auto& dial : dials_) dial->stop();
  for (const auto& tunnel : tunnels_) tunnel->fail(error);
  for (auto& [destination, pool] : pools_) {
    while (!pool.pending.empty()) give_up(pool.pending.front(), error);
  }
}

// ---------------------------------------------------------------------------- whom it believes

Result<> Agent::trust(tls::ClientContext context) {
  auto made = context_for(shard_, context);
  if (!made) return std::unexpected(made.error());
  options_.tls = std::move(context);
  epochs_.begin(std::move(*made));
  connections_.for_each([](ClientConnection& connection) {
    if (connection.outdated()) connection.close_after();
  });
  for (auto& [destination, pool] : pools_) {
    while (destination.encrypted && !pool.idle.empty()) pool.idle.back()->retire();
  }
  return {};
}

// ---------------------------------------------------------------------------- what is told

ClientCounts Agent::counts() const noexcept {
  ClientCounts counts = counts_;
  counts.trust_epoch = epochs_.number();
  counts.outdated = epochs_.outdated_count();
  for (const auto& [destination, pool] : pools_) {
    counts.active += pool.active;
    counts.idle += static_cast<std::uint32_t>(pool.idle.size());
    counts.opening += pool.opening;
    counts.pending += static_cast<std::uint32_t>(pool.pending.size());
  }
  return counts;
}

std::vector<DestinationCounts> Agent::destinations() const {
  std::vector<DestinationCounts> all;
  for (const auto& [destination, pool] : pools_) {
    all.push_back({.destination = destination,
                   .active = pool.active,
                   .idle = static_cast<std::uint32_t>(pool.idle.size()),
                   .opening = pool.opening,
                   .pending = static_cast<std::uint32_t>(pool.pending.size())});
  }
  return all;
}

} // namespace ringfort::net
