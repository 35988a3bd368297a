// How long a connection to another server waits, in each of its states.
#include <algorithm>

#include "net/agent.hpp"
#include "net/client_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

namespace {

// Servers that do not know 100 Continue say nothing (RFC 9110 section 10.1.1).
constexpr std::chrono::seconds continue_wait{1};

} // namespace

ClientConnection::Time ClientConnection::deadline() const noexcept {
  const ClientOptions& options = agent_.options();
  const Limits& limits = agent_.shard().limits();
  switch (state_) {
  case State::opening: return opened_at_ + options.handshake_timeout;
  case State::idle: {
    const Time idle_until = entered_at_ + idle_for_max_;
    const auto age_max = options.connection_age_max;
    return age_max.count() == 0 ? idle_until : std::min(idle_until, opened_at_ + age_max);
  }
  case State::ending: return entered_at_ + limits.linger_timeout;
  case State::busy:
    if (call_->abandoned()) return entered_at_ + limits.unread_body_timeout;
    if (held_failure_) return ConnectionDeadlines::never; // Its reader comes for it.
    if (call_->tunnels()) return tunnel_deadline();
    if (call_->head_done()) {
      return call_->wants_more() ? entered_at_ + options.body_idle_timeout
                                 : ConnectionDeadlines::never;
    }
    if (call_->upload_held()) return entered_at_ + continue_wait;
    if (!call_->request_complete() || call_->at_interim()) return ConnectionDeadlines::never;
    return std::max(call_->requested_at(), sent_at_) + options.answer_timeout;
  case State::stopping: break;
  }
  return ConnectionDeadlines::never;
}

/// Whichever way something went last.
ClientConnection::Time ClientConnection::tunnel_deadline() const noexcept {
  const auto idle_max = agent_.shard().limits().tunnel_idle_timeout;
  if (idle_max.count() == 0) return ConnectionDeadlines::never;
  return std::max(entered_at_, sent_at_) + idle_max;
}

void ClientConnection::update_deadlines() noexcept {
  if (state_ == State::stopping) return;
  set_deadlines();
  deadlines_.arm(agent_.shard().timers());
}

void ClientConnection::set_deadlines() noexcept {
  deadlines_.set(Deadline::phase, deadline());
  if (transport_.stream().queued_bytes() == 0 || held_failure_) {
    deadlines_.clear(Deadline::write);
  } else if (!deadlines_.is_set(Deadline::write)) {
    deadlines_.set(Deadline::write, agent_.shard().now() + agent_.options().write_timeout);
  }
}

// A call that was taken in this turn is not judged by the time of what was waited for before it.
void ClientConnection::on_timer() noexcept {
  set_deadlines();
  const auto now = agent_.shard().now();
  if (now >= deadlines_.at(Deadline::write)) {
    if (state_ != State::busy) return on_phase_deadline();
    return fail({.code = Code::upload_stalled});
  }
  if (now >= deadlines_.at(Deadline::phase)) return on_phase_deadline();
  deadlines_.arm(agent_.shard().timers());
}

void ClientConnection::on_phase_deadline() noexcept {
  switch (state_) {
  case State::opening: return fail({.code = Code::tls_handshake_timed_out});
  case State::idle: return retire();
  case State::busy:
    if (call_->upload_held()) {
      pump_soon();
      return call_->release_upload();
    }
    if (call_->tunnels()) return fail({.code = Code::answer_tunnel_timed_out});
    return fail(
        {.code = call_->head_done() ? Code::answer_body_timed_out : Code::answer_head_timed_out});
  case State::ending:
  case State::stopping: break;
  }
  stop(true);
}

} // namespace ringfort::net
