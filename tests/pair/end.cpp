#include "tests/pair/end.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::tls {

namespace {

MutableBytes writable(std::string& text) { return std::as_writable_bytes(std::span(text)); }

} // namespace

void PairEnd::deliver(std::string_view bytes) {
  waiting_ += bytes;
  while (!failure_ && !closed_ && (channel_ ? open_record() : shake_hands())) {}
}

/// One call of the handshake; true when there is more to do with what waits.
bool PairEnd::shake_hands() {
  const auto progress = handshake().receive(bytes_of(waiting_));
  take_handshake_output();
  if (!progress) {
    fail_with(progress.error());
    return false;
  }
  waiting_.erase(0, progress->consumed_bytes);
  if (progress->wants == Handshake::Wants::context) return choose_context();
  if (progress->wants == Handshake::Wants::input) return false;
  const auto keys = handshake().take_keys();
  RINGFORT_CHECK(keys.has_value());
  channel_.emplace(*Channel::create(*library_, *keys, limits_, side_));
  on_secured();
  return true;
}

bool PairEnd::open_record() {
  const auto record_bytes = channel_->record_bytes(bytes_of(waiting_));
  if (!record_bytes) {
    fail_with(record_bytes.error());
    return false;
  }
  if (*record_bytes == 0 || *record_bytes > waiting_.size()) return false;
  const std::string sealed = waiting_.substr(0, *record_bytes);
  const auto opened = channel_->receive(writable(waiting_).first(*record_bytes));
  if (!opened) {
    fail_with(opened.error());
    return false;
  }
  received_ += text_of(opened->plaintext);
  closed_ = opened->kind == Channel::Kind::closed;
  on_opened(opened->kind, sealed);
  waiting_.erase(0, *record_bytes);
  if (channel_->owes_control()) take_control();
  return true;
}

void PairEnd::take_handshake_output() {
  const Bytes output = handshake().output();
  outgoing_ += text_of(output);
  handshake().output_sent(output.size());
}

void PairEnd::take_control() {
  std::array<std::byte, Channel::control_record_bytes_max> room;
  const auto sealed = channel_->seal_control(room);
  RINGFORT_CHECK(sealed.has_value());
  outgoing_ += text_of(Bytes(room).first(*sealed));
}

void PairEnd::fail_with(const Error& error) {
  failure_ = error;
  if (!channel_) return;
  std::array<std::byte, Channel::control_record_bytes_max> room;
  const auto sealed = channel_->seal_alert(alert_for(error), room);
  if (sealed) outgoing_ += text_of(Bytes(room).first(*sealed));
}

std::string PairEnd::take_outgoing() { return std::exchange(outgoing_, {}); }

void PairEnd::write(std::string_view text) {
  std::array<std::byte, Channel::record_bytes_max> room;
  while (!text.empty()) {
    if (channel_->owes_control()) take_control();
    const Bytes piece = bytes_of(text.substr(0, Channel::plaintext_bytes_max));
    const auto sealed = channel_->seal({&piece, 1}, room);
    if (!sealed) {
      failure_ = sealed.error();
      return;
    }
    outgoing_ += text_of(Bytes(room).first(*sealed));
    text.remove_prefix(piece.size());
  }
}

void PairEnd::close() {
  std::array<std::byte, Channel::control_record_bytes_max> room;
  const auto sealed = channel_->seal_alert(Alert::close_notify, room);
  RINGFORT_CHECK(sealed.has_value());
  outgoing_ += text_of(Bytes(room).first(*sealed));
}

} // namespace ringfort::tls
