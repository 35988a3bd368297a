// What a connection waits for, how long it may, and what follows when that was too long.
#include <algorithm>

#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

namespace {

// Long enough that a busy connection never makes its ciphers anew, which allocates and costs some
// 5,000 instructions; short enough that many idle ones hold none.
constexpr std::chrono::seconds rest_after{1};

std::chrono::nanoseconds after_or_never(std::chrono::nanoseconds now,
                                        std::chrono::milliseconds timeout) noexcept {
  return timeout.count() == 0 ? ConnectionDeadlines::never : now + timeout;
}

} // namespace

/// Nothing has come yet, and that is the first thing to be late.
bool ServerConnection::waits_for_first_byte() const noexcept {
  if (transport_.stream().received_bytes() > 0) return false;
  const Limits& limits = shard_.limits();
  const auto next = header_ != nullptr       ? limits.proxy_header_timeout
                    : transport_.encrypted() ? limits.handshake_timeout
                                             : limits.keep_alive_timeout;
  return limits.first_byte_timeout.count() > 0 && limits.first_byte_timeout < next;
}

ServerConnection::Waiting ServerConnection::waiting_for() const noexcept {
  if (state_ == State::lingering) return Waiting::linger;
  if (state_ != State::open) return Waiting::nothing;
  if (waits_for_first_byte()) return Waiting::first_byte;
  if (header_ != nullptr) return Waiting::header;
  if (passthrough_ != nullptr) return Waiting::passthrough;
  if (transport_.phase() == Transport::Phase::handshake) return Waiting::handshake;
  if (exchange_ == nullptr) {
    // A head may begin inside a record that is not whole yet; but while the peer takes no answers,
    // what it sent waits because of that.
    return transport_.partial() && !send_credit_spent() ? Waiting::head : Waiting::request;
  }
  if (!exchange_->began()) return Waiting::head;
  if (exchange_->response_complete() && exchange_->handler_done()) return Waiting::unread;
  // Who was told that nothing goes through it, and still waits, waits for room: see write_timeout.
  if (exchange_->tunnels())
    return exchange_->request_failure() ? Waiting::handler : Waiting::tunnel;
  return exchange_->wants_body() ? Waiting::body : Waiting::handler;
}

/// The end of what is waited for, when that begins now.
ServerConnection::Time ServerConnection::deadline_of(Waiting waiting) const noexcept {
  const Limits& limits = shard_.limits();
  const Time now = shard_.now();
  switch (waiting) {
  case Waiting::first_byte: return accepted_at_ + limits.first_byte_timeout;
  case Waiting::header: return accepted_at_ + limits.proxy_header_timeout;
  case Waiting::handshake: return accepted_at_ + limits.handshake_timeout;
  case Waiting::request: return request_deadline();
  case Waiting::head: return now + limits.head_timeout;
  case Waiting::body: return now + limits.body_idle_timeout;
  case Waiting::unread: return now + limits.unread_body_timeout;
  case Waiting::passthrough:
  case Waiting::tunnel: return after_or_never(now, limits.tunnel_idle_timeout);
  case Waiting::linger: return now + limits.linger_timeout;
  case Waiting::nothing:
  case Waiting::handler: break;
  }
  return ConnectionDeadlines::never;
}

ServerConnection::Time ServerConnection::request_deadline() const noexcept {
  if (shard_.draining() && !holds_requests()) return shard_.rest_until();
  return shard_.now() + shard_.limits().keep_alive_timeout;
}

void ServerConnection::update_deadlines() noexcept {
  if (state_ == State::stopping) return;
  const Waiting waiting = waiting_for();
  if (waiting == Waiting::request) return await_request();
  // Some have one absolute deadline; the others start anew at each step.
  const bool anew = waiting == Waiting::body || waiting == Waiting::handler ||
                    waiting == Waiting::tunnel || waiting == Waiting::passthrough;
  if (waiting != waiting_ || anew) {
    waiting_ = waiting;
    deadlines_.set(Deadline::phase, deadline_of(waiting));
  }
  update_request_deadlines();
  update_handler_deadline();
  deadlines_.clear(Deadline::rest);
  update_write_deadline();
  update_send_rate();
  deadlines_.arm(shard_.timers());
}

/// What the last exchange was given ended with it; a head may have been awaited without one.
void ServerConnection::await_request() noexcept {
  waiting_ = Waiting::request;
  pipelined_ = 0;
  deadlines_.set(Deadline::phase, request_deadline());
  deadlines_.clear(Deadline::request);
  if (transport_.encrypted()) deadlines_.set(Deadline::rest, shard_.now() + rest_after);
  update_write_deadline();
  update_send_rate();
  deadlines_.arm(shard_.timers());
}

void ServerConnection::update_write_deadline() noexcept {
  const Time timeout = shard_.limits().write_timeout;
  if (passthrough_ != nullptr && passthrough_->passing()) {
    deadlines_.set(Deadline::write, passthrough_->stalled_at(timeout));
  } else if (transport_.stream().queued_bytes() == 0) {
    deadlines_.clear(Deadline::write);
  } else if (!deadlines_.is_set(Deadline::write)) {
    deadlines_.set(Deadline::write, shard_.now() + timeout);
  }
}

