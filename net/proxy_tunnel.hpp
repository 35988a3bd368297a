// proxy_tunnel — the way to a server through a proxy (CONNECT, RFC 9110 section 9.3.6), until its
// connection can begin to shake hands with the server itself.
//
//   handshake  with the proxy, where that is encrypted
//   asking     for the tunnel
//   relaying   an encrypted proxy's records hold the server's: they are opened and made here, and
//              the connection has the other end of a pair of sockets. A plain proxy's socket
//              becomes the connection's own
//   stopping   every operation is cancelled, or there is none
#pragma once

#include <memory>
#include <optional>

#include <ringfort/client.hpp>

#include "engine/blocks.hpp"
#include "engine/loop.hpp"
#include "http/parser.hpp"
#include "net/client_connection.hpp"
#include "net/relay.hpp"
#include "net/transport.hpp"

namespace ringfort::net {

class Agent;
struct Pool;

/// Where: one shard. Immovable: operations refer to it until it has settled.
class ProxyTunnel final : public StreamOwner {
public:
  ProxyTunnel(Agent& agent, Pool& pool, int descriptor, const engine::SocketAddress& proxy,
              const OpeningTimes& times) noexcept;
  ProxyTunnel(const ProxyTunnel&) = delete;
  ProxyTunnel& operator=(const ProxyTunnel&) = delete;
  ~ProxyTunnel();

  void start() noexcept;
  /// Its connection is given up before there is one. While opening(); Agent::release() follows,
  /// never from inside this call.
  void fail(const Error& error) noexcept;

  bool opening() const noexcept { return state_ <= State::asking; }
  Pool& pool() noexcept { return pool_; } ///< while opening()
  const engine::SocketAddress& proxy() const noexcept { return proxy_; }
  const OpeningTimes& times() const noexcept { return times_; }

  void on_received() noexcept override { pump(); }
  void on_sent() noexcept override;
  bool waits_for_sent() const noexcept override;
  void on_installed(engine::Completion) noexcept override {}
  void on_broken(int error_number) noexcept override;
  void on_settled() noexcept override;

private:
  enum class State : std::uint8_t { handshake, asking, relaying, stopping };

  /// The question, whose answer lies in a block.
  struct Question {
    Question(engine::Block place, http::AuthorityCheck& authorities) noexcept;

    engine::Block block;
    Arena arena;
    http::Parser parser;
    std::uint32_t interim_answers = 0;
  };

  /// Our end of the pair.
  struct Near final : StreamOwner {
    Near(ProxyTunnel& owner, StreamHome& home, int descriptor) noexcept
        : tunnel(owner), transport(home, descriptor, *this, nullptr, nullptr) {}

    void on_received() noexcept override { tunnel.pump(); }
    void on_sent() noexcept override { tunnel.pump(); }
    bool waits_for_sent() const noexcept override { return tunnel.relay_->waits_for_sent(); }
    void on_installed(engine::Completion) noexcept override {}
    void on_broken(int) noexcept override { tunnel.stop(true); }
    void on_settled() noexcept override { tunnel.on_settled(); }

    ProxyTunnel& tunnel;
    Transport transport;
  };

  void pump() noexcept;
  void shake_hands() noexcept;
  Result<> ask() noexcept;
  void read_answer() noexcept;
  /// True once the answer has come, and is a good one.
  Result<bool> take_answer(MutableBytes plaintext) noexcept;
  void open() noexcept;
  void open_relay() noexcept;
  void relay() noexcept;
  void stop(bool reset) noexcept;
  void on_timer() noexcept;

  Agent& agent_;
  Pool& pool_;
  engine::SocketAddress proxy_;
  OpeningTimes times_;
  std::chrono::nanoseconds since_;
  State state_ = State::handshake;
  bool pumping_ = false;
  unsigned unsettled_ = 1; ///< transports
  Transport far_;
  std::optional<Question> question_;
  std::optional<Near> near_;
  std::optional<Relay> relay_;
  engine::Timer timer_;
  engine::Deferred released_;
};

} // namespace ringfort::net
