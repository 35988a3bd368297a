// The way of a call's request out, and of what goes into its tunnel.
#include <algorithm>
#include <array>
#include <utility>

#include "http/serializer.hpp"
#include "net/agent.hpp"
#include "net/body_part.hpp"
#include "net/call_state.hpp"
#include "net/client_connection.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

using http::BodyFraming;
using http::CycleEvent;
using http::Side;

void CallState::begin(ClientConnection& connection, bool reused) noexcept {
  enter(Phase::upload);
  pending_until_ = ConnectionDeadlines::never;
  connection_ = &connection;
  reused_ = reused;
  const Stream& stream = connection.transport().stream();
  sent_before_bytes_ = stream.sent_bytes();
  received_before_bytes_ = stream.received_bytes();
  peer_ = peer_name(connection);
  server_ = connection.facts();
  pending_head_ = head_;
  if (!streams_) body_rest_ = body_;
  cycle_.on(Side::request, CycleEvent::head);
  on_room();
}

void CallState::release_upload() noexcept {
  continued_ = true;
  on_room();
}

void CallState::send_more() noexcept {
  if (upload_dropped_) body_rest_ = {};
  if (connection_ == nullptr || upload_dropped_) return;
  if (streams_ && !pending_head_.empty() && !send_part({})) return;
  if (!upload_held() && send_body()) complete_request();
}

/// True once all of the request has been given to the transport.
bool CallState::send_body() noexcept {
  if (request_complete()) return false;
  while (!pending_head_.empty() || !body_rest_.empty()) {
    if (connection_->send_credit_spent()) return false;
    if (!send_part(take_part(pending_head_.size(), body_rest_))) return false;
  }
  if (!streams_) return true;
  return finishing_ && sent(connection_->transport().send({&last_chunk_, 1}));
}

/// With the head, if that has not gone yet.
bool CallState::send_part(Bytes part) noexcept {
  return sent(net::send_part(connection_->transport(), std::exchange(pending_head_, {}), part,
                             framing_ == BodyFraming::chunked));
}

bool CallState::sent(const Result<>& result) noexcept {
  if (!result) connection_->fail_soon(result.error());
  connection_->pump_soon();
  return result.has_value();
}

void CallState::on_room() noexcept {
  if (!waits(Wait::write)) return send_more();
  if (try_write()) tell({Wait::write});
}

void CallState::complete_request() noexcept {
  if (tunnel_) {
    direction_ended_ = true;
    connection_->end_direction();
    return;
  }
  cycle_.on(Side::request, CycleEvent::complete);
  requested_at_ = agent_.shard().now();
  if (phase_ == Phase::upload) enter(Phase::wait);
}

void CallState::begin_write(Bytes piece) noexcept {
  if (!write_result_ || failure_) return;
  const bool over = framing_ == BodyFraming::length && piece.size() > length_left_;
  if (!streams_ || finishing_ || over) {
    write_result_ = ringfort::fail(Code::call_wrong_length);
    return;
  }
  if (framing_ == BodyFraming::length) length_left_ -= piece.size();
  body_rest_ = piece;
}

void CallState::begin_finish(std::span<const Field> trailers) noexcept {
  if (!write_result_ || failure_ || finishing_) return;
  if (!streams_ || (framing_ == BodyFraming::length && length_left_ > 0)) {
    write_result_ = ringfort::fail(Code::call_wrong_length);
    return;
  }
  if (framing_ == BodyFraming::chunked) {
    std::array<std::byte, http::last_chunk_bytes_max> last_chunk;
    const auto written = http::write_last_chunk(last_chunk, trailers, Code::call_bad_request);
    write_result_ = written ? keep(last_chunk_, Bytes(last_chunk).first(*written))
                            : Result<>(std::unexpected(written.error()));
    if (!write_result_) return;
  }
  finishing_ = true;
}

bool CallState::try_write() noexcept {
  if (!write_result_ || refusal()) return true;
  const std::size_t before_bytes = body_rest_.size();
  send_more();
  if (body_rest_.size() < before_bytes) taken_ = true;
  if (failure_ || upload_dropped_) return true;
  if (connection_ == nullptr || upload_held()) return false;
  return body_rest_.empty() && (!finishing_ || request_complete());
}

Result<> CallState::take_write() noexcept {
  if (const auto refused = refusal()) return std::unexpected(*refused);
  if (tunnel_ && upload_dropped_ && !direction_ended_) {
    return ringfort::fail(Code::upload_peer_closed);
  }
  return write_result_;
}

void CallState::drop_upload() noexcept {
  upload_dropped_ = true;
  taken_ = taken_ || (streams_ && !body_rest_.empty()); // Its writer is told that it has gone.
  body_rest_ = {};
  tell({Wait::write});
}

bool CallState::wants_to_send() const noexcept {
  return !upload_dropped_ && !upload_held() &&
         (!pending_head_.empty() || !body_rest_.empty() || (finishing_ && !request_complete()));
}

void CallState::release_payload() noexcept {
  body_ = body_rest_ = {};
  if (payload_release_) std::exchange(payload_release_, nullptr)();
}

} // namespace ringfort::net
