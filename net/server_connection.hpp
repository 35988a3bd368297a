// server_connection — one accepted connection from accept to the last byte: it moves plaintext from
// the transport through the parser into exchanges, one at a time, and ends in order.
//
//   open      requests are read and answered
//   ending    nothing more is read; what is queued goes out, then close_notify and FIN
//   lingering our FIN is out; the peer's is awaited, briefly, so that our last bytes are not lost
//             to a reset
//   stopping  every operation is cancelled; the slot is free after the last completion
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <ringfort/connection_report.hpp>
#include <ringfort/engine.hpp>
#include <ringfort/service.hpp>

#include "engine/blocks.hpp"
#include "net/connection_deadlines.hpp"
#include "net/context_choice.hpp"
#include "net/exchange_state.hpp"
#include "net/handshakes.hpp"
#include "net/listen_plan.hpp"
#include "net/minimum_rate.hpp"
#include "net/passthrough.hpp"
#include "net/peer_text.hpp"
#include "net/proxy_header.hpp"
#include "net/transport.hpp"

namespace ringfort::net {

class ServingShard;

/// What connections accepted by one listener share.
struct ServerRole {
  tls::ShardNames* names; ///< null for clear text
  Service& service;
  const ListenPlan& plan;
  PassthroughRoutes* routes; ///< null when everything is answered here
};

/// Where: one shard. Immovable: it lives in a slot while the kernel may know its operations.
class ServerConnection final : public StreamOwner {
public:
  ServerConnection(std::uint64_t id, ServingShard& shard, const ServerRole& role, int descriptor,
                   const engine::SocketAddress& peer) noexcept;
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  void start() noexcept;
  /// The engine drains, or does so sooner: ends soon when idle, else after the next answer.
  void drain() noexcept;
  /// A chooser has decided on this connection's hello. Too late, or a second time: nothing happens.
  void take_choice(tls::NameChoice choice) noexcept;
  /// The drain's grace is over.
  void cut_by_drain() noexcept;

  /// Somebody wakes the handler of a request, which may be over.
  void wake_exchange(std::uint32_t request) noexcept;

  std::uint64_t id() const noexcept { return id_; }
  std::uint32_t request_number() const noexcept { return requests_; }
  /// Whom a proxy speaks for, once it has said so; else the other end.
  const engine::SocketAddress& peer() const noexcept { return peer_; }
  /// It counts among the connections of its peer.
  bool counted() const noexcept { return counted_; }
  Transport& transport() noexcept { return transport_; }
  /// The facts of this hop. Borrow: `arena` holds the texts.
  ConnectionFacts facts(Arena& arena) noexcept;
  ConnectionReport look() const;
  ServingShard& shard() noexcept { return shard_; }

  /// For the exchange: as much is queued unsent as may be.
  bool send_credit_spent() const noexcept;
  /// For the exchange: moves the request body on; answers once there is nothing to take now.
  void read_more() noexcept;
  /// For the exchange: its handler's sleep is over then.
  void wake_after(std::chrono::milliseconds time) noexcept;
  /// For the exchange: its handler waits no longer for something that is not the peer's.
  void pause_handler_deadline() noexcept;
  void end_sleep() noexcept { deadlines_.clear(Deadline::sleep); }
  /// For the exchange: its handler went on, because another server has answered it.
  void go_on() noexcept { pump(); }
  /// For the exchange: ends the connection so that the peer sees the message is not whole.
  void cut() noexcept;
  /// For the exchange: nobody waits for an answer. What is queued, perhaps an alert, goes out.
  void end_unanswered() noexcept { end_after_flush(); }
  /// For what is passed through: something of its own is under way, until on_settled().
  void hold_open() noexcept { ++unsettled_; }
  ConnectionEnds ends() noexcept;
  /// The client in words. Borrow: this connection.
  std::string_view peer_text() noexcept { return peer_text_.of(peer_); }
  void on_moved() noexcept;
  void on_unreachable(const Error& error) noexcept;
  void on_passthrough_failed(const Error& error) noexcept;
  /// Counts and logs one failure of this connection.
  void report(Error error) noexcept;

  void on_received() noexcept override;
  void on_sent() noexcept override;
  bool waits_for_sent() const noexcept override;
  void on_installed(engine::Completion completion) noexcept override;
  void on_broken(int error_number) noexcept override;
  void on_settled() noexcept override;

private:
  enum class State : std::uint8_t { open, ending, lingering, stopping };
  /// What the running deadline is for.
  enum class Waiting : std::uint8_t {
    nothing,
    first_byte,
    header, ///< of a proxy
    handshake,
    request,
    head,
    body,
    unread, ///< the rest of a body that nobody reads
    handler,
    tunnel,
    passthrough,
    linger,
  };
  using Deadline = ConnectionDeadlines::Kind;
  using Time = std::chrono::nanoseconds;

