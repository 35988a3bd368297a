// exchange_state — what stands behind a public Exchange: the handler, and the response on its way
// into the send queue. It lies at the front of a block whose rest is the exchange's arena.
#pragma once

#include <chrono>
#include <coroutine>
#include <functional>
#include <optional>

#include <ringfort/exchange.hpp>
#include <ringfort/service.hpp>
#include <ringfort/task.hpp>

#include "http/cycle.hpp"
#include "http/framing.hpp"
#include "http/parser.hpp"
#include "http/serializer.hpp"
#include "net/call_waiter.hpp"
#include "net/minimum_rate.hpp"
#include "net/waits.hpp"

namespace ringfort::net {

class ServerConnection;
struct ConnectionEnds;

/// Where: one shard. Immovable: handlers hold references to it.
class ExchangeState final : public Exchange, public CallWaiter {
public:
  ExchangeState(ServerConnection& connection, MutableBytes arena_block) noexcept;
  ~ExchangeState();

  // What the connection tells.
  /// The head is complete: runs the handler until it first waits.
  void begin(Service& service, bool request_complete) noexcept;
  void on_request_piece(Bytes piece, bool last) noexcept;
  void on_request_end() noexcept;
  /// The peer has ended its direction of the tunnel, in order.
  void on_tunnel_end() noexcept;
  void on_woken() noexcept;
  void on_slept() noexcept;
  /// The handler has had its time.
  void on_late_handler() noexcept;
  /// Nothing more of the request will come; a waiting or later read answers `error`.
  void fail_request(const Error& error) noexcept;
  /// Nothing more can be sent or received; what waits answers so.
  void fail_transport() noexcept;
  /// The send queue has room again.
  void on_sent() noexcept;

  // What the connection asks.
  bool wants_body() const noexcept { return reading_ || waits_.on(Wait::read); }
  bool wants_to_send() const noexcept {
    return waits_.on(Wait::write) || !payload_rest_.empty() || ends_direction_;
  }
  /// The handler waits, and for nothing of its peer's.
  bool waits_elsewhere() const noexcept {
    const bool for_peer = waits_.on(Wait::read) || waits_.on(Wait::write);
    const bool for_call = waits_for_calls() && !calls_keep_time_;
    return !for_peer && (waits_.on(Wait::wake) || waits_.on(Wait::sleep) || for_call);
  }
  /// What its calls take is bounded by their own times alone.
  void leave_time_to_calls() noexcept { calls_keep_time_ = true; }
  /// Those of its client's connection.
  ConnectionEnds ends() noexcept;
  /// Two of its facts, where the others are not needed.
  std::string_view peer() const noexcept;
  bool encrypted() const noexcept;
  bool tunnels() const noexcept { return tunnel_; }
  /// More of the request, or through the tunnel, may come.
  bool receives() const noexcept { return tunnel_ ? !tunnel_ended_ : !request_complete(); }
  bool has_piece() const noexcept { return has_piece_; }
  bool began() const noexcept { return began_; }
  bool request_complete() const noexcept { return cycle_.complete(http::Side::request); }
  bool response_complete() const noexcept { return cycle_.complete(http::Side::response); }
  bool unanswered() const noexcept { return cycle_.unanswered(); }
  /// Part of the response is on its way, and the rest will follow.
  bool answering() const noexcept {
    return !unanswered() && !response_complete() && !transport_failed_;
  }
  bool handler_done() const noexcept { return handler_done_; }
  bool closes() const noexcept { return close_; }
  const std::optional<Error>& request_failure() const noexcept { return request_failure_; }
  /// A head without a body yet is sent now, because the handler is about to wait.
  void send_pending_head() noexcept;
  /// Answers with the status of a fault, when nothing was answered yet.
  void answer_fault(const Error& error) noexcept;

  // What the public surface asks (exchange.cpp).
  Arena& arena() noexcept { return arena_; }
  http::Parser& parser() noexcept { return parser_; }
  /// What the peer has left for its request.
  struct Pace {
    std::chrono::nanoseconds left; ///< of request_timeout, as of when it was last waited for
    std::chrono::nanoseconds handler_left; ///< of handler_timeout, likewise
    MinimumRate rate = {};                 ///< of the body
  };
  Pace& pace() noexcept { return pace_; }
  const ConnectionFacts& facts() noexcept;
  /// The time that Date says.
  std::int64_t unix_seconds() const noexcept;
  void respond(int status, std::span<const Field> fields, Payload&& payload) noexcept;
  void stream(int status, std::span<const Field> fields,
              std::optional<std::uint64_t> length) noexcept;
  void inform(int status, std::span<const Field> fields) noexcept;
  std::string_view offered_protocols() const noexcept;
  void open_tunnel(std::string_view protocol, std::span<const Field> fields) noexcept;
  void close_after() noexcept { close_ = true; }
  void abort() noexcept { aborted_ = true; }
  void drain_body(std::uint64_t bytes_max) noexcept { unread_bytes_max_ = bytes_max; }
  /// A read that waits, and each later one, answers request_stream.left_unread.
  void leave_body() noexcept;
  std::uint64_t unread_bytes_max() const noexcept { return unread_bytes_max_; }
  bool draining() const noexcept;
  /// What whole_body() takes by itself.
  std::size_t body_bytes_max() const noexcept;
  Waker waker() noexcept;
  /// The handler takes no body of that size: request_stream.body_too_large from now on.
  std::unexpected<Error> refuse_body() noexcept;
  void adopt(Task<> task) noexcept;
  void on_threw() noexcept;

