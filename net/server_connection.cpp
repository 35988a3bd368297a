#include "net/server_connection.hpp"

#include <algorithm>
#include <cerrno>

#include "net/send_credit.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

ServerConnection::ServerConnection(std::uint64_t id, ServingShard& shard, const ServerRole& role,
                                   int descriptor, const engine::SocketAddress& peer) noexcept
    : id_(id), shard_(shard), role_(role), accepted_at_(shard.now()), peer_(peer),
      counted_(!role.plan.expects_header_from(peer)),
      handshake_(
          this, [](void* self) noexcept { static_cast<ServerConnection*>(self)->take_step(); },
          [](void* self) noexcept { static_cast<ServerConnection*>(self)->park_handshake(); }),
      header_(counted_ ? nullptr : std::make_unique<ProxyHeaderReader>()),
      transport_(shard.stream_home(), descriptor, *this,
                 role.names == nullptr ? nullptr : shard.tls_library()),
      deadlines_(this,
                 [](void* self) noexcept { static_cast<ServerConnection*>(self)->on_timer(); }) {}

void ServerConnection::start() noexcept {
  tell(&Observer::connected);
  transport_.stream().start();
  update_deadlines();
}

void ServerConnection::report(Error error) noexcept {
  error.connection = id_;
  shard_.report(error, peer_);
}

// ---------------------------------------------------------------------------- moving on

void ServerConnection::on_received() noexcept {
  if (state_ == State::lingering) return linger();
  if (passes_through()) return passthrough_->move();
  pump();
}

void ServerConnection::on_sent() noexcept {
  if (passes_through()) return passthrough_->move();
  deadlines_.clear(Deadline::write); // Progress: the stall is counted anew.
  if (auto sent = transport_.on_sent(); !sent) {
    report(sent.error());
    return stop(true);
  }
  if (state_ == State::ending && transport_.stream().queued_bytes() == 0) return finish_ending();
  if (state_ == State::open && exchange_ != nullptr) exchange_->on_sent();
  // Mostly the whole answer is out and no request waits: there is nothing to move on.
  const bool idle = state_ == State::open && exchange_ == nullptr && transport_.idle();
  if (!idle || waiting_ != Waiting::request) return pump();
  // The timer looks when it fires.
  deadlines_.set(Deadline::phase, request_deadline());
  send_rate_.reset();
  deadlines_.clear(Deadline::send_rate);
}

void ServerConnection::on_installed(engine::Completion completion) noexcept {
  if (auto settled = transport_.on_installed(completion); !settled) {
    report(settled.error());
    return stop(true);
  }
  if (state_ == State::ending && transport_.stream().queued_bytes() == 0) return finish_ending();
  if (state_ == State::open && exchange_ != nullptr) exchange_->on_sent(); // Writers waited.
  pump();
}

bool ServerConnection::waits_for_sent() const noexcept {
  return state_ == State::ending || passthrough_ != nullptr || transport_.waits_for_sent() ||
         (exchange_ != nullptr && exchange_->wants_to_send());
}

void ServerConnection::pump() noexcept {
  if (pumping_) return;
  pumping_ = true;
  while (state_ == State::open && step()) {}
  if (state_ == State::open && exchange_ != nullptr) exchange_->send_pending_head();
  pumping_ = false;
  if (state_ == State::stopping) return;
  transport_.move_on();
  transport_.stream().flush();
  update_deadlines();
}

/// One step of progress; false when the connection has to wait for something.
bool ServerConnection::step() noexcept {
  if (passthrough_ != nullptr) return false;
  if (header_ != nullptr && !take_header()) return false;
  if (exchange_ == nullptr) {
    return !transport_.plain_spent() && !send_credit_spent() && parse_more();
  }
  if (!exchange_->began()) return parse_more();
  if (exchange_->response_complete() && exchange_->handler_done()) {
    if (exchange_->request_complete() || exchange_->closes()) {
      end_exchange();
      return true;
    }
    return parse_more(); // The unread rest of the body.
  }
  return exchange_->wants_body() && !exchange_->request_failure() && parse_more();
}

