// call_state — what stands behind a public Call: the request on its way out, the answer on its way
// in. It lies at the front of a block whose rest is the call's arena.
//
//   pending  no connection yet: it waits in its pool, and can be started anew from there
//   sent     a connection has it; the request's body may still follow
//   over     the answer is complete, or the call has failed; the connection has let go of it
#pragma once

#include <array>
#include <chrono>
#include <coroutine>
#include <initializer_list>
#include <optional>

#include <ringfort/client.hpp>

#include "engine/blocks.hpp"
#include "engine/socket_address.hpp"
#include "engine/timer_wheel.hpp"
#include "http/cycle.hpp"
#include "http/framing.hpp"
#include "http/parser.hpp"
#include "net/call_waiter.hpp"
#include "net/linked_queue.hpp"

namespace ringfort::net {

class Agent;
class ClientConnection;
struct OpeningTimes;
struct Pool;

/// Where: one shard. Immovable: its handle and its connection know its address.
class CallState final : public LinkedPlace<CallState> {
public:
  CallState(Agent& agent, CallWaiter& waiter, engine::Block block) noexcept;
  CallState(const CallState&) = delete;
  CallState& operator=(const CallState&) = delete;
  ~CallState();

  /// In a block of its own. Null: none is left.
  static CallState* create(Agent& agent, CallWaiter& waiter) noexcept;

  /// Writes the request's head and keeps what has to be sent. Errors: call.bad_request,
  /// call.no_blocks.
  Result<> prepare(Pool& pool, Request&& request) noexcept;

  // What its pool says and asks.
  Pool& pool() noexcept { return *pool_; }
  /// A phase has begun; time is told to the one before.
  void enter(Phase phase) noexcept;
  /// What a new connection took for itself, before it had this call.
  void add_times(const OpeningTimes& times) noexcept;
  /// Until when it may wait for a connection that nobody opens for it.
  void wait_at_most(std::chrono::milliseconds time) noexcept;

  // What its connection says and asks.
  ClientConnection* connection() noexcept { return connection_; }
  void begin(ClientConnection& connection, bool reused) noexcept;
  /// Some more of the request may be sent.
  void on_room() noexcept;
  /// The receive buffer that the answer's head lies in stays as it is, as long as the call.
  void hold_buffer(std::uint16_t id) noexcept;
  bool holds_buffer() const noexcept { return held_buffer_.has_value(); }
  void on_head(bool last) noexcept;
  void on_piece(Bytes piece, bool last) noexcept;
  void on_end() noexcept;
  /// The answer switches to a protocol that was not offered, or before the request is complete.
  bool refuses_switch() const noexcept;
  bool opens_tunnel() const noexcept;
  /// Its answer has opened a tunnel: what follows is raw, both ways.
  bool tunnels() const noexcept { return tunnel_; }
  bool tunnel_over() const noexcept { return tunnel_ && tunnel_ended_ && direction_ended_; }
  /// An interim answer waits to be taken, or to be done with.
  bool at_interim() const noexcept { return interim_ != Interim::none; }
  /// The request cannot be sent any further, but what has come of the answer still counts.
  void drop_upload() noexcept;
  /// The body waits for the server to say that it wants it.
  bool upload_held() const noexcept { return expects_continue_ && !continued_; }
  void release_upload() noexcept;
  /// It is over, and the connection has let go of it.
  void on_released() noexcept;
  void fail(const Error& error) noexcept;
  http::Parser& parser() noexcept { return parser_; }
  bool wants_more() const noexcept;
  bool wants_to_send() const noexcept;
  bool has_piece() const noexcept { return has_piece_; }
  bool head_done() const noexcept { return head_done_; }
  /// Of a tunnel: our direction has ended, or the server's.
  bool request_complete() const noexcept {
    return tunnel_ ? direction_ended_ : cycle_.complete(http::Side::request);
  }
  bool response_complete() const noexcept {
    return tunnel_ ? tunnel_ended_ : cycle_.complete(http::Side::response);
  }
  bool abandoned() const noexcept { return abandoned_; }
  /// It is sent again: a connection that has served others could be lost as the first one was.
  bool is_anew() const noexcept { return anew_; }
  /// When the last of the request was given to its connection. Once request_complete().
  std::chrono::nanoseconds requested_at() const noexcept { return requested_at_; }
  /// Whether all of it can be sent again: the kernel has not taken a byte, and nothing is lost.
  bool can_start_anew() const noexcept;
  void start_anew() noexcept;

