#include "tests/pair/server.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <ringfort/check.hpp>

namespace ringfort::tls {

namespace {

MutableBytes writable(std::string& text) { return std::as_writable_bytes(std::span(text)); }

} // namespace

PairServer::PairServer(const LiveNames& names, const ChannelLimits& limits)
    : library_(*Library::create()), names_(*ShardNames::create(*library_, names)), limits_(limits),
      session_(std::make_unique<Session>(*library_, std::time(nullptr))) {}

PairServer::PairServer(const Context& context, const Served& served, const ChannelLimits& limits)
    : library_(*Library::create()), only_(*ShardContext::create(*library_, context, served.entry)),
      limits_(limits), session_(std::make_unique<Session>(*library_, served.now_unix_s)) {}

void PairServer::deliver(std::string_view bytes) {
  waiting_ += bytes;
  while (!failure_ && !closed_ && (channel_ ? open_record() : shake_hands())) {}
}

bool PairServer::choose_context() {
  if (only_ != nullptr) {
    session_->use(only_);
    return true;
  }
  names_->refresh();
  const auto found = names_->find(session_->server_name());
  if (found) {
    session_->use(*found);
    return true;
  }
  session_->refuse(alert_for(found.error()));
  take_session_output();
  fail_with(found.error());
  return false;
}

/// One call of the session; true when there is more to do with what waits.
bool PairServer::shake_hands() {
  const auto progress = session_->receive(bytes_of(waiting_));
  take_session_output();
  if (!progress) {
    fail_with(progress.error());
    return false;
  }
  waiting_.erase(0, progress->consumed_bytes);
  if (progress->wants == Session::Wants::context) return choose_context();
  if (progress->wants == Session::Wants::input) return false;
  const auto keys = session_->take_keys();
  RINGFORT_CHECK(keys.has_value());
  facts_ = session_->take_facts();
  channel_.emplace(*Channel::create(*library_, *keys, limits_));
  session_.reset();
  return true;
}

bool PairServer::open_record() {
  const auto record_bytes = channel_->record_bytes(bytes_of(waiting_));
  if (!record_bytes) {
    fail_with(record_bytes.error());
    return false;
  }
  if (*record_bytes == 0 || *record_bytes > waiting_.size()) return false;
  const auto opened = channel_->receive(writable(waiting_).first(*record_bytes));
  if (!opened) {
    fail_with(opened.error());
    return false;
  }
  received_ += text_of(opened->plaintext);
  closed_ = opened->kind == Channel::Kind::closed;
  waiting_.erase(0, *record_bytes);
  if (channel_->owes_control()) take_control();
  return true;
}

void PairServer::take_session_output() {
  const Bytes output = session_->output();
  outgoing_ += text_of(output);
  session_->output_sent(output.size());
}

void PairServer::take_control() {
  std::array<std::byte, Channel::control_record_bytes_max> room;
  const auto sealed = channel_->seal_control(room);
  RINGFORT_CHECK(sealed.has_value());
  outgoing_ += text_of(Bytes(room).first(*sealed));
}

void PairServer::fail_with(const Error& error) {
  failure_ = error;
  if (!channel_) return;
  std::array<std::byte, Channel::control_record_bytes_max> room;
  const auto sealed = channel_->seal_alert(alert_for(error), room);
  if (sealed) outgoing_ += text_of(Bytes(room).first(*sealed));
}

std::string PairServer::take_outgoing() { return std::exchange(outgoing_, {}); }

void PairServer::write(std::string_view text) {
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

void PairServer::close() {
  std::array<std::byte, Channel::control_record_bytes_max> room;
  const auto sealed = channel_->seal_alert(Alert::close_notify, room);
  RINGFORT_CHECK(sealed.has_value());
  outgoing_ += text_of(Bytes(room).first(*sealed));
}

void converse(PairServer& server, peer::Client& client, std::size_t cut_bytes) {
  while (true) {
    const std::string to_server = client.take_outgoing();
    for (std::size_t at = 0; at < to_server.size(); at += std::min(cut_bytes, to_server.size())) {
      server.deliver(std::string_view(to_server).substr(at, cut_bytes));
    }
    const std::string to_client = server.take_outgoing();
    if (!to_client.empty()) client.deliver(bytes_of(to_client));
    if (to_server.empty() && to_client.empty()) return;
  }
}

} // namespace ringfort::tls