bool ServerConnection::send_credit_spent() const noexcept {
  return transport_.send_waits() ||
         net::send_credit_spent(transport_.stream().queued_bytes(),
                                shard_.limits().send_credit_bytes, shard_.loop().blocks());
}

void ServerConnection::read_more() noexcept {
  if (state_ != State::open) return;
  // The parser stops at the first piece; control records and chunk ends are passed over.
  while (state_ == State::open && exchange_->receives() && parse_more()) {
    if (exchange_->has_piece()) return;
  }
}

/// Takes one event out of the plaintext; false when nothing more can be had now.
bool ServerConnection::parse_more() noexcept {
  const auto plaintext = transport_.receive();
  if (!plaintext) {
    fail(plaintext.error());
    return false;
  }
  if (!secured_ && transport_.phase() == Transport::Phase::records) {
    secured_ = true;
    leave_handshakes();
    shard_.count_handshake(transport_.facts());
    tell(&Observer::secured);
  }
  if (transport_.wants_context()) return choose_context();
  if (transport_.wants_step()) return ask_for_step();
  if (plaintext->empty()) return transport_.ended() && on_end_of_stream();
  if (exchange_ == nullptr && !begin_exchange()) return false;
  if (exchange_->tunnels()) {
    transport_.consume(plaintext->size()); // As with a body's piece, its bytes stay for now.
    exchange_->on_request_piece(*plaintext, false);
    return true;
  }
  const auto step = exchange_->parser().parse(*plaintext);
  if (!step) {
    fail(step.error());
    return false;
  }
  transport_.consume(step->consumed_bytes);
  switch (step->event) {
  case http::Event::need_more: break;
  case http::Event::head: on_head(*step); break;
  case http::Event::body: on_body(*step); break;
  case http::Event::end: exchange_->on_request_end(); break;
  }
  return true;
}

/// The hello is here: who answers it? False while a chooser thinks about it.
bool ServerConnection::choose_context() noexcept {
  if (choosing_) return false;
  role_.names->refresh();
  if (LiveRoute* const route = route_of_hello()) {
    pass_through(*route);
    return false;
  }
  generation_ = role_.names->lease();
  const auto chosen = net::choose_context(*role_.names, transport_.server_name(), shard_, id_);
  choosing_ = !chosen;
  return chosen && answer_hello(*chosen);
}

bool ServerConnection::answer_hello(const ChosenContext& chosen) noexcept {
  if (chosen) {
    transport_.use(*chosen);
    return true;
  }
  transport_.refuse(chosen.error());
  fail(chosen.error());
  return false;
}

void ServerConnection::take_choice(tls::NameChoice choice) noexcept {
  if (state_ != State::open || !std::exchange(choosing_, false)) return;
  const auto chosen = context_of(*role_.names, transport_.server_name(), std::move(choice));
  (void)answer_hello(chosen);
  pump();
}

/// The handshake's next step is costly: it runs when the shard says so. False.
bool ServerConnection::ask_for_step() noexcept {
  const bool is_parked = deadlines_.is_set(Deadline::turn);
  // A client that left while it waited for the answer to its hello costs nothing more.
  if (!handshake_.begun() && transport_.stream().peer_ended()) {
    fail({.code = Code::tls_handshake_peer_closed});
  } else if (!is_parked || hold_hello()) {
    shard_.handshakes().ask(handshake_);
  }
  return false;
}

/// Who has not begun waits without a receive buffer. False: what it sent cannot be kept.
bool ServerConnection::hold_hello() noexcept {
  if (handshake_.begun()) return true;
  const auto held = transport_.hold();
  if (held) return true;
  transport_.refuse(held.error());
  fail(held.error());
  return false;
}

// Nothing is read, and so no step taken, while our flight has no room; it is asked for again then.
void ServerConnection::take_step() noexcept {
  deadlines_.clear(Deadline::turn);
  if (!send_credit_spent()) transport_.permit_step();
  pump();
}

