// agent — what stands behind a public Client: its connections by destination, and the calls that
// wait for them.
//
// Nothing is decided in the middle of something else: who asks, frees or loses a connection marks
// its pool, and at the end of the batch each marked pool gives its idle connections to its oldest
// calls, and opens connections for the others as far as its bounds allow.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <ringfort/client.hpp>

#include "engine/loop.hpp"
#include "http/authority.hpp"
#include "net/call_state.hpp"
#include "net/client_connection.hpp"
#include "net/dial.hpp"
#include "net/linked_queue.hpp"
#include "net/proxy_tunnel.hpp"
#include "net/slots.hpp"
#include "net/trust.hpp"
#include "tls/client_session.hpp"
#include "tls/shard_client_context.hpp"

namespace ringfort::net {

class ServingShard;

/// What one destination has.
struct Pool {
  explicit Pool(const Destination& to);

  Destination destination;
  tls::ServerName server_name;
  tls::ServerName proxy_name; ///< of the proxy, if there is one
  std::string authority;      ///< of a request that brings none
  std::string tunnel_target;  ///< what a proxy is asked for
  std::string root;           ///< what a proxy is told before a request's target
  std::uint32_t opening = 0;
  std::uint32_t active = 0;
  std::uint32_t held = 0; ///< connections that refer to it, those among them that are ending
  std::vector<ClientConnection*> idle; ///< the longest idle first
  LinkedQueue<CallState> pending;      ///< the oldest first
  bool marked = false;

  std::uint32_t connection_count() const noexcept {
    return opening + active + static_cast<std::uint32_t>(idle.size());
  }
  /// A proxy is asked for a tunnel, or told the whole of each request.
  bool tunnels() const noexcept { return proxied() && destination.encrypted; }
  bool relays() const noexcept { return proxied() && !destination.encrypted; }
  bool proxied() const noexcept { return destination.proxy && destination.unix_path.empty(); }
  /// Calls for which no connection is being made.
  std::size_t unserved_count() const noexcept {
    return pending.size() - std::min<std::size_t>(pending.size(), opening);
  }
};

/// A dial for who waits in a pool.
class PoolDial final : public Dial {
public:
  PoolDial(ServingShard& shard, DialOwner& owner, Pool& to, const DialTimeouts& timeouts) noexcept
      : Dial(shard, owner, to.destination, timeouts), pool_(to) {}

  Pool& pool() const noexcept { return pool_; }

private:
  Pool& pool_;
};

/// Where: one shard, which owns it, so that it outlives its last operation.
class Agent final : public DialOwner {
public:
  /// Errors: as Client::create.
  static Result<std::unique_ptr<Agent>> create(ServingShard& shard, ClientOptions options);
  Agent(ServingShard& shard, ClientOptions options, Slots<ClientConnection> connections,
        std::unique_ptr<tls::ShardClientContext> context,
        std::unique_ptr<tls::ShardClientContext> proxy_context);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  Call call(CallWaiter& waiter, const Destination& destination, Request&& request) noexcept;
  /// As Client::trust.
  Result<> trust(tls::ClientContext context);
  ClientCounts counts() const noexcept;
  std::vector<DestinationCounts> destinations() const;
  /// The drain has begun: idle connections close, and no connection serves a second call.
  void drain() noexcept;
  /// Its client has gone, or the drain's grace is over: calls fail, connections close.
  void end() noexcept;
  /// Its client is destroyed: as end(), and it may be freed once it is settled and no call is left.
  void leave() noexcept;
  /// The kernel has no operation of its left, and nothing is to be given out.
  bool settled() const noexcept {
    return connections_.used() == 0 && dials_.empty() && tunnels_.empty() && marked_.empty() &&
           !failing_;
  }
  bool over() const noexcept { return left_ && calls_alive_ == 0 && settled(); }

  ServingShard& shard() noexcept { return shard_; }
  const ClientOptions& options() const noexcept { return options_; }