  void pump() noexcept;
  bool step() noexcept;
  bool parse_more() noexcept;
  bool take_header() noexcept;
  bool believe(const ProxyClaim& claim) noexcept;
  LiveRoute* route_of_hello() noexcept;
  void pass_through(LiveRoute& route) noexcept;
  void tell_passed_through() noexcept;
  bool choose_context() noexcept;
  bool answer_hello(const ChosenContext& chosen) noexcept;
  bool ask_for_step() noexcept;
  bool hold_hello() noexcept;
  void take_step() noexcept;
  void park_handshake() noexcept;
  void leave_handshakes() noexcept;
  bool begin_exchange() noexcept;
  void on_head(const http::Step& step) noexcept;
  void limit_requests() noexcept;
  void on_body(const http::Step& step) noexcept;
  bool on_end_of_stream() noexcept;
  void end_exchange() noexcept;
  void discard_exchange() noexcept;
  void fail(const Error& error) noexcept;

  void end_after_flush() noexcept;
  void finish_ending() noexcept;
  void linger() noexcept;
  void stop(bool reset) noexcept;

  /// No exchange runs, and none can begin before more comes in.
  bool between_requests() const noexcept {
    return exchange_ == nullptr && passthrough_ == nullptr &&
           transport_.phase() != Transport::Phase::handshake;
  }
  /// Nothing that was asked for is under way, as far as is known here.
  bool rests() const noexcept {
    if (state_ != State::open) return false;
    if (waiting_ == Waiting::request) return !holds_requests();
    return transport_.stream().received_bytes() == introduction_bytes_;
  }
  /// Some that have come wait for its peer to take answers.
  bool holds_requests() const noexcept {
    return send_credit_spent() || transport_.stream().has_received();
  }
  /// Its bytes are a server's, or will be as soon as one has taken it.
  bool passes_through() const noexcept { return state_ == State::open && passthrough_ != nullptr; }
  /// Of facts: the texts of two addresses.
  static constexpr std::size_t facts_bytes_max = 2 * sizeof(engine::SocketAddress::Text);
  ConnectionStage stage() const noexcept;
  void tell(void (Observer::*what)(const ConnectionFacts&) noexcept) noexcept;

  // connection_waiting.cpp
  bool waits_for_first_byte() const noexcept;
  Waiting waiting_for() const noexcept;
  Time deadline_of(Waiting waiting) const noexcept;
  Time request_deadline() const noexcept;
  void update_deadlines() noexcept;
  void await_request() noexcept;
  void update_request_deadlines() noexcept;
  void update_handler_deadline() noexcept;
  void pause_request_deadlines() noexcept;
  void update_write_deadline() noexcept;
  void update_send_rate() noexcept;
  void on_timer() noexcept;
  void on_phase_deadline() noexcept;
  void end_rest() noexcept;
  void fail_late_request(Code code) noexcept;

  std::uint64_t id_;
  ServingShard& shard_;
  ServerRole role_;
  Time accepted_at_;
  engine::SocketAddress peer_;
  KeptText peer_text_;
  engine::SocketAddress proxy_;            ///< that told the peer, and where that had connected to
  engine::SocketAddress told_destination_; ///< neither is set when nobody did
  State state_ = State::open;
  Waiting waiting_ = Waiting::nothing;
  bool pumping_ = false;
  bool counted_;
  bool secured_ = false;
  bool choosing_ = false; ///< a chooser was asked who answers the hello
  bool holds_head_buffer_ = false;
  std::uint16_t head_buffer_ = 0;
  std::uint8_t unsettled_ = 1; ///< streams, and what is under way to have one
  std::uint32_t requests_ = 0;
  std::uint32_t pipelined_ = 0; ///< since the peer last waited for an answer
  std::uint64_t discarded_bytes_ = 0;
  std::uint64_t introduction_bytes_ = 0; ///< of the PROXY header

  HandshakePlace handshake_;
  tls::GenerationLease generation_;
  std::unique_ptr<ProxyHeaderReader> header_; ///< while it is awaited
  Transport transport_;
  std::unique_ptr<Passthrough> passthrough_; ///< null for what is answered here
  engine::Block exchange_block_;
  ExchangeState* exchange_ = nullptr;

  ConnectionDeadlines deadlines_;
  MinimumRate send_rate_;
};

} // namespace ringfort::net
