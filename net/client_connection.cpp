#include "net/client_connection.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "net/agent.hpp"
#include "net/send_credit.hpp"
#include "net/serving_shard.hpp"
#include "tls/alerts.hpp"

namespace ringfort::net {

ClientConnection::ClientConnection(std::uint64_t id, Agent& agent, Pool& pool, int descriptor,
                                   const engine::SocketAddress& peer,
                                   const OpeningTimes& times) noexcept
    : id_(id), agent_(agent), pool_(pool), peer_(peer), times_(times),
      trust_(pool.destination.encrypted ? &agent.epochs().current() : nullptr),
      opened_at_(agent.shard().now()), entered_at_(opened_at_), sent_at_(opened_at_),
      idle_for_max_(agent.options().idle_timeout),
      transport_(agent.shard().stream_home(), descriptor, *this, agent.shard().tls_library(),
                 agent.session_for(pool)),
      deadlines_(this,
                 [](void* self) noexcept { static_cast<ClientConnection*>(self)->on_timer(); }),
      pump_(this,
            [](void* self) noexcept { static_cast<ClientConnection*>(self)->on_deferred(); }) {
  if (trust_ != nullptr) ++trust_->connection_count;
}

bool ClientConnection::outdated() const noexcept {
  return trust_ != nullptr && agent_.epochs().outdated(*trust_);
}

void ClientConnection::start() noexcept {
  const bool introduced =
      transport_.stream().queue(bytes_of(pool_.destination.preface)).has_value();
  if (!introduced) fail_soon({.code = Code::call_no_blocks});
  transport_.stream().start();
  pump();
}

// ---------------------------------------------------------------------------- moving on

void ClientConnection::pump() noexcept {
  if (pumping_) return;
  pumping_ = true;
  while (step()) {}
  pumping_ = false;
  if (state_ == State::stopping) return;
  transport_.stream().flush();
  if (state_ == State::ending && transport_.stream().queued_bytes() == 0) return stop(false);
  update_deadlines();
}

// A pump that is under way comes to it by itself.
void ClientConnection::pump_soon() noexcept {
  if (!pumping_) agent_.shard().loop().defer(pump_);
}

void ClientConnection::fail_soon(const Error& error) noexcept {
  if (!soon_) soon_ = error;
  agent_.shard().loop().defer(pump_);
}

void ClientConnection::on_deferred() noexcept {
  if (settled_) return agent_.release(*this);
  if (const auto error = std::exchange(soon_, std::nullopt)) return fail(*error);
  pump();
}

/// One step of progress; false when the connection has to wait for something.
bool ClientConnection::step() noexcept {
  switch (state_) {
  case State::opening: return open();
  case State::idle:
    if (const auto plaintext = transport_.receive(); !plaintext) {
      on_lost_while_idle(plaintext.error());
    } else if (!plaintext->empty()) {
      on_lost_while_idle(Error{.code = Code::answer_unexpected});
    } else if (transport_.ended()) {
      on_lost_while_idle(std::nullopt);
    }
    return false;
  case State::busy:
    if (call_->tunnel_over()) {
      release_call();
      return false;
    }
    return call_->wants_more() && parse_more();
  case State::ending:
  case State::stopping: break;
  }
  return false;
}

/// The server has ended it, or said what nobody asked for. Before it has served anybody that is the
/// answer to the call that it was made for.
void ClientConnection::on_lost_while_idle(std::optional<Error> error) noexcept {
  agent_.count_retired();
  end_after_flush();
  if (has_served()) {
    if (error) agent_.shard().report({.code = error->code, .connection = id_}, peer_);
    return;
  }
  const Code code = transport_.encrypted() ? Code::tls_handshake_peer_closed : Code::answer_none;
  const Error told = as_told(error.value_or(Error{.code = code}));
  agent_.fail_oldest(pool_, told, Phase::wait, times_);
}

/// True once it can serve.
bool ClientConnection::open() noexcept {
  if (const auto received = transport_.receive(); !received) {
    fail(received.error());
    return false;
  }
  if (transport_.phase() == Transport::Phase::handshake) {
    if (transport_.stream().ended()) fail({.code = Code::tls_handshake_peer_closed});
    return false;
  }
  times_.tls = agent_.shard().now() - opened_at_;
  state_ = State::idle;
  agent_.on_opened(*this, transport_.encrypted() ? &transport_.server_facts() : nullptr);
  return true;
}

void ClientConnection::take(CallState& call) noexcept {
  state_ = State::busy;
  call_ = &call;
  interim_answers_ = 0;
  discarded_bytes_ = 0;
  broken_by_ = 0;
  held_failure_.reset();
  if (calls_ == 0) call.add_times(times_);
  entered_at_ = sent_at_ = agent_.shard().now();
  call.begin(*this, calls_++ > 0);
  pump_soon();
}

void ClientConnection::read_more() noexcept {
  while (state_ == State::busy && call_ != nullptr && !call_->has_piece() &&
         !call_->response_complete() && parse_more()) {}
}

/// Takes one event out of the plaintext; false when nothing more can be had now.
bool ClientConnection::parse_more() noexcept {
  if (call_->at_interim()) return false;
  const auto plaintext = transport_.receive();
  if (!plaintext) {
    fail(plaintext.error());
    return false;
  }
  if (plaintext->empty()) {
    if (held_failure_) {
      fail(*std::exchange(held_failure_, std::nullopt));
    } else if (transport_.ended()) {
      on_end_of_stream();
    }
    return false;
  }
  if (call_->tunnels()) return take_raw(*plaintext);
  const auto step = call_->parser().parse(*plaintext);
  if (!step) {
    fail(step.error());
    return false;
  }
  transport_.consume(step->consumed_bytes);
  if (call_->head_done() && !call_->abandoned()) entered_at_ = agent_.shard().now();
  switch (step->event) {
  case http::Event::need_more: break;
  case http::Event::head: on_head(*step, plaintext->size() - step->consumed_bytes); break;
  case http::Event::body:
    discarded_bytes_ += call_->abandoned() ? step->piece.size() : 0;
    call_->on_piece(step->piece, step->last);
    break;
  case http::Event::end: on_end(); break;
  }
  if (call_ != nullptr && call_->abandoned()) drain_answer();
  return true;
}

/// What a tunnel's server says is what it is.
bool ClientConnection::take_raw(MutableBytes plaintext) noexcept {
  transport_.consume(plaintext.size());
  entered_at_ = agent_.shard().now();
  call_->on_piece(plaintext, false);
  return true;
}

void ClientConnection::on_head(const http::Step& step, std::size_t rest_bytes) noexcept {
  const bool interim = call_->parser().status() < 200 && call_->parser().status() != 101;
  if (interim && ++interim_answers_ > interim_answers_max) {
    return fail({.code = Code::answer_malformed});
  }
  if (auto kept = keep_head(rest_bytes); !kept) return fail(kept.error());
  if (call_->refuses_switch()) return fail({.code = Code::answer_bad_switch});
  if (!interim) note_keep_alive();
  call_->on_head(step.last);
}

/// The call may outlive the buffers that its head lies in. A buffer is held for an answer that is
/// here whole: for what is still to come it would be held as long as that takes.
Result<> ClientConnection::keep_head(std::size_t rest_bytes) noexcept {
  const http::Parser& parser = call_->parser();
  const bool answers = parser.status() >= 200 && !call_->opens_tunnel();
  const bool whole =
      parser.framing() == http::BodyFraming::none ||
      (parser.framing() == http::BodyFraming::length && parser.content_length() <= rest_bytes);
  const bool holds = answers && whole && !call_->holds_buffer() && transport_.in_receive_buffer() &&
                     !agent_.shard().receive_buffers().scarce();
  if (!holds) return call_->parser().settle();
  call_->hold_buffer(transport_.stream().received_buffer_id());
  return {};
}

/// Trailers outlive the buffers too.
void ClientConnection::on_end() noexcept {
  if (auto settled = call_->parser().settle(); !settled) return fail(settled.error());
  call_->on_end();
}

/// "timeout=N" (RFC 2068 section 19.7.1.1): a second less, because our next request is on its way
/// for some time.
void ClientConnection::note_keep_alive() noexcept {
  constexpr std::string_view mark = "timeout=";
  const std::string_view hint = call_->parser().fields().find("keep-alive").value_or("");
  const std::size_t at = hint.find(mark);
  if (at == hint.npos) return;
  const char* const end = hint.data() + hint.size();
  std::uint32_t seconds = 0;
  if (std::from_chars(hint.data() + at + mark.size(), end, seconds).ec != std::errc{}) return;
  const std::chrono::milliseconds told = std::chrono::seconds(std::max(seconds, 1U) - 1);
  idle_for_max_ = std::min(agent_.options().idle_timeout, told);
}

// ---------------------------------------------------------------------------- a call's end

void ClientConnection::on_end_of_stream() noexcept {
  const bool complete = call_->tunnels() || call_->parser().finish();
  if (complete && !transport_.truncated() && call_->head_done()) return call_->on_end();
  fail(error_at_end());
}

/// What it means for the call that nothing more comes.
Error ClientConnection::error_at_end() const noexcept {
  if (call_->head_done() || !call_->parser().idle()) {
    const bool truncated = transport_.truncated();
    return {.code = truncated ? Code::tls_record_truncated : Code::answer_cut_short,
            .detail = broken_by_};
  }
  const bool uploading = !call_->request_complete() || transport_.stream().queued_bytes() > 0;
  return {.code = uploading ? Code::upload_peer_closed : Code::answer_none, .detail = broken_by_};
}

bool ClientConnection::reusable() const noexcept {
  const ClientOptions& options = agent_.options();
  const bool spent =
      options.calls_per_connection_max > 0 && calls_ >= options.calls_per_connection_max;
  const bool aged = options.connection_age_max.count() > 0 &&
                    agent_.shard().now() - opened_at_ >= options.connection_age_max;
  return !closes_ && !spent && !aged && call_->request_complete() && call_->response_complete() &&
         call_->parser().keep_alive() && !call_->tunnels() && idle_for_max_.count() > 0 &&
         !transport_.stream().peer_ended();
}

void ClientConnection::release_call() noexcept {
  const bool reused = reusable();
  CallState& call = *std::exchange(call_, nullptr);
  soon_.reset(); // It was the call's.
  if (reused) state_ = State::idle;
  if (!reused) end_after_flush();
  call.on_released();
  if (!reused) return;
  entered_at_ = agent_.shard().now();
  (void)step(); // What has come already, and nobody asked for, is no answer to the next call.
  if (state_ == State::idle) free_once_sent();
  pump_soon();
}

/// A server that answered before it had the whole request may not want the rest, and close.
void ClientConnection::free_once_sent() noexcept {
  flushing_ = transport_.stream().queued_bytes() > 0;
  if (!flushing_) agent_.on_free(*this);
}

/// The caller has lost interest: what little is left of the answer is read, so that the connection
/// can serve others, or it is closed.
void ClientConnection::on_abandoned() noexcept {
  entered_at_ = agent_.shard().now();
  drain_answer();
}

void ClientConnection::drain_answer() noexcept {
  if (call_->response_complete()) return release_call();
  const std::uint64_t left_max = agent_.shard().limits().unread_body_bytes_max;
  const bool counted = call_->parser().framing() == http::BodyFraming::length;
  const bool drains = call_->head_done() && call_->request_complete() && !call_->tunnels() &&
                      call_->parser().framing() != http::BodyFraming::until_close &&
                      discarded_bytes_ <= left_max &&
                      (!counted || call_->parser().content_length() <= left_max) && !held_failure_;
  if (!drains) return fail({.code = Code::call_ended});
  pump_soon();
}

/// What a transport says of its peer, in the words of a call.
Error ClientConnection::as_told(Error error) noexcept {
  // In TLS 1.3 the client's handshake is over when the server misses its certificate.
  constexpr int certificate_required = static_cast<int>(tls::Alert::certificate_required);
  if (error.code == Code::tls_record_peer_alert && error.detail == certificate_required) {
    error.code = Code::tls_handshake_server_wants_certificate;
  }
  if (error.code == Code::response_stream_no_blocks) error.code = Code::call_no_blocks;
  if (error.code == Code::response_stream_peer_closed) error.code = Code::upload_peer_closed;
  return error;
}

void ClientConnection::on_awaited() noexcept {
  entered_at_ = agent_.shard().now();
  pump_soon();
}

void ClientConnection::fail(const Error& error) noexcept {
  if (state_ == State::stopping) return;
  // A piece that its reader still looks at lies in this connection's buffers.
  if (call_ != nullptr && call_->has_piece() && !call_->abandoned()) {
    held_failure_ = held_failure_.value_or(error);
    return;
  }
  const bool was_opening = state_ == State::opening;
  CallState* const call = std::exchange(call_, nullptr);
  const bool anew =
      call != nullptr && call->can_start_anew() && fault_of(error.code).stage != Stage::call;
  const bool lost = transport_.stream().ended() || transport_.stream().broken();
  if (anew || lost || fault_of(error.code).origin == Origin::limit) {
    stop(true);
  } else {
    end_after_flush();
  }
  if (was_opening) {
    times_.tls = agent_.shard().now() - opened_at_;
    return agent_.on_not_opened(pool_, error, Phase::tls, times_);
  }
  if (call == nullptr) return;
  if (anew) return agent_.start_anew(*call);
  const Error told = as_told(error);
  if (!call->abandoned()) agent_.shard().report(told, peer_);
  call->fail(told);
}

// ---------------------------------------------------------------------------- the stream

void ClientConnection::on_sent() noexcept {
  deadlines_.clear(Deadline::write); // Progress: the stall is counted anew.
  sent_at_ = agent_.shard().now();
  const bool room =
      transport_.stream().queued_bytes() <= agent_.shard().limits().send_credit_bytes / 2;
  // Mostly the whole request is out, and its answer still to come: there is nothing to move on.
  if (state_ == State::busy && !call_->wants_to_send() && !ends_direction_) {
    return update_deadlines();
  }
  if (call_ != nullptr && call_->wants_to_send() && room) call_->on_room();
  if (ends_direction_) shut_direction();
  if (flushing_ && state_ == State::idle) free_once_sent();
  pump();
}

/// Close_notify and FIN, once everything before them is sent; the server may go on.
void ClientConnection::end_direction() noexcept {
  ends_direction_ = true;
  transport_.send_close_notify();
  transport_.stream().flush();
  shut_direction();
}

void ClientConnection::shut_direction() noexcept {
  if (transport_.stream().queued_bytes() > 0) return;
  ends_direction_ = false;
  transport_.stream().shutdown_write();
}

bool ClientConnection::waits_for_sent() const noexcept {
  return state_ == State::ending || ends_direction_ || flushing_ ||
         (call_ != nullptr && call_->wants_to_send());
}

void ClientConnection::on_installed(engine::Completion) noexcept {}

// What the server sent before it left, an early answer perhaps, is still read.
void ClientConnection::on_broken(int error_number) noexcept {
  switch (state_) {
  case State::opening:
    return fail({.code = Code::tls_handshake_peer_closed, .detail = error_number});
  case State::idle: return on_lost_while_idle(std::nullopt);
  case State::busy: return on_broken_call(error_number);
  case State::ending:
  case State::stopping: stop(true);
  }
}

void ClientConnection::on_broken_call(int error_number) noexcept {
  if (call_->can_start_anew()) {
    return fail({.code = Code::upload_peer_closed, .detail = error_number});
  }
  const bool may_answer = broken_by_ == 0 && transport_.stream().receiving();
  broken_by_ = error_number;
  if (!may_answer) held_failure_ = error_at_end();
  call_->drop_upload();
  pump_soon();
}

void ClientConnection::on_settled() noexcept {
  settled_ = true;
  if (!pump_.linked()) agent_.release(*this);
}

// ---------------------------------------------------------------------------- ending

void ClientConnection::retire() noexcept {
  if (state_ != State::idle) return;
  end_after_flush();
  pump();
}

void ClientConnection::end_after_flush() noexcept {
  if (state_ == State::ending || state_ == State::stopping) return;
  agent_.on_leaving(*this);
  if (transport_.stream().broken()) return stop_now(true);
  state_ = State::ending;
  entered_at_ = agent_.shard().now();
  transport_.send_close_notify();
  pump_soon();
}

void ClientConnection::stop(bool reset) noexcept {
  if (state_ == State::stopping) return;
  if (state_ != State::ending) agent_.on_leaving(*this);
  stop_now(reset);
}

void ClientConnection::stop_now(bool reset) noexcept {
  state_ = State::stopping;
  deadlines_.cancel(agent_.shard().timers());
  transport_.stop(reset);
}

// ---------------------------------------------------------------------------- what is told

bool ClientConnection::send_credit_spent() const noexcept {
  return net::send_credit_spent(transport_.stream().queued_bytes(),
                                agent_.shard().limits().send_credit_bytes,
                                agent_.shard().loop().blocks());
}

ServerFacts ClientConnection::facts() const noexcept {
  ServerFacts facts;
  if (!pool_.destination.encrypted) return facts; // A proxy's are not the server's.
  const tls::ClientSessionFacts& settled = transport_.server_facts();
  facts.version = tls::name_of(settled.suite->version);
  facts.suite = settled.suite->name;
  facts.protocol = settled.protocol;
  facts.resumed = settled.resumed;
  facts.certificates = settled.certificates.get();
  return facts;
}

} // namespace ringfort::net