// Half of the time that is left is for the round trips after the wait. Without that, a queue that
// grew until its wait is the timeout would answer only clients that then have no time to finish.
void ServerConnection::park_handshake() noexcept {
  if (!hold_hello()) return pump();
  const Time left = deadlines_.at(Deadline::phase) - shard_.now();
  deadlines_.set(Deadline::turn, shard_.now() + left / 2);
  deadlines_.arm(shard_.timers());
}

void ServerConnection::leave_handshakes() noexcept {
  deadlines_.clear(Deadline::turn);
  shard_.handshakes().leave(handshake_);
}

bool ServerConnection::begin_exchange() noexcept {
  exchange_block_ = shard_.exchange_blocks().try_take();
  if (!exchange_block_) {
    fail({.code = Code::response_stream_no_blocks});
    return false;
  }
  const MutableBytes block = exchange_block_.bytes();
  exchange_ = std::construct_at(reinterpret_cast<ExchangeState*>(block.data()), *this,
                                block.subspan(sizeof(ExchangeState)));
  return true;
}

void ServerConnection::on_head(const http::Step& step) noexcept {
  shard_.count_request();
  ++requests_;
  discarded_bytes_ = 0;
  if (!step.last) {
    // The head's views outlive the plaintext around them.
    if (!transport_.in_receive_buffer()) {
      if (auto settled = exchange_->parser().settle(); !settled) return fail(settled.error());
    } else {
      head_buffer_ = transport_.stream().received_buffer_id();
      shard_.receive_buffers().hold(head_buffer_);
      holds_head_buffer_ = true;
    }
  }
  limit_requests();
  exchange_->begin(role_.service, step.last);
}

void ServerConnection::limit_requests() noexcept {
  const Limits& limits = shard_.limits();
  const auto end_with_this = [this](Code code) {
    report({.code = code});
    exchange_->close_after();
  };
  const std::uint32_t requests_max = limits.requests_per_connection_max;
  if (requests_max > 0 && requests_ >= requests_max) {
    end_with_this(Code::request_stream_requests_spent);
  }
  const std::uint32_t pipelined_max = limits.pipelined_requests_max;
  if (pipelined_max > 0 && ++pipelined_ > pipelined_max) {
    end_with_this(Code::request_stream_pipelined_too_many);
  }
}

void ServerConnection::on_body(const http::Step& step) noexcept {
  if (exchange_->response_complete() && exchange_->handler_done()) {
    discarded_bytes_ += step.piece.size();
    if (discarded_bytes_ > exchange_->unread_bytes_max()) exchange_->close_after();
  } else {
    return exchange_->on_request_piece(step.piece, step.last);
  }
  if (step.last) exchange_->on_request_end();
}

/// The peer will send nothing more. True when there is something left to do about it.
bool ServerConnection::on_end_of_stream() noexcept {
  if (transport_.phase() == Transport::Phase::handshake) {
    fail({.code = Code::tls_handshake_peer_closed});
  } else if (exchange_ != nullptr && exchange_->tunnels() && !transport_.truncated()) {
    if (!exchange_->receives()) return false;
    exchange_->on_tunnel_end();
    return true;
  } else if (exchange_ == nullptr || !exchange_->receives()) {
    if (exchange_ == nullptr) end_after_flush();
  } else {
    fail({.code = transport_.truncated() ? Code::tls_record_truncated
                                         : Code::request_stream_cut_short});
  }
  return false;
}

/// A failure of what came in: of the handshake, the records or the request.
void ServerConnection::fail(const Error& error) noexcept {
  report(error);
  const Fault& fault = fault_of(error.code);
  if (exchange_ == nullptr && fault.reaction == Reaction::answer && !begin_exchange()) return;
  if (exchange_ != nullptr) {
    const bool answers = fault.reaction == Reaction::answer || exchange_->began();
    if (answers) exchange_->fail_request(error);
  }
  // An answer that is still being made, or sent, ends the connection when its exchange ends.
  const bool running = exchange_ != nullptr && exchange_->began() &&
                       (!exchange_->handler_done() || exchange_->answering());
  if (state_ == State::open && !running) end_after_flush();
}