  // What the public surface asks (call.cpp).
  bool response_ready() noexcept;
  Result<Response> take_response() noexcept;
  bool try_read() noexcept;
  Result<Bytes> take_read() noexcept;
  Fields trailers() const noexcept;
  void begin_write(Bytes piece) noexcept;
  void begin_finish(std::span<const Field> trailers) noexcept;
  bool try_write() noexcept;
  Result<> take_write() noexcept;
  enum class Wait : std::uint8_t { response, read, write };
  void wait(Wait reason, std::coroutine_handle<> waiting) noexcept;
  CallFacts facts() noexcept;
  void abort() noexcept;
  /// The handle is gone. The state goes with it, or once its connection has let go of it.
  void abandon() noexcept;

private:
  /// Of an interim answer that is told.
  enum class Interim : std::uint8_t { none, untaken, taken };

  Result<> write_head(const Request& request) noexcept;
  Result<> keep(Bytes& kept, Bytes bytes) noexcept;
  Result<> keep(std::string_view& kept, std::string_view text) noexcept;
  Result<> keep_name() noexcept;
  std::string_view peer_name(ClientConnection& connection) noexcept;
  void send_more() noexcept;
  bool send_part(Bytes part) noexcept;
  bool sent(const Result<>& result) noexcept;
  bool send_body() noexcept;
  void complete_request() noexcept;
  void add_time(Phase phase, std::chrono::nanoseconds time) noexcept;
  void release_payload() noexcept;
  void let_go() noexcept;
  bool waits(Wait reason) const noexcept { return wait_of(reason).waits(); }
  const CallWait& wait_of(Wait reason) const noexcept {
    return waits_[static_cast<std::size_t>(reason)];
  }
  void tell(std::initializer_list<Wait> reasons) noexcept;
  void on_timer() noexcept;
  void arm_timer() noexcept;
  void destroy() noexcept;
  std::optional<Error> refusal() const noexcept;

  Agent& agent_;
  CallWaiter* waiter_;
  engine::Block block_;
  Arena arena_;
  http::Parser parser_;
  http::Cycle cycle_;
  Pool* pool_ = nullptr;
  ClientConnection* connection_ = nullptr;

  Method method_ = Method::get;
  http::BodyFraming framing_ = http::BodyFraming::none;
  bool streams_ = false;
  bool expects_continue_ = false;
  bool continued_ = false; ///< the body may go, whatever was expected
  bool upload_dropped_ = false;
  bool tells_interim_ = false;
  Interim interim_ = Interim::none;
  bool tunnel_ = false;
  bool tunnel_ended_ = false;    ///< by the server
  bool direction_ended_ = false; ///< ours of the tunnel
  bool reused_ = false;
  bool anew_ = false;
  bool head_done_ = false;
  bool has_piece_ = false;
  bool abandoned_ = false;
  bool over_ = false;
  bool reading_ = false;          ///< a read that may be answered at once
  std::array<CallWait, 3> waits_; ///< for each reason
  std::optional<Error> failure_;
  std::optional<std::uint16_t> held_buffer_;

  std::string_view offered_;      ///< protocols to switch to; in the arena
  Bytes head_;                    ///< likewise
  Bytes pending_head_;            ///< of it, what goes with the next part of the body
  Bytes body_;                    ///< all of it, unless it is streamed
  Bytes body_rest_;               ///< of it, or of the piece that is being written
  std::uint64_t length_left_ = 0; ///< of a streamed body whose length was said
  Bytes last_chunk_;
  bool finishing_ = false; ///< the streamed body's end is asked for
  bool taken_ = false;     ///< a piece of a streamed body, which its caller may have forgotten
  Result<> write_result_;
  std::move_only_function<void()> payload_release_;
  Bytes piece_;

  Phase phase_ = Phase::pending;
  std::chrono::nanoseconds phase_since_;
  std::array<std::chrono::nanoseconds, phase_count + 1> phases_{}; ///< and what follows the last
  std::uint64_t sent_before_bytes_ = 0;                            ///< by its connection
  std::uint64_t received_before_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0; ///< once its connection has let go of it
  std::uint64_t received_bytes_ = 0;
  std::string_view server_name_; ///< in the arena
  std::string_view peer_;        ///< likewise
  ServerFacts server_;

  std::chrono::nanoseconds requested_at_{0};
  std::chrono::nanoseconds pending_until_;
  std::chrono::nanoseconds ends_at_;
  engine::Timer timer_;
};

} // namespace ringfort::net
