// What a handler may wait for, and what ends each wait: its peer's bytes, room for its own, a wake
// from elsewhere, a time, another server's answer.
#include "net/exchange_state.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

/// Whoever waits for that.
void ExchangeState::resume(Wait reason) noexcept {
  if (!waits_.on(reason)) return;
  if (reason == Wait::read) wakes_read_ = false;
  if (reason == Wait::sleep) connection_.end_sleep();
  if (waits_elsewhere()) connection_.pause_handler_deadline();
  waits_.end(reason).resume();
  after_handler_ran();
}

void ExchangeState::resume_all_but_write() noexcept {
  for (const Wait reason : {Wait::read, Wait::wake, Wait::sleep}) resume(reason);
  while (waits_for_calls()) {
    connection_.pause_handler_deadline();
    end_first_call_wait().resume();
    after_handler_ran();
  }
}

/// Why nothing more can be waited for.
Error ExchangeState::failure() const noexcept {
  return request_failure_.value_or(Error{.code = Code::request_stream_peer_closed});
}

// ---------------------------------------------------------------------------- the peer

void ExchangeState::wait_for_read(std::coroutine_handle<> waiting) noexcept {
  waits_.begin(Wait::read, waiting);
  // The handler wants the body that the client holds back (RFC 9110 section 10.1.1).
  if (awaits_continue() && unanswered()) inform(100, {});
}

void ExchangeState::wait_for_write(std::coroutine_handle<> waiting) noexcept {
  waits_.begin(Wait::write, waiting);
}

bool ExchangeState::try_read() noexcept {
  has_piece_ = false;
  piece_ = {};
  if (receives() && !failed() && !left_) {
    reading_ = true; // What read_more() finds is meant for this call.
    connection_.read_more();
    reading_ = false;
  }
  return has_piece_ || !receives() || failed() || left_;
}

Result<Bytes> ExchangeState::take_read() noexcept {
  if (has_piece_) return std::exchange(piece_, {});
  if (!receives()) return Bytes{};
  if (left_ && !failed()) return fail(Code::request_stream_left_unread);
  return std::unexpected(failure());
}

void ExchangeState::leave_body() noexcept {
  left_ = true;
  resume(Wait::read);
}

// ---------------------------------------------------------------------------- elsewhere

Waker ExchangeState::waker() noexcept {
  return {connection_.shard(), connection_.id(), connection_.request_number()};
}

bool ExchangeState::woken_or_failed() noexcept { return woken_ || failed(); }

Result<> ExchangeState::take_woken() noexcept {
  if (std::exchange(woken_, false)) return {};
  return std::unexpected(failure());
}

/// Of a sleep: a wake is left for who waits for one.
Result<> ExchangeState::take_slept() noexcept {
  if (failed()) return std::unexpected(failure());
  return {};
}

void ExchangeState::wait_for_wake(std::coroutine_handle<> waiting) noexcept {
  waits_.begin(Wait::wake, waiting);
}

void ExchangeState::wait_for_time(std::coroutine_handle<> waiting,
                                  std::chrono::milliseconds time) noexcept {
  waits_.begin(Wait::sleep, waiting);
  connection_.wake_after(time);
}

bool ExchangeState::try_read_or_woken() noexcept { return woken_or_failed() || try_read(); }

// A wake that has come goes first, so that a peer that never stops sending cannot hold it back.
Result<std::optional<Bytes>> ExchangeState::take_read_or_woken() noexcept {
  if (std::exchange(woken_, false)) return std::nullopt;
  const auto piece = take_read();
  if (!piece) return std::unexpected(piece.error());
  return *piece;
}

void ExchangeState::wait_for_read_or_wake(std::coroutine_handle<> waiting) noexcept {
  wakes_read_ = true;
  wait_for_read(waiting);
}

void ExchangeState::on_woken() noexcept {
  woken_ = true;
  resume(wakes_read_ ? Wait::read : Wait::wake);
}

void ExchangeState::on_slept() noexcept { resume(Wait::sleep); }

void ExchangeState::go_on(std::coroutine_handle<> waited) noexcept {
  connection_.pause_handler_deadline();
  waited.resume();
  after_handler_ran();
  connection_.go_on();
}

std::optional<Error> ExchangeState::call_refusal() const noexcept {
  if (!failed()) return std::nullopt;
  return failure();
}

// ---------------------------------------------------------------------------- too long

void ExchangeState::on_late_handler() noexcept {
  const Error error{.code = Code::handler_timed_out};
  if (unanswered()) answer_fault(error);
  fail_request(error);
  if (!response_complete()) connection_.cut();
}

} // namespace ringfort::net
