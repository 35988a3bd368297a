#include "net/serving_shard.hpp"

#include <algorithm>

#include "net/options.hpp"

namespace ringfort::net {

Result<std::unique_ptr<ServingShard>> ServingShard::create(unsigned index,
                                                           EngineShare& share) noexcept {
  auto loop = engine::Loop::create(loop_options(share.options));
  if (!loop) return std::unexpected(loop.error());
  auto connections = Slots<ServerConnection>::create(share.options.limits.connections_max);
  if (!connections) return std::unexpected(connections.error());
  auto blocks = engine::Blocks::create(exchange_block_count(share.options),
                                       exchange_block_bytes(share.options.limits));
  if (!blocks) return std::unexpected(blocks.error());
  return std::make_unique<ServingShard>(index, share, std::move(*loop), std::move(*connections),
                                        std::move(*blocks));
}

ServingShard::ServingShard(unsigned index, EngineShare& share, std::unique_ptr<engine::Loop> loop,
                           Slots<ServerConnection> connections, engine::Blocks exchange_blocks)
    : index_(index), share_(share), loop_(std::move(loop)),
      held_buffers_(loop_->receive_buffers().count()),
      stream_home_{
          *loop_, held_buffers_, share.options.limits.receive_credit_bytes, share.records, {}, {}},
      exchange_blocks_(std::move(exchange_blocks)),
      pipes_(loop_->ring(), share_.options.pipe_count),
      handshakes_(share.options.limits.handshakes_max, share.options.limits.handshake_steps_max),
      connections_(std::move(connections)),
      peers_(share.options.limits.connections_per_peer_max, share.options.limits.connections_max,
             static_cast<std::uint64_t>(loop_->ring().now().count())),
      accept_rate_(share.options.limits.accepts_per_s_max), scratch_(scratch_bytes),
      retire_timer_(
          this, [](void* self) noexcept { static_cast<ServingShard*>(self)->end_retirement(); }),
      drain_timer_(this, [](void* self) noexcept { static_cast<ServingShard*>(self)->cut_all(); }) {
}

ServingShard::~ServingShard() {
  loop_->timers().cancel(retire_timer_);
  loop_->timers().cancel(drain_timer_);
}

Result<const tls::Library*> ServingShard::make_tls_library() {
  if (tls_library_ == nullptr) {
    auto library = tls::Library::create();
    if (!library) return std::unexpected(library.error());
    tls_library_ = std::move(*library);
  }
  return tls_library_.get();
}

Result<std::unique_ptr<tls::ShardNames>> ServingShard::make_names(const tls::LiveNames& names) {
  const auto library = make_tls_library();
  if (!library) return std::unexpected(library.error());
  return tls::ShardNames::create(**library, names);
}

void ServingShard::add_listener(int socket, std::unique_ptr<tls::ShardNames> names,
                                std::unique_ptr<Service> service, const ListenPlan& plan) {
  listeners_.push_back(
      std::make_unique<Listener>(*this, socket, std::move(names), std::move(service), plan));
}

void ServingShard::add_socket(int socket) {
  listeners_.push_back(std::make_unique<Listener>(*this, socket, listeners_.back()->role()));
}

// ---------------------------------------------------------------------------- other servers

Result<Agent*> ServingShard::make_agent(ClientOptions options) {
  auto agent = Agent::create(*this, std::move(options));
  if (!agent) return std::unexpected(agent.error());
  return agents_.emplace_back(std::move(*agent)).get();
}

Result<Resolver*> ServingShard::resolver() noexcept {
  if (resolver_ == nullptr) {
    auto made = Resolver::create(*loop_, share_.options.name_servers);
    if (!made) return std::unexpected(made.error());
    resolver_ = std::move(*made);
  }
  return resolver_.get();
}

/// Those whose client is gone, and with it the last operation.
void ServingShard::sweep_agents() noexcept {
  std::erase_if(agents_, [](const auto& agent) { return agent->over(); });
}

bool ServingShard::run_errand(ErrandState::Work work) noexcept {
  if (draining_ || has_ended()) return false;
  ErrandState* const errand = ErrandState::create(*this, std::move(work));
  if (errand == nullptr) return false;
  errands_.push_back(errand);
  errand->start();
  return true;
}

void ServingShard::end_errand(ErrandState& errand) noexcept {
  std::erase(errands_, &errand);
  ErrandState::destroy(errand);
}

http::ParserLimits ServingShard::parser_limits() const noexcept {
  return {.head_bytes_max = limits().header_bytes_max,
          .target_bytes_max = limits().target_bytes_max,
          .fields_max = limits().fields_max,
          .trailer_bytes_max = limits().trailer_bytes_max,
          .chunk_extension_bytes_max = limits().chunk_extension_bytes_max};
}

// ---------------------------------------------------------------------------- the turn

Result<unsigned> ServingShard::run_turn(std::chrono::nanoseconds wait) noexcept {
  if (has_ended()) return 0U;
  if (!started_) {
    // The first turn makes this thread the ring's own; only then may anything be armed.
    started_ = true;
    if (auto first = loop_->turn(std::chrono::nanoseconds::zero()); !first) return first;
    for (const auto& listener : listeners_) listener->start();
  }
  look_at_drain();
  const bool busy = has_ended() || handshakes_.runnable();
  auto count = loop_->turn(busy ? std::chrono::nanoseconds::zero() : wait);
  if (!count) return count;
  if (auto ran = run_handshakes(); !ran) return std::unexpected(ran.error());
  sweep_agents();
  look_at_drain();
  return count;
}

// Answers do not wait for what the steps take: they go to the kernel before.
Result<> ServingShard::run_handshakes() noexcept {
  if (!handshakes_.waiting()) return {};
  if (handshakes_.runnable()) {
    if (auto submitted = loop_->submit(); !submitted) return submitted;
  }
  handshakes_.run();
  return {};
}

bool ServingShard::post_job(std::move_only_function<void()> job) noexcept {
  return loop_->post(std::move(job));
}

bool ServingShard::settle() noexcept {
  constexpr unsigned turns_max = 1'000;
  if (!started_ && errands_.empty() && agents_.empty()) {
    for (const auto& listener : listeners_) listener->stop();
    return true;
  }
  share_.shorten_grace(std::chrono::milliseconds::zero());
  for (unsigned turn = 0; turn < turns_max && !has_ended(); ++turn) {
    if (!run_turn(std::chrono::milliseconds(10))) break;
  }
  return holds_nothing();
}

/// Whether the kernel has no operation of this shard's left, so that it can be freed.
bool ServingShard::holds_nothing() const noexcept {
  const bool calls =
      std::ranges::any_of(agents_, [](const auto& agent) { return !agent->settled(); });
  return connections_.used() == 0 && errands_.empty() && !calls &&
         (resolver_ == nullptr || resolver_->settled()) && accepts_nobody();
}

bool ServingShard::accepts_nobody() const noexcept {
  return std::ranges::all_of(listeners_, [](const auto& listener) { return listener->stopped(); });
}

// ---------------------------------------------------------------------------- the drain

void EngineShare::shorten_grace(std::chrono::milliseconds grace) noexcept {
  const std::int64_t wanted = std::max<std::int64_t>(grace.count(), 0);
  std::int64_t current = drain_grace_ms.load(std::memory_order_relaxed);
  while (current < 0 || wanted < current) {
    if (drain_grace_ms.compare_exchange_weak(current, wanted)) return;
  }
}

void ServingShard::look_at_drain() noexcept {
  look_at_retirement();
  const std::int64_t grace_ms = share_.drain_grace_ms.load(std::memory_order_acquire);
  if (grace_ms != drain_grace_ms_) {
    drain_grace_ms_ = grace_ms;
    begin_drain(std::chrono::milliseconds(grace_ms));
  }
  end_when_drained();
}

void ServingShard::look_at_retirement() noexcept {
  if (draining_ || share_.retire_grace_ms.load(std::memory_order_acquire) < 0) return;
  if (!retiring_) begin_retirement();
  if (accepts_nobody() && connections_.used() == 0) end_retirement();
}

std::chrono::milliseconds ServingShard::retire_grace() const noexcept {
  return std::chrono::milliseconds(share_.retire_grace_ms.load(std::memory_order_acquire));
}

void ServingShard::begin_retirement() noexcept {
  retiring_ = true;
  for (const auto& listener : listeners_) listener->hand_on();
  loop_->timers().arm(retire_timer_, now() + retire_grace());
}

void ServingShard::end_retirement() noexcept { begin_drain(retire_grace()); }

void ServingShard::begin_drain(std::chrono::milliseconds grace) noexcept {
  drain_ends_at_ = now() + grace;
  if (!draining_) {
    draining_ = true;
    loop_->timers().cancel(retire_timer_);
    for (const auto& listener : listeners_) listener->stop();
    for (const auto& agent : agents_) agent->drain();
  }
  if (grace == grace.zero()) return cut_all();
  connections_.for_each([](ServerConnection& connection) { connection.drain(); });
  loop_->timers().cancel(drain_timer_);
  loop_->timers().arm(drain_timer_, now() + grace);
}

void ServingShard::cut_all() noexcept {
  connections_.for_each([](ServerConnection& connection) { connection.cut_by_drain(); });
  for (const auto& agent : agents_) agent->end();
  const std::vector<ErrandState*> errands = errands_;
  for (ErrandState* const errand : errands) errand->cut();
}

void ServingShard::end_when_drained() noexcept {
  if (!draining_ || has_ended()) return;
  const bool serves = connections_.used() > 0 || !errands_.empty();
  if (!serves && resolver_ != nullptr) resolver_->stop();
  if (!holds_nothing()) return;
  loop_->timers().cancel(drain_timer_);
  loop_->close_posts();
  ended_.store(true, std::memory_order_release);
}

// ---------------------------------------------------------------------------- connections

void ServingShard::admit(const ServerRole& role, int descriptor) noexcept {
  // Asked for at once: a peer that is gone has no address any more.
  const engine::SocketAddress peer = ring().peer_address(descriptor);
  const auto refuse = [&](Code code) {
    report({.code = code}, peer);
    ring().reset(descriptor);
  };
  if (draining_) return refuse(Code::drain_refused);
  if (connections_.full()) return refuse(Code::accept_connections_full);
  // Whom a proxy speaks for counts, once it has said so.
  if (!role.plan.expects_header_from(peer)) {
    if (role.plan.refuses_others()) return refuse(Code::proxy_header_untrusted);
    if (!count_peer(peer)) return refuse(Code::accept_peer_full);
  }
  pace_accepts(); // Who is refused does not use up what the others may have.
  ++accepted_;
  ++open_;
  connections_.emplace(*this, role, descriptor, peer).start();
}

void ServingShard::pace_accepts() noexcept {
  accept_rate_.count(now());
  const auto wait = accept_rate_.wait(now());
  if (wait == wait.zero() || pausing_until_ > now()) return;
  report({.code = Code::accept_rate_exceeded});
  pausing_until_ = now() + wait;
  for (const auto& listener : listeners_) listener->pause(wait);
}

void ServingShard::release(ServerConnection& connection) noexcept {
  if (connection.counted()) peers_.leave(connection.peer().network());
  connections_.erase(connection.id());
  --open_;
  for (const auto& listener : listeners_) listener->on_descriptor_freed();
}

void ServingShard::take_choice(std::uint64_t connection, tls::NameChoice choice) noexcept {
  ServerConnection* const asking = connections_.find(connection);
  if (asking != nullptr) asking->take_choice(std::move(choice));
}

void ServingShard::wake_exchange(std::uint64_t connection, std::uint32_t request) noexcept {
  ServerConnection* const waiting = connections_.find(connection);
  if (waiting != nullptr) waiting->wake_exchange(request);
}

void ServingShard::report(Error error, const engine::SocketAddress& peer) noexcept {
  error.shard = static_cast<std::uint16_t>(index_);
  ++faults_[static_cast<std::size_t>(error.code)];
  if (!share_.error_sink) return;
  engine::SocketAddress::Text text;
  share_.error_sink({.error = error, .peer = peer.write_text(text)});
}

// ---------------------------------------------------------------------------- what it does

std::uint32_t ServingShard::look_at(std::uint32_t from, std::vector<ConnectionReport>& out) {
  constexpr std::uint32_t slots_at_a_time = 256;
  return connections_.for_some(from, slots_at_a_time, [&out](const ServerConnection& connection) {
    out.push_back(connection.look());
  });
}

void ServingShard::add_to(Metrics& metrics) const noexcept {
  const engine::RingCounters& ring = loop_->ring().counters();
  metrics.connections_accepted += accepted_;
  metrics.connections_open += open_;
  metrics.handshakes_full += full_;
  metrics.handshakes_resumed += resumed_;
  metrics.tickets_refused += tickets_refused_;
  metrics.handshakes_open += handshakes_.begun_count();
  metrics.handshakes_waiting += handshakes_.waiting_count();
  metrics.handshakes_waiting_peak =
      std::max(metrics.handshakes_waiting_peak, handshakes_.waiting_peak());
  metrics.handshake_steps += handshakes_.step_count();
  metrics.handshake_steps_deferred += handshakes_.deferred_count();
  metrics.passthroughs += passthroughs_;
  metrics.passthroughs_open += passthroughs_open_;
  metrics.passthroughs_spliced += passthroughs_spliced_;
  metrics.requests += requests_;
  metrics.responses += responses_;
  metrics.received_bytes += stream_home_.counters.received_bytes;
  metrics.sent_bytes += stream_home_.counters.sent_bytes;
  metrics.ring_enters += ring.enters;
  metrics.ring_submissions += ring.submissions;
  metrics.ring_sends += ring.sends;
  metrics.ring_receives += ring.receives;
  metrics.buffers_starved += loop_->receive_buffers().starved_count();
  const RecordCounters& records = stream_home_.record_counters;
  metrics.records_kernel_send += records.kernel_send;
  metrics.records_kernel_receive += records.kernel_receive;
  metrics.records_user_send += records.user_send;
  metrics.records_user_receive += records.user_receive;
  metrics.records_refused += records.refused;
  metrics.records_by_ring += records.by_ring;
  metrics.records_by_calls += records.by_calls;
  metrics.records_rested += records.rested;
  metrics.blocks_in_use += loop_->blocks().in_use_count() + exchange_blocks_.in_use_count();
  metrics.pipes_in_use += pipes_.in_use_count();
  metrics.receive_buffers_held += loop_->receive_buffers().held_count();
  for (std::size_t code = 0; code < fault_count; ++code) metrics.faults[code] += faults_[code];
}

} // namespace ringfort::net

// ---------------------------------------------------------------------------- public surface

namespace ringfort {

namespace {

net::ServingShard& serving(Shard& shard) noexcept { return static_cast<net::ServingShard&>(shard); }

const net::ServingShard& serving(const Shard& shard) noexcept {
  return static_cast<const net::ServingShard&>(shard);
}

} // namespace

unsigned Shard::index() const noexcept { return serving(*this).shard_index(); }
bool Shard::ended() const noexcept { return serving(*this).has_ended(); }
bool Shard::post(std::move_only_function<void()> job) noexcept {
  return serving(*this).post_job(std::move(job));
}
std::uint32_t Shard::look(std::uint32_t from, std::vector<ConnectionReport>& out) {
  return serving(*this).look_at(from, out);
}
bool Shard::run(std::move_only_function<Task<>(Errand&)> work) noexcept {
  return serving(*this).run_errand(std::move(work));
}
Result<unsigned> Shard::turn(std::chrono::nanoseconds wait) noexcept {
  return serving(*this).run_turn(wait);
}

} // namespace ringfort