  bool try_read() noexcept;
  Result<Bytes> take_read() noexcept;
  void begin_write(Bytes piece) noexcept;
  bool try_write() noexcept;
  void begin_finish(std::span<const Field> trailers) noexcept;
  Result<> take_write() noexcept { return write_result_; }
  bool woken_or_failed() noexcept;
  Result<> take_woken() noexcept;
  bool slept_or_failed(std::chrono::milliseconds time) const noexcept {
    return time.count() <= 0 || failed();
  }
  Result<> take_slept() noexcept;
  bool try_read_or_woken() noexcept;
  Result<std::optional<Bytes>> take_read_or_woken() noexcept;
  void wait_for_wake(std::coroutine_handle<> waiting) noexcept;
  void wait_for_time(std::coroutine_handle<> waiting, std::chrono::milliseconds time) noexcept;
  void wait_for_read_or_wake(std::coroutine_handle<> waiting) noexcept;
  void wait_for_read(std::coroutine_handle<> waiting) noexcept;
  void wait_for_write(std::coroutine_handle<> waiting) noexcept;

  void go_on(std::coroutine_handle<> waited) noexcept override;
  std::optional<Error> call_refusal() const noexcept override;

private:
  enum class Wait : std::uint8_t { read, write, wake, sleep, count };

  bool begin_response(int status, std::span<const Field> fields, http::BodyFraming framing,
                      std::uint64_t length) noexcept;
  void tell_answered() noexcept;
  bool failed() const noexcept { return transport_failed_ || request_failure_; }
  Error failure() const noexcept;
  void keep_pending_head() noexcept;
  void end_direction() noexcept;
  bool awaits_continue() const noexcept;
  bool write_head(const http::ResponseHead& head) noexcept;
  void complete_response() noexcept;
  void send_payload(Payload&& payload) noexcept;
  void send_payload_rest() noexcept;
  void release_payload() noexcept {
    payload_rest_ = {};
    if (!payload_release_) return;
    std::move_only_function<void()> release = std::move(*payload_release_);
    payload_release_.reset();
    if (release) release();
  }
  void fail_write(const Error& error) noexcept;
  void resume(Wait reason) noexcept;
  void resume_all_but_write() noexcept;
  void after_handler_ran() noexcept;
  void refuse_response(Code code) noexcept;

  ServerConnection& connection_;
  Arena arena_;
  Pace pace_;
  http::Parser parser_; ///< here, because a connection between two requests needs none
  http::Cycle cycle_;
  bool began_ = false;
  bool close_ = false;
  bool handler_done_ = false;
  bool transport_failed_ = false;
  bool body_forbidden_ = false;
  bool continued_ = false; ///< 100 Continue was sent
  bool aborted_ = false;   ///< by the handler
  bool tunnel_ = false;
  bool calls_keep_time_ = false;
  bool tunnel_ended_ = false;   ///< by the peer
  bool ends_direction_ = false; ///< ours of the tunnel, once all is sent
  bool woken_ = false;          ///< and nobody has waited for it since
  bool wakes_read_ = false;     ///< the waiting read answers a wake too
  bool left_ = false;           ///< no more of the body is wanted

  Task<> task_;
  bool has_task_ = false;
  Waits<Wait> waits_;
  bool reading_ = false; ///< a read that may be answered at once

  std::optional<Error> request_failure_;
  bool has_piece_ = false;
  Bytes piece_;

  http::BodyFraming framing_ = http::BodyFraming::none;
  std::uint64_t length_left_ = 0;
  std::uint64_t unread_bytes_max_;
  /// Waiting to share a record with the first piece: in the arena, or where the shard writes the
  /// next head, until it is sent or kept.
  Bytes pending_head_;
  Bytes write_rest_;
  Result<> write_result_;
  Bytes payload_rest_;
  std::optional<std::move_only_function<void()>> payload_release_;
  std::optional<ConnectionFacts> facts_;

  // For the observer.
  int status_ = 0;
  std::uint64_t received_body_bytes_ = 0;
  std::uint64_t sent_body_bytes_ = 0;
  std::chrono::nanoseconds began_at_{0};
};

} // namespace ringfort::net
