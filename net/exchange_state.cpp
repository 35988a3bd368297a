#include "net/exchange_state.hpp"

#include <algorithm>
#include <array>

#include "http/status.hpp"
#include "net/body_part.hpp"
#include "net/server_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

using http::BodyFraming;
using http::CycleEvent;
using http::Side;

ExchangeState::ExchangeState(ServerConnection& connection, MutableBytes arena_block) noexcept
    : connection_(connection),
      arena_(arena_block), pace_{.left = connection.shard().limits().request_timeout,
                                 .handler_left = connection.shard().limits().handler_timeout},
      parser_(http::Role::server, connection.shard().authorities(),
              &connection.shard().known_heads(), arena_, connection.shard().parser_limits()),
      unread_bytes_max_(connection.shard().limits().unread_body_bytes_max) {}

ExchangeState::~ExchangeState() {
  if (began_) tell_answered();
  release_payload();
}

void ExchangeState::tell_answered() noexcept {
  Observer* const observer = connection_.shard().observer();
  if (observer == nullptr) return;
  observer->answered(*this, {.status = status_,
                             .whole = request_complete() && response_complete() && !failed(),
                             .received_body_bytes = received_body_bytes_,
                             .sent_body_bytes = sent_body_bytes_,
                             .request = connection_.request_number(),
                             .taken = connection_.shard().now() - began_at_});
}

void ExchangeState::begin(Service& service, bool request_complete) noexcept {
  began_ = true;
  began_at_ = connection_.shard().now();
  cycle_.on(Side::request, request_complete ? CycleEvent::head_only : CycleEvent::head);
  if (Observer* const observer = connection_.shard().observer()) observer->requested(*this);
  service.begin(*this);
  handler_done_ = !has_task_;
  after_handler_ran();
}

void ExchangeState::adopt(Task<> task) noexcept {
  if (!task) return refuse_response(Code::handler_no_memory);
  task_ = std::move(task);
  has_task_ = true;
}

void ExchangeState::on_threw() noexcept {
  connection_.report({.code = Code::handler_threw});
  answer_fault({.code = Code::handler_threw});
}

/// The handler has run as far as it can for now: is it done, and did it keep its side?
void ExchangeState::after_handler_ran() noexcept {
  if (has_task_ && !handler_done_ && task_.done()) {
    handler_done_ = true;
    if (task_.threw()) on_threw();
  }
  if (aborted_ && !transport_failed_) return connection_.cut();
  if (!handler_done_ || transport_failed_ || response_complete()) return;
  if (tunnel_) {
    send_pending_head();
    complete_response();
  } else if (unanswered()) {
    // A request that failed is answered with its own status, not with the handler's silence.
    const Error error = request_failure_.value_or(Error{.code = Code::handler_no_response});
    if (!request_failure_) connection_.report(error);
    if (fault_of(error.code).reaction == Reaction::close) return connection_.end_unanswered();
    answer_fault(error);
  } else if (payload_rest_.empty()) {
    if (!request_failure_) connection_.report({.code = Code::response_stream_wrong_length});
    connection_.cut();
  }
}

// ---------------------------------------------------------------------------- the request body

bool ExchangeState::awaits_continue() const noexcept {
  return began_ && !continued_ && parser_.expects_continue() && parser_.head().version_minor > 0;
}

void ExchangeState::on_request_piece(Bytes piece, bool last) noexcept {
  if (last) cycle_.on(Side::request, CycleEvent::complete);
  has_piece_ = true;
  piece_ = piece;
  received_body_bytes_ += piece.size();
  resume(Wait::read);
}

void ExchangeState::on_request_end() noexcept {
  cycle_.on(Side::request, CycleEvent::complete);
  resume(Wait::read);
}

void ExchangeState::fail_request(const Error& error) noexcept {
  request_failure_ = error;
  close_ = true;
  if (!began_) {
    answer_fault(error);
    handler_done_ = true;
  } else {
    resume_all_but_write();
  }
}

std::unexpected<Error> ExchangeState::refuse_body() noexcept {
  const Error error{.code = Code::request_stream_body_too_large};
  connection_.report(error);
  fail_request(error);
  return std::unexpected(error);
}

void ExchangeState::fail_transport() noexcept {
  transport_failed_ = true;
  close_ = true;
  release_payload();
  write_result_ = fail(Code::response_stream_peer_closed);
  resume(Wait::write);
  resume_all_but_write();
}

// ---------------------------------------------------------------------------- the response