void ServerConnection::wake_exchange(std::uint32_t request) noexcept {
  if (exchange_ == nullptr || !exchange_->began() || requests_ != request) return;
  exchange_->on_woken();
  pump();
}

void ServerConnection::end_exchange() noexcept {
  const bool reusable = exchange_->request_complete() && !exchange_->closes();
  shard_.count_response();
  discard_exchange();
  if (!reusable) end_after_flush();
}

void ServerConnection::discard_exchange() noexcept {
  if (exchange_ == nullptr) return;
  std::destroy_at(std::exchange(exchange_, nullptr));
  exchange_block_ = {};
  // The next request may have begun already: what it waits for begins anew.
  waiting_ = Waiting::nothing;
  for (const auto kind :
       {Deadline::phase, Deadline::request, Deadline::receive_rate, Deadline::handler}) {
    deadlines_.clear(kind);
  }
  if (std::exchange(holds_head_buffer_, false)) shard_.receive_buffers().release(head_buffer_);
}

// ---------------------------------------------------------------------------- ending

void ServerConnection::drain() noexcept {
  if (!rests()) return;
  deadlines_.set(Deadline::phase, std::min(shard_.rest_until(), deadlines_.at(Deadline::phase)));
  deadlines_.arm(shard_.timers());
}

void ServerConnection::cut_by_drain() noexcept {
  if (rests()) end_rest();
  if (state_ == State::stopping) return;
  if (state_ == State::open) report({.code = Code::drain_timed_out});
  stop(true);
}

void ServerConnection::cut() noexcept { stop(true); }

void ServerConnection::end_after_flush() noexcept {
  if (state_ != State::open) return;
  state_ = State::ending;
  leave_handshakes();
  transport_.send_close_notify();
  transport_.stream().flush();
  if (transport_.stream().queued_bytes() == 0) return finish_ending();
  update_deadlines();
}

void ServerConnection::finish_ending() noexcept {
  transport_.stream().shutdown_write();
  state_ = State::lingering;
  discarded_bytes_ = 0;
  linger();
}

/// Closing with unread bytes makes the kernel send a reset, which can destroy our answer on its
/// way; so what still comes is read and dropped, within bounds, until the peer's FIN.
void ServerConnection::linger() noexcept {
  discarded_bytes_ += transport_.discard_received();
  const bool enough = discarded_bytes_ > shard_.limits().unread_body_bytes_max;
  // Where the kernel cannot open what comes, it cannot be dropped either: the deadline ends it.
  if (transport_.stream().peer_ended() || enough) return stop(false);
  update_deadlines();
}

void ServerConnection::on_broken(int error_number) noexcept {
  if (passes_through()) return passthrough_->on_client_broken(error_number);
  const bool busy = state_ == State::open && (exchange_ != nullptr || !secured_);
  if (busy && header_ != nullptr) {
    if (header_->begun()) {
      report({.code = Code::proxy_header_peer_closed, .detail = error_number});
    }
  } else if (busy && transport_.phase() == Transport::Phase::handshake) {
    report({.code = Code::tls_handshake_peer_closed, .detail = error_number});
  } else if (busy && exchange_ != nullptr) {
    const bool answering = exchange_->request_complete();
    report(
        {.code = answering ? Code::response_stream_peer_closed : Code::request_stream_peer_closed,
         .detail = error_number});
  }
  stop(false);
}

// A handler that waits is told, and runs to its end, before the slot can be reused.
void ServerConnection::stop(bool reset) noexcept {
  if (state_ == State::stopping) return;
  state_ = State::stopping;
  leave_handshakes();
  deadlines_.cancel(shard_.timers());
  if (exchange_ != nullptr) exchange_->fail_transport();
  if (passthrough_ != nullptr) passthrough_->stop(reset);
  transport_.stop(reset);
}

void ServerConnection::on_settled() noexcept {
  if (--unsettled_ > 0) return;
  discard_exchange();
  if (passthrough_ != nullptr) tell_passed_through();
  tell(&Observer::disconnected);
  shard_.release(*this);
}

} // namespace ringfort::net