  // For calls.
  http::AuthorityCheck& authorities() noexcept { return authorities_; }
  void count_call(int change) noexcept { calls_alive_ += static_cast<unsigned>(change); }
  /// A call that waits, or runs, ends with that error.
  void give_up(CallState& call, const Error& error) noexcept;

  // For dials and tunnels.
  void on_connected(Dial& dial, int descriptor,
                    const engine::SocketAddress& address) noexcept override;
  void on_failed(Dial& dial, const Error& error) noexcept override;
  void release(Dial& dial) noexcept override;
  /// What `descriptor` is connected to is the destination, as far as bytes tell.
  void on_tunnel(ProxyTunnel& tunnel, int descriptor) noexcept;
  void release(ProxyTunnel& tunnel) noexcept;
  /// Null for a proxy in clear text.
  std::unique_ptr<tls::ClientSession> proxy_session_for(const Pool& pool) noexcept;

  // For connections.
  /// With whom a connection shakes hands first; null where it does not.
  std::unique_ptr<tls::ClientSession> session_for(const Pool& pool) noexcept;
  TrustEpochs& epochs() noexcept { return epochs_; }
  void on_opened(ClientConnection& connection, const tls::ClientSessionFacts* facts) noexcept;
  void on_not_opened(Pool& pool, const Error& error, Phase phase,
                     const OpeningTimes& times) noexcept;
  void fail_oldest(Pool& pool, const Error& error, Phase phase, const OpeningTimes& times) noexcept;
  void on_free(ClientConnection& connection) noexcept;
  void on_leaving(ClientConnection& connection) noexcept;
  void start_anew(CallState& call) noexcept;
  void count_retired() noexcept { ++counts_.retired; }
  void release(ClientConnection& connection) noexcept;

private:
  struct InOrder {
    bool operator()(const Destination& one, const Destination& other) const noexcept;
  };

  std::optional<Code> refusal_of(const Destination& destination) const noexcept;
  Pool& pool_of(const Destination& destination);
  static Pool& pool_of(const Dial& dial) noexcept {
    return static_cast<const PoolDial&>(dial).pool();
  }
  void mark(Pool& pool) noexcept;
  void dispatch() noexcept;
  void serve(Pool& pool) noexcept;
  ClientConnection* take_idle(Pool& pool, const CallState& call) noexcept;
  void connect(Pool& pool, int descriptor, const engine::SocketAddress& address,
               const OpeningTimes& times) noexcept;
  bool is_full() const noexcept;
  void keep(ClientConnection& connection) noexcept;
  void open_for(Pool& pool) noexcept;
  void bound_unserved(Pool& pool) noexcept;
  void bound_idle(Pool& pool) noexcept;
  bool make_room() noexcept;
  std::size_t opening_tunnel_count() const noexcept;
  Phase phase_of_opening(const Pool& pool) const noexcept;
  void mark_waiting() noexcept;
  void drop_if_empty(Pool& pool) noexcept;
  void fail_all() noexcept;

  ServingShard& shard_;
  ClientOptions options_;
  TrustEpochs epochs_;
  std::unique_ptr<tls::ShardClientContext> proxy_context_; ///< null: no proxy is encrypted
  Slots<ClientConnection> connections_;
  std::vector<std::unique_ptr<PoolDial>> dials_;
  std::vector<std::unique_ptr<ProxyTunnel>> tunnels_;
  std::map<Destination, Pool, InOrder> pools_;
  std::vector<Pool*> marked_;
  std::vector<Pool*> serving_; ///< what was marked when this dispatch began
  ClientCounts counts_;
  http::AuthorityCheck authorities_;
  bool draining_ = false;
  bool ended_ = false;
  bool left_ = false;
  bool dispatching_ = false;
  unsigned calls_alive_ = 0; ///< CallStates, whether they are over or not
  bool failing_ = false;     ///< at the end of the batch all calls fail
  engine::Deferred dispatch_;
  engine::Timer dispatch_timer_;
};

} // namespace ringfort::net
