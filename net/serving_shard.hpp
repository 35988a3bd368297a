// serving_shard — one core's share of an engine: its loop, its listeners, its connections.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include <ringfort/engine.hpp>

#include "engine/loop.hpp"
#include "http/date.hpp"
#include "http/serializer.hpp"
#include "http/parser.hpp"
#include "net/accept_rate.hpp"
#include "net/agent.hpp"
#include "net/errand_state.hpp"
#include "net/handshakes.hpp"
#include "net/listener.hpp"
#include "net/peer_counts.hpp"
#include "net/resolver.hpp"
#include "net/server_connection.hpp"
#include "net/slots.hpp"
#include "net/stream.hpp"

namespace ringfort::net {

/// What the shards of one engine share: options that never change, and the drain that any thread or
/// signal handler may ask for.
struct EngineShare {
  EngineOptions options;
  RecordPolicy records{RecordLayer::automatic}; ///< settled before anything listens
  ErrorSink error_sink;
  std::atomic<std::int64_t> drain_grace_ms{-1};  ///< -1: not draining
  std::atomic<std::int64_t> retire_grace_ms{-1}; ///< -1: not retiring

  /// Starts the drain, or shortens its grace. Where: any thread; async-signal-safe.
  void shorten_grace(std::chrono::milliseconds grace) noexcept;
};

/// Where: its own thread, except post(), metrics and wake().
class ServingShard final : public Shard {
public:
  /// Errors: ring.*.
  static Result<std::unique_ptr<ServingShard>> create(unsigned index, EngineShare& share) noexcept;
  ServingShard(unsigned index, EngineShare& share, std::unique_ptr<engine::Loop> loop,
               Slots<ServerConnection> connections, engine::Blocks exchange_blocks);
  ~ServingShard();

  /// The shard's own OpenSSL, made when it is first asked for. Errors: tls_context.no_memory.
  Result<const tls::Library*> make_tls_library();
  /// The shard's own working set of the names. Errors: as tls::Context::create.
  Result<std::unique_ptr<tls::ShardNames>> make_names(const tls::LiveNames& names);
  /// Takes over a listening socket. Before the first turn, as add_socket(). Borrow: `plan` for the
  /// shard's life.
  void add_listener(int socket, std::unique_ptr<tls::ShardNames> names,
                    std::unique_ptr<Service> service, const ListenPlan& plan);
  /// Takes over one more for what the last add_listener() brought.
  void add_socket(int socket);

  /// A client's connections. Errors: as Client::create.
  Result<Agent*> make_agent(ClientOptions options);
  bool run_errand(ErrandState::Work work) noexcept;

  unsigned shard_index() const noexcept { return index_; }
  bool post_job(std::move_only_function<void()> job) noexcept;
  Result<unsigned> run_turn(std::chrono::nanoseconds wait) noexcept;
  bool started() const noexcept { return started_; }
  /// Cuts everything and turns until nothing is left. False when the kernel still holds operations:
  /// the shard may then never be destroyed. Where: the thread that turned it.
  bool settle() noexcept;
  bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  void wake() noexcept { loop_->wake(); }
  void add_to(Metrics& metrics) const noexcept;
  std::uint32_t look_at(std::uint32_t from, std::vector<ConnectionReport>& out);
  const engine::KernelFeatures& features() const noexcept { return loop_->ring().features(); }
  engine::Ring& ring() noexcept { return loop_->ring(); }

  // For connections and listeners.
  StreamHome& stream_home() noexcept { return stream_home_; }
  engine::Blocks& exchange_blocks() noexcept { return exchange_blocks_; }
  engine::ReceiveBuffers& receive_buffers() noexcept { return loop_->receive_buffers(); }
  Handshakes& handshakes() noexcept { return handshakes_; }
  engine::TimerWheel& timers() noexcept { return loop_->timers(); }
  engine::Loop& loop() noexcept { return *loop_; }
  std::chrono::nanoseconds now() const noexcept { return loop_->now(); }
  std::int64_t unix_seconds() const noexcept { return loop_->unix_seconds(); }
  /// Space to write a request's head into before it is kept. Borrow: until the next use.
  MutableBytes scratch() noexcept { return scratch_; }
  engine::Pipes& pipes() noexcept { return pipes_; }
  http::HeadWriter& heads() noexcept { return heads_; }
  http::AuthorityCheck& authorities() noexcept { return authorities_; }
  http::KnownHeads& known_heads() noexcept { return known_heads_; }
  const Limits& limits() const noexcept { return share_.options.limits; }
  http::ParserLimits parser_limits() const noexcept;
  /// Null without one.
  Observer* observer() const noexcept { return observer_.get(); }
  void set_observer(std::unique_ptr<Observer> observer) { observer_ = std::move(observer); }
  /// Made when it is first asked for. Errors: as Resolver::create.
  Result<Resolver*> resolver() noexcept;
  const tls::Library* tls_library() const noexcept { return tls_library_.get(); }
  /// No connection is to be kept: each answer is its connection's last.
  bool parting() const noexcept { return draining_ || retiring_; }
  bool draining() const noexcept { return draining_; }
  /// In a drain: until when a connection stays that comes to rest now. Who is cut at the drain's
  /// end cannot be ended in order, so that is half of what is left of it at most.
  std::chrono::nanoseconds rest_until() const noexcept {
    return now() + std::min<std::chrono::nanoseconds>(limits().drain_idle_timeout,
                                                      (drain_ends_at_ - now()) / 2);
  }

