// client_connection — one connection to another server, from the moment TCP has it: it shakes
// hands, serves one call at a time, and waits in its pool between them.
//
//   opening   the handshake is under way
//   idle      nobody uses it; whatever the server sends now ends it
//   busy      it has a call
//   ending    what is queued goes out, then close_notify and FIN
//   stopping  every operation is cancelled; the slot is free after the last completion
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <ringfort/client.hpp>

#include "engine/loop.hpp"
#include "net/call_state.hpp"
#include "net/connection_deadlines.hpp"
#include "net/peer_text.hpp"
#include "net/transport.hpp"

namespace ringfort::net {

class Agent;
struct Pool;
struct Trust;

/// Before an answer, a server's or a proxy's.
inline constexpr std::uint32_t interim_answers_max = 32;

/// What making a connection took.
struct OpeningTimes {
  std::chrono::nanoseconds resolve{0};
  std::chrono::nanoseconds connect{0};
  std::chrono::nanoseconds proxy{0};
  std::chrono::nanoseconds tls{0};
};

/// Where: one shard. Immovable: it lives in a slot while the kernel may know its operations.
class ClientConnection final : public StreamOwner {
public:
  ClientConnection(std::uint64_t id, Agent& agent, Pool& pool, int descriptor,
                   const engine::SocketAddress& peer, const OpeningTimes& times) noexcept;
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  void start() noexcept;
  /// Serves the call. While idle.
  void take(CallState& call) noexcept;
  /// Nobody needs it any more. While idle.
  void retire() noexcept;
  /// Ends it, and its call with that error.
  void fail(const Error& error) noexcept;
  /// The drain has begun, or its client has ended: after its call nothing follows.
  void close_after() noexcept { closes_ = true; }

  std::uint64_t id() const noexcept { return id_; }
  Pool& pool() noexcept { return pool_; }
  bool has_served() const noexcept { return calls_ > 0; }
  bool opening() const noexcept { return state_ == State::opening; }
  /// Under which it shakes hands with its destination; null: it does not.
  Trust* trust() const noexcept { return trust_; }
  /// Others are believed since then.
  bool outdated() const noexcept;
  Transport& transport() noexcept { return transport_; }
  const Transport& transport() const noexcept { return transport_; }

  // For its call.
  bool send_credit_spent() const noexcept;
  /// Moves the answer on; answers once there is nothing to take now.
  void read_more() noexcept;
  /// The answer has been read to its end.
  void release_call() noexcept;
  void on_abandoned() noexcept;
  /// Its reader waits, from now on.
  void on_awaited() noexcept;
  /// Our direction of its tunnel ends with what is queued.
  void end_direction() noexcept;
  /// At the end of the batch, because whoever called this is in the middle of something.
  void fail_soon(const Error& error) noexcept;
  void pump_soon() noexcept;
  /// The other end in words. Borrow: this connection.
  std::string_view peer_text() noexcept { return peer_text_.of(peer_); }
  ServerFacts facts() const noexcept;

  void on_received() noexcept override { pump(); }
  void on_sent() noexcept override;
  bool waits_for_sent() const noexcept override;
  void on_installed(engine::Completion completion) noexcept override;
  void on_broken(int error_number) noexcept override;
  void on_settled() noexcept override;

private:
  enum class State : std::uint8_t { opening, idle, busy, ending, stopping };
  using Deadline = ConnectionDeadlines::Kind;
  using Time = std::chrono::nanoseconds;

  void pump() noexcept;
  bool step() noexcept;
  bool open() noexcept;
  bool parse_more() noexcept;
  bool take_raw(MutableBytes plaintext) noexcept;
  void shut_direction() noexcept;
  void on_head(const http::Step& step, std::size_t rest_bytes) noexcept;
  Result<> keep_head(std::size_t rest_bytes) noexcept;
  void on_broken_call(int error_number) noexcept;
  void on_end() noexcept;
  void on_end_of_stream() noexcept;
  void on_lost_while_idle(std::optional<Error> error) noexcept;
  void drain_answer() noexcept;
  void free_once_sent() noexcept;
  static Error as_told(Error error) noexcept;
  bool reusable() const noexcept;
  void note_keep_alive() noexcept;
  Error error_at_end() const noexcept;
  void end_after_flush() noexcept;
  void stop(bool reset) noexcept;
  void stop_now(bool reset) noexcept;
  void on_deferred() noexcept;
  Time deadline() const noexcept;
  Time tunnel_deadline() const noexcept;
  void update_deadlines() noexcept;
  void set_deadlines() noexcept;
  void on_timer() noexcept;
  void on_phase_deadline() noexcept;

  std::uint64_t id_;
  Agent& agent_;
  Pool& pool_;
  engine::SocketAddress peer_;
  KeptText peer_text_;
  OpeningTimes times_;
  Trust* trust_;
  Time opened_at_;
  Time entered_at_; ///< the wait that is going on
  Time sent_at_;    ///< the kernel took something, or there was nothing to send yet
  State state_ = State::opening;
  bool pumping_ = false;
  bool closes_ = false;
  bool settled_ = false;
  bool flushing_ = false;       ///< idle, but for the rest of a request that was answered
  bool ends_direction_ = false; ///< ours of a tunnel, once all is sent
  std::uint32_t calls_ = 0;
  std::uint32_t interim_answers_ = 0;
  std::uint64_t discarded_bytes_ = 0;
  int broken_by_ = 0; ///< errno; what the server had sent before may still come
  std::optional<Error> soon_;
  std::optional<Error> held_failure_; ///< after what has been received
  CallState* call_ = nullptr;
  std::chrono::milliseconds idle_for_max_;
  Transport transport_;
  ConnectionDeadlines deadlines_;
  engine::Deferred pump_;
};

} // namespace ringfort::net
