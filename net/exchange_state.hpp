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
#include "net/minimum_rate.hpp"

namespace ringfort::net {

class ServerConnection;

/// Where: one shard. Immovable: handlers hold references to it.
class ExchangeState final : public Exchange {
public:
  ExchangeState(ServerConnection& connection, MutableBytes arena_block) noexcept;
  ~ExchangeState();

  // What the connection tells.
  /// The head is complete: runs the handler until it first waits.
  void begin(Service& service, bool request_complete) noexcept;
  void on_request_piece(Bytes piece, bool last) noexcept;
  void on_request_end() noexcept;
  /// Nothing more of the request will come; a waiting or later read answers `error`.
  void fail_request(const Error& error) noexcept;
  /// Nothing more can be sent or received; what waits answers so.
  void fail_transport() noexcept;
  /// The send queue has room again.
  void on_sent() noexcept;

  // What the connection asks.
  bool wants_body() const noexcept { return wait_ == Wait::read; }
  bool wants_to_send() const noexcept { return wait_ == Wait::write || !payload_rest_.empty(); }
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
    MinimumRate rate = {};         ///< of the body
  };
  Pace& pace() noexcept { return pace_; }
  const ConnectionFacts& facts() noexcept;
  /// The time that Date says.
  std::int64_t unix_seconds() const noexcept;
  void respond(int status, std::span<const Field> fields, Payload&& payload) noexcept;
  void stream(int status, std::span<const Field> fields,
              std::optional<std::uint64_t> length) noexcept;
  void close_after() noexcept { close_ = true; }
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
  void wait_for_read(std::coroutine_handle<> waiting) noexcept;
  void wait_for_write(std::coroutine_handle<> waiting) noexcept;

private:
  enum class Wait : std::uint8_t { none, read, write };

  bool begin_response(int status, std::span<const Field> fields, http::BodyFraming framing,
                      std::uint64_t length) noexcept;
  bool awaits_continue() const noexcept;
  void send_continue() noexcept;
  void complete_response() noexcept;
  void send_payload(Payload&& payload) noexcept;
  void send_payload_rest() noexcept;
  void release_payload() noexcept;
  Result<> send_part(Bytes part) noexcept;
  void fail_write(const Error& error) noexcept;
  void resume() noexcept;
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

  Task<> task_;
  bool has_task_ = false;
  Wait wait_ = Wait::none;
  std::coroutine_handle<> waiting_;

  std::optional<Error> request_failure_;
  bool has_piece_ = false;
  Bytes piece_;

  http::BodyFraming framing_ = http::BodyFraming::none;
  std::uint64_t length_left_ = 0;
  Bytes pending_head_; ///< in the arena, waiting to share a record with the first piece
  Bytes write_rest_;
  Result<> write_result_;
  Bytes payload_rest_;
  std::move_only_function<void()> payload_release_;
  std::optional<ConnectionFacts> facts_;
};

} // namespace ringfort::net