/// The whole request has one time, and its body a rate, which run while the peer is waited for:
/// what the handler takes is not the peer's doing.
void ServerConnection::update_request_deadlines() noexcept {
  const bool waits_for_peer =
      waiting_ == Waiting::head || waiting_ == Waiting::body || waiting_ == Waiting::unread;
  if (!waits_for_peer) return pause_request_deadlines();
  const Limits& limits = shard_.limits();
  if (!deadlines_.is_set(Deadline::request) && limits.request_timeout.count() > 0) {
    const Time left = exchange_ == nullptr ? limits.request_timeout : exchange_->pace().left;
    deadlines_.set(Deadline::request, shard_.now() + left);
  }
  if (waiting_ != Waiting::body || limits.rate_bytes_per_s_min == 0) return;
  MinimumRate& rate = exchange_->pace().rate;
  rate.update(shard_.now(), transport_.stream().received_bytes(), limits.rate_bytes_per_s_min);
  deadlines_.set(Deadline::receive_rate, rate.deadline());
}

void ServerConnection::pause_request_deadlines() noexcept {
  if (exchange_ != nullptr) {
    if (deadlines_.is_set(Deadline::request)) {
      exchange_->pace().left = deadlines_.at(Deadline::request) - shard_.now();
    }
    exchange_->pace().rate.pause(shard_.now());
  }
  deadlines_.clear(Deadline::request);
  deadlines_.clear(Deadline::receive_rate);
}

/// What a handler does while its peer is waited for is not held against it.
void ServerConnection::update_handler_deadline() noexcept {
  const bool elsewhere = exchange_ != nullptr && exchange_->waits_elsewhere();
  if (!elsewhere) return pause_handler_deadline();
  if (exchange_->tunnels() || shard_.limits().handler_timeout.count() == 0) return;
  if (deadlines_.is_set(Deadline::handler)) return;
  deadlines_.set(Deadline::handler, shard_.now() + exchange_->pace().handler_left);
}

void ServerConnection::pause_handler_deadline() noexcept {
  if (!deadlines_.is_set(Deadline::handler)) return;
  if (exchange_ != nullptr) {
    exchange_->pace().handler_left = deadlines_.at(Deadline::handler) - shard_.now();
  }
  deadlines_.clear(Deadline::handler);
}

void ServerConnection::wake_after(std::chrono::milliseconds time) noexcept {
  constexpr std::chrono::milliseconds time_max = std::chrono::hours(24);
  deadlines_.set(Deadline::sleep, shard_.now() + std::min(time, time_max));
}

/// Of what is queued. Once all of it was taken, the next begins with grace again.
void ServerConnection::update_send_rate() noexcept {
  const std::uint32_t rate = shard_.limits().rate_bytes_per_s_min;
  if (transport_.stream().queued_bytes() == 0 || rate == 0) {
    send_rate_.reset();
  } else {
    send_rate_.update(shard_.now(), transport_.stream().sent_bytes(), rate);
  }
  deadlines_.set(Deadline::send_rate, send_rate_.deadline());
}

void ServerConnection::on_timer() noexcept {
  const auto is_due = [&](Deadline kind) { return shard_.now() >= deadlines_.at(kind); };
  if (is_due(Deadline::write)) {
    report({.code = Code::response_stream_stalled});
    return stop(true);
  }
  if (is_due(Deadline::send_rate)) {
    report({.code = Code::response_stream_too_slow});
    return stop(true);
  }
  if (is_due(Deadline::turn)) {
    report({.code = Code::tls_handshake_queue_timed_out});
    return stop(false);
  }
  if (is_due(Deadline::handler)) {
    report({.code = Code::handler_timed_out});
    exchange_->on_late_handler();
    return pump();
  }
  if (is_due(Deadline::sleep)) {
    exchange_->on_slept();
    return pump();
  }
  if (is_due(Deadline::phase)) return on_phase_deadline();
  if (is_due(Deadline::request)) return fail_late_request(Code::request_stream_timed_out);
  if (is_due(Deadline::receive_rate)) return fail_late_request(Code::request_stream_too_slow);
  if (is_due(Deadline::rest)) {
    deadlines_.clear(Deadline::rest);
    transport_.rest();
  }
  deadlines_.arm(shard_.timers());
}

/// It has had its time in a drain.
void ServerConnection::end_rest() noexcept {
  if (between_requests()) return end_after_flush();
  report({.code = Code::drain_refused}); // Nothing was said to it: it asks elsewhere, surely.
  stop(true);
}

void ServerConnection::on_phase_deadline() noexcept {
  if (shard_.draining() && rests()) return end_rest();
  switch (waiting_) {
  case Waiting::first_byte: report({.code = Code::accept_first_byte_timed_out}); break;
  case Waiting::header: report({.code = Code::proxy_header_timed_out}); break;
  case Waiting::handshake: report({.code = Code::tls_handshake_timed_out}); break;
  case Waiting::passthrough:
    report({.code = Code::passthrough_timed_out});
    return stop(true); // So that nobody takes what came for the whole.
  case Waiting::head: return fail_late_request(Code::request_stream_head_timed_out);
  case Waiting::body: return fail_late_request(Code::request_stream_body_timed_out);
  case Waiting::unread: return fail_late_request(Code::request_stream_unread_timed_out);
  case Waiting::tunnel: return fail_late_request(Code::request_stream_tunnel_timed_out);
  case Waiting::request: return end_after_flush();
  case Waiting::linger:
  case Waiting::nothing:
  case Waiting::handler: break;
  }
  stop(false);
}

void ServerConnection::fail_late_request(Code code) noexcept {
  deadlines_.clear(Deadline::request);
  deadlines_.clear(Deadline::receive_rate);
  fail({.code = code});
  pump(); // What was answered goes out, and an exchange that is over ends.
  if (state_ != State::stopping) update_deadlines();
}

} // namespace ringfort::net