bool ExchangeState::begin_response(int status, std::span<const Field> fields, BodyFraming framing,
                                   std::uint64_t length) noexcept {
  if (!unanswered()) {
    connection_.report({.code = Code::handler_answered_twice});
    return false;
  }
  const bool old_client = began_ && parser_.head().version_minor == 0;
  body_forbidden_ = http::forbids_body(parser_.method(), status);
  close_ = close_ || connection_.shard().parting() || !began_ || !parser_.keep_alive();
  if (framing == BodyFraming::chunked && old_client) {
    framing = BodyFraming::until_close; // HTTP/1.0 knows no chunks.
    close_ = true;
  }
  // A body that was never asked for may or may not follow: only a close tells the two apart.
  if (awaits_continue() && !request_complete()) close_ = true;
  // After CONNECT there is no next request, and what follows would be a tunnel's bytes.
  const bool tunnel = began_ && parser_.head().method == Method::connect && status / 100 == 2;
  if (tunnel) close_ = body_forbidden_ = true;
  const bool unframed = status == 204 || status == 304 || tunnel;
  const bool length_of_other = status == 304 && framing == BodyFraming::length && length > 0;
  const bool says_framing = (framing == BodyFraming::length || framing == BodyFraming::chunked) &&
                            (!unframed || length_of_other);
  const http::ResponseHead head{
      .status = status,
      .fields = fields,
      .unix_seconds = unix_seconds(),
      .framing = says_framing ? framing : BodyFraming::none,
      .content_length = length,
      .close = close_,
      .keep_alive = old_client && !close_,
  };
  if (!write_head(head)) return false;
  framing_ = framing;
  length_left_ = length;
  return true;
}

/// The head waits to share a record with what follows it. False: it cannot be sent, and a fault is
/// answered instead.
bool ExchangeState::write_head(const http::ResponseHead& head) noexcept {
  ServingShard& shard = connection_.shard();
  const auto written = shard.heads().write(head);
  if (!written) {
    refuse_response(Code::handler_bad_response);
    return false;
  }
  status_ = head.status;
  pending_head_ = *written;
  pace_.handler_left = shard.limits().handler_timeout;
  cycle_.on(Side::response, CycleEvent::head);
  return true;
}

void ExchangeState::respond(int status, std::span<const Field> fields, Payload&& payload) noexcept {
  const Bytes bytes = payload.bytes();
  if (!begin_response(status, fields, BodyFraming::length, bytes.size())) {
    if (auto release = payload.take_release()) release();
    return;
  }
  send_payload(std::move(payload));
}

/// Head and payload share a record when they fit one; the rest follows as the window frees.
void ExchangeState::send_payload(Payload&& payload) noexcept {
  const Bytes bytes = body_forbidden_ ? Bytes{} : payload.bytes();
  if (payload.is_owned()) payload_release_ = payload.take_release();
  const std::size_t first_bytes =
      std::min(bytes.size(), tls::Channel::plaintext_bytes_max -
                                 std::min(pending_head_.size(), tls::Channel::plaintext_bytes_max));
  const std::array pieces{std::exchange(pending_head_, {}), bytes.first(first_bytes)};
  if (auto sent = connection_.transport().send(pieces); !sent) return fail_write(sent.error());
  sent_body_bytes_ += bytes.size();
  payload_rest_ = bytes.subspan(first_bytes);
  if (payload.is_copied() && !payload_rest_.empty()) {
    const auto copy = arena_.copy(payload_rest_);
    if (!copy) {
      connection_.report({.code = Code::handler_no_memory});
      payload_rest_ = {};
      return connection_.cut();
    }
    payload_rest_ = *copy;
  }
  if (payload_rest_.empty()) return complete_response();
  send_payload_rest();
}

void ExchangeState::send_payload_rest() noexcept {
  Transport& transport = connection_.transport();
  while (!payload_rest_.empty()) {
    if (connection_.send_credit_spent()) return;
    const std::array part{
        payload_rest_.first(std::min(payload_rest_.size(), tls::Channel::plaintext_bytes_max))};
    if (auto sent = transport.send(part); !sent) return fail_write(sent.error());
    payload_rest_ = payload_rest_.subspan(part[0].size());
  }
  complete_response();
}

void ExchangeState::complete_response() noexcept {
  release_payload();
  cycle_.on(Side::response, CycleEvent::complete);
  if (framing_ == BodyFraming::until_close) close_ = true;
}

void ExchangeState::stream(int status, std::span<const Field> fields,
                           std::optional<std::uint64_t> length) noexcept {
  const auto framing = length ? BodyFraming::length : BodyFraming::chunked;
  if (!begin_response(status, fields, framing, length.value_or(0))) {
    write_result_ = fail(Code::handler_bad_response);
    return;
  }
  keep_pending_head();
}

/// It lies where the shard writes the next head: what has to wait moves into the arena.
void ExchangeState::keep_pending_head() noexcept {
  const auto copy = arena_.copy(pending_head_);
  if (!copy) return send_pending_head();
  pending_head_ = *copy;
}