  /// A new connection would not be refused for the shard's sake.
  bool admits() const noexcept { return !draining_ && !connections_.full(); }
  /// A new connection on `descriptor`, or a refusal when the shard is full.
  void admit(const ServerRole& role, int descriptor) noexcept;
  void release(ServerConnection& connection) noexcept;
  /// It has come to its end.
  void end_errand(ErrandState& errand) noexcept;
  /// A chooser's late decision, for a connection that may be gone.
  void take_choice(std::uint64_t connection, tls::NameChoice choice) noexcept;
  /// A waker's call, for a handler that may be gone.
  void wake_exchange(std::uint64_t connection, std::uint32_t request) noexcept;
  /// Counts a failure and hands it to the engine's sink. `peer` is empty where there is none.
  void report(Error error, const engine::SocketAddress& peer = {}) noexcept;
  void count_handshake(const tls::SessionFacts& facts) noexcept {
    ++(facts.resumed ? resumed_ : full_);
    if (facts.ticket_refused) ++tickets_refused_;
  }
  /// False: it has as many connections as it may.
  bool count_peer(const engine::SocketAddress& peer) noexcept {
    return peers_.enter(peer.network());
  }
  void count_passthrough_begun() noexcept {
    ++passthroughs_;
    ++passthroughs_open_;
  }
  void count_passthrough_spliced() noexcept { ++passthroughs_spliced_; }
  void count_passthrough_ended() noexcept { --passthroughs_open_; }
  void count_request() noexcept { ++requests_; }
  void count_response() noexcept { ++responses_; }

private:
  Result<> run_handshakes() noexcept;
  void pace_accepts() noexcept;
  void begin_drain(std::chrono::milliseconds grace) noexcept;
  void begin_retirement() noexcept;
  void look_at_retirement() noexcept;
  void end_retirement() noexcept;
  std::chrono::milliseconds retire_grace() const noexcept;
  bool accepts_nobody() const noexcept;
  void look_at_drain() noexcept;
  void cut_all() noexcept;
  void end_when_drained() noexcept;
  void sweep_agents() noexcept;
  bool holds_nothing() const noexcept;

  /// Of a head: as long as any that is received, and what a hop says besides.
  static constexpr std::size_t scratch_bytes = 16'384 + 4'096;

  unsigned index_;
  EngineShare& share_;
  std::unique_ptr<engine::Loop> loop_;
  std::vector<HeldBuffer> held_buffers_;
  StreamHome stream_home_;
  engine::Blocks exchange_blocks_;
  engine::Pipes pipes_;
  std::unique_ptr<tls::Library> tls_library_; ///< null while nothing speaks TLS
  Handshakes handshakes_;
  Slots<ServerConnection> connections_;
  PeerCounts peers_;
  AcceptRate accept_rate_;
  std::chrono::nanoseconds pausing_until_{0};  ///< listeners pause
  std::unique_ptr<Resolver> resolver_;         ///< null while no name was asked for
  std::vector<std::unique_ptr<Agent>> agents_; ///< services hold on to their clients
  std::vector<ErrandState*> errands_;          ///< each in a block of its own
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<Observer> observer_;
  std::vector<std::byte> scratch_;
  http::HeadWriter heads_{scratch_bytes};
  http::AuthorityCheck authorities_;
  http::KnownHeads known_heads_;

  bool started_ = false;
  bool retiring_ : 1 = false; // These two are one test.
  bool draining_ : 1 = false;
  std::atomic<bool> ended_{false};
  std::int64_t drain_grace_ms_ = -1;
  std::chrono::nanoseconds drain_ends_at_{0};
  engine::Timer retire_timer_;
  engine::Timer drain_timer_;

  engine::Counter accepted_;
  engine::Counter open_;
  engine::Counter full_;
  engine::Counter resumed_;
  engine::Counter tickets_refused_;
  engine::Counter passthroughs_;
  engine::Counter passthroughs_open_;
  engine::Counter passthroughs_spliced_;
  engine::Counter requests_;
  engine::Counter responses_;
  std::array<engine::Counter, fault_count> faults_;
};

} // namespace ringfort::net
