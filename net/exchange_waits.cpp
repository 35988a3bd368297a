// What a handler may wait for, and what ends each wait: its peer's bytes, room for its own, a wake
// from elsewhere, a time, another server's answer.
#include "net/exchange_state.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

void ExchangeState::wait(Wait wait, std::coroutine_handle<> waiting) noexcept {
  waiting_ = waiting;
  wait_ = wait;
}

void ExchangeState::resume() noexcept {
  if (waits_elsewhere()) connection_.end_wait_elsewhere();
  wait_ = Wait::none;
  wakes_read_ = false;
  std::exchange(waiting_, {}).resume();
  after_handler_ran();
}

/// Why nothing more can be waited for.
Error ExchangeState::failure() const noexcept {
  return request_failure_.value_or(Error{.code = Code::request_stream_peer_closed});
}

// ---------------------------------------------------------------------------- the peer

void ExchangeState::wait_for_read(std::coroutine_handle<> waiting) noexcept {
  wait(Wait::read, waiting);
  // The handler wants the body that the client holds back (RFC 9110 section 10.1.1).
  if (awaits_continue() && unanswered()) inform(100, {});
}

void ExchangeState::wait_for_write(std::coroutine_handle<> waiting) noexcept {
  wait(Wait::write, waiting);
}

bool ExchangeState::try_read() noexcept {
  has_piece_ = false;
  piece_ = {};
  if (receives() && !failed()) {
    wait_ = Wait::read; // What read_more() finds is meant for this call.
    connection_.read_more();
    wait_ = Wait::none;
  }
  return has_piece_ || !receives() || failed();
}

Result<Bytes> ExchangeState::take_read() noexcept {
  if (has_piece_) return std::exchange(piece_, {});
  if (!receives()) return Bytes{};
  return std::unexpected(failure());
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
  wait(Wait::wake, waiting);
}

void ExchangeState::wait_for_time(std::coroutine_handle<> waiting,
                                  std::chrono::milliseconds time) noexcept {
  wait(Wait::sleep, waiting);
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
  const bool waited_for = wait_ == Wait::wake || (wait_ == Wait::read && wakes_read_);
  if (waiting_ && waited_for) resume();
}

void ExchangeState::on_slept() noexcept {
  if (waiting_ && wait_ == Wait::sleep) resume();
}

void ExchangeState::wait_for_call(std::coroutine_handle<> waiting) noexcept {
  wait(Wait::call, waiting);
}

void ExchangeState::on_call() noexcept {
  if (!waiting_ || wait_ != Wait::call) return;
  resume();
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