void ExchangeState::send_pending_head() noexcept {
  if (pending_head_.empty()) return;
  const std::array pieces{std::exchange(pending_head_, {})};
  if (auto sent = connection_.transport().send(pieces); !sent) fail_write(sent.error());
}

void ExchangeState::begin_write(Bytes piece) noexcept {
  if (transport_failed_ || !write_result_) return;
  if (response_complete()) {
    write_result_ = fail(Code::response_stream_wrong_length);
    return;
  }
  pace_.handler_left = connection_.shard().limits().handler_timeout;
  if (framing_ == BodyFraming::length && !body_forbidden_ && piece.size() > length_left_) {
    write_result_ = fail(Code::response_stream_wrong_length);
    return;
  }
  if (framing_ == BodyFraming::length) length_left_ -= std::min(length_left_, piece.size());
  write_rest_ = body_forbidden_ ? Bytes{} : piece;
  sent_body_bytes_ += write_rest_.size();
}

/// Moves the rest of a write into the window; true when the write is over.
bool ExchangeState::try_write() noexcept {
  if (transport_failed_) write_result_ = fail(Code::response_stream_peer_closed);
  while (write_result_ && !write_rest_.empty()) {
    if (connection_.send_credit_spent()) return false;
    const Bytes part = take_part(pending_head_.size(), write_rest_);
    const auto sent = send_part(connection_.transport(), std::exchange(pending_head_, {}), part,
                                framing_ == BodyFraming::chunked);
    if (!sent) fail_write(sent.error());
  }
  return true;
}

void ExchangeState::begin_finish(std::span<const Field> trailers) noexcept {
  if (!write_result_ || transport_failed_) return;
  if (framing_ == BodyFraming::length && length_left_ > 0 && !body_forbidden_) {
    write_result_ = fail(Code::response_stream_wrong_length);
    return;
  }
  if (response_complete()) return;
  if (framing_ == BodyFraming::chunked && !body_forbidden_) {
    std::array<std::byte, http::last_chunk_bytes_max> last_chunk;
    const auto written = http::write_last_chunk(last_chunk, trailers);
    if (!written) {
      write_result_ = std::unexpected(written.error());
      return;
    }
    const std::array pieces{std::exchange(pending_head_, {}), Bytes(last_chunk).first(*written)};
    if (auto sent = connection_.transport().send(pieces); !sent) return fail_write(sent.error());
  } else {
    send_pending_head();
  }
  if (!write_result_) return;
  complete_response();
  if (tunnel_) end_direction();
}

void ExchangeState::fail_write(const Error& error) noexcept {
  write_result_ = std::unexpected(error);
  write_rest_ = {};
  release_payload();
  if (transport_failed_) return;
  connection_.report(error);
  connection_.cut();
}

void ExchangeState::on_sent() noexcept {
  if (!payload_rest_.empty()) send_payload_rest();
  if (ends_direction_) end_direction();
  const Stream& stream = connection_.transport().stream();
  if (!waits_.on(Wait::write)) return;
  if (stream.queued_bytes() > connection_.shard().limits().send_credit_bytes / 2) return;
  // A write that failed has ended the connection, and with it the wait.
  if (try_write()) resume(Wait::write);
}

// ---------------------------------------------------------------------------- faults

/// What the handler asked for cannot be sent: its fault's own status is, if anything still can.
void ExchangeState::refuse_response(Code code) noexcept {
  connection_.report({.code = code});
  answer_fault({.code = code});
}

void ExchangeState::answer_fault(const Error& error) noexcept {
  if (transport_failed_ || response_complete()) return;
  if (!unanswered()) return connection_.cut();
  const Fault& fault = fault_of(error.code);
  close_ = true;
  const int status = fault.status != 0 ? fault.status : 500;
  static constexpr Field fields[] = {{"content-type", "text/plain"}};
  const std::string_view reason = http::reason_phrase(status);
  if (begin_response(status, fields, BodyFraming::length, reason.size())) {
    send_payload(Payload::forever(reason));
  }
}

bool ExchangeState::draining() const noexcept { return connection_.shard().parting(); }

std::size_t ExchangeState::body_bytes_max() const noexcept {
  return connection_.shard().limits().body_bytes_max;
}

std::int64_t ExchangeState::unix_seconds() const noexcept {
  return connection_.shard().unix_seconds();
}

const ConnectionFacts& ExchangeState::facts() noexcept {
  if (!facts_) facts_ = connection_.facts(arena_);
  return *facts_;
}

ConnectionEnds ExchangeState::ends() noexcept { return connection_.ends(); }
std::string_view ExchangeState::peer() const noexcept { return connection_.peer_text(); }
bool ExchangeState::encrypted() const noexcept { return connection_.transport().encrypted(); }

} // namespace ringfort::net
