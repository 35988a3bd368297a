#include "net/kernel_records.hpp"

#include <cerrno>

namespace ringfort::net {

using engine::RecordSide;

void KernelRecords::begin(const tls::Suite& suite) noexcept {
  send_ = receive_ = Side::wanted;
  if (!home_.records.kernel_sends(suite)) keep_send();
  if (!home_.records.kernel_receives(suite)) keep_receive();
}

void KernelRecords::hand_over(tls::Channel& channel, bool at_boundary) noexcept {
  if (installation_ != nullptr || (send_ == Side::wanted && stream_.queued_bytes() > 0)) return;
  const bool receives_now = receive_ == Side::wanted && at_boundary && !stream_.receiving();
  if (receives_now && stream_.peer_ended()) {
    settle_receive(channel, false);
  } else if (receives_now) {
    receive_ = Side::installing;
  }
  if (send_ == Side::wanted) send_ = Side::installing;
  const bool receives = receive_ == Side::installing;
  if (!installs_send() && !receives) return;

  installation_ = std::make_unique<Installation>();
  engine::RecordInstall install{.protocol = !has_protocol_};
  if (installs_send()) {
    installation_->send = tls::KernelKeys(channel.send_keys());
    install.send_keys = installation_->send.bytes();
  }
  if (receives) {
    installation_->receive = tls::KernelKeys(channel.receive_keys());
    install.receive_keys = installation_->receive.bytes();
  }
  const auto answer = stream_.install_records(install);
  ++(answer ? home_.record_counters.by_calls : home_.record_counters.by_ring);
  if (!answer) return;
  on_installed(channel, *answer);
  hand_over(channel, at_boundary); // A receive whose turn did not come, because a send was refused.
}

void KernelRecords::on_installed(tls::Channel& channel, engine::Completion completion) noexcept {
  using engine::RecordStep;
  installation_.reset();
  const auto last = static_cast<RecordStep>(completion.step());
  const bool failed = completion.result < 0;
  const bool no_protocol = failed && last == RecordStep::protocol;
  has_protocol_ = !no_protocol;
  if (send_ == Side::installing) settle_send(channel, !failed || last == RecordStep::receive);
  if (receive_ == Side::installing && failed && last == RecordStep::send) {
    receive_ = Side::wanted; // Its turn did not come.
  } else if (receive_ == Side::installing) {
    settle_receive(channel, !failed);
  }
  if (no_protocol && receive_ == Side::wanted) settle_receive(channel, false);
  if (no_protocol && send_ == Side::wanted) settle_send(channel, false);
  if (abandoned_) abandon();
}

void KernelRecords::settle_send(tls::Channel& channel, bool installed) noexcept {
  if (!installed) {
    ++home_.record_counters.refused;
    return keep_send();
  }
  send_ = Side::kernel;
  channel.let_kernel_seal(home_.records.rekeys());
  ++home_.record_counters.kernel_send;
}

void KernelRecords::settle_receive(tls::Channel& channel, bool installed) noexcept {
  if (!installed) {
    ++home_.record_counters.refused;
    return keep_receive();
  }
  receive_ = Side::kernel;
  channel.let_kernel_open();
  ++home_.record_counters.kernel_receive;
  stream_.receive_opened();
}

void KernelRecords::keep_send() noexcept {
  send_ = Side::user;
  ++home_.record_counters.user_send;
}

void KernelRecords::keep_receive() noexcept {
  receive_ = Side::user;
  ++home_.record_counters.user_receive;
  stream_.receive_freely();
}

void KernelRecords::abandon() noexcept {
  abandoned_ = true;
  if (send_ == Side::wanted) keep_send();
  if (receive_ == Side::wanted) keep_receive();
  // It may also end before its handshake does.
  if (receive_ == Side::user) stream_.receive_freely();
}

namespace {

/// What an errno of a receive from such a socket says (tls.rst, and net/tls/tls_sw.c).
std::unexpected<Error> receive_failure(int error_number) noexcept {
  switch (error_number) {
  case EBADMSG: return fail(Code::tls_record_bad_mac, error_number);
  case EMSGSIZE: return fail(Code::tls_record_oversized, error_number);
  case EKEYEXPIRED: return fail(Code::tls_record_key_update_unsupported, error_number);
  default: return fail(Code::tls_record_malformed, error_number);
  }
}

} // namespace

Result<tls::Channel::Received> KernelRecords::receive_control(tls::Channel& channel) noexcept {
  engine::ControlRecord record;
  // After a record that is not right too: it takes the error off the socket, where our alert would
  // meet it.
  const int bytes = home_.loop.ring().receive_control(stream_.descriptor(), record);
  if (stream_.receive_stopped_by() != EIO) return receive_failure(stream_.receive_stopped_by());
  if (bytes < 0 && bytes != -EAGAIN) return receive_failure(-bytes);
  if (bytes < 0 || record.type == 0) { // Gone again: the next receive says what there is.
    stream_.resume_receive();
    return tls::Channel::Received{tls::Channel::Kind::control, {}};
  }
  const auto type = static_cast<tls::ContentType>(record.type);
  if (type == tls::ContentType::application_data) return fail(Code::tls_record_malformed);
  const auto received =
      channel.receive_opened(type, MutableBytes(record.content).first(record.size));
  if (!received) return received;
  if (type == tls::ContentType::handshake) { // A KeyUpdate: the next record has other keys.
    if (auto keyed = rekey(RecordSide::receive, channel.receive_keys()); !keyed) {
      return std::unexpected(keyed.error());
    }
  }
  stream_.resume_receive();
  return received;
}

bool KernelRecords::discard_control() noexcept {
  if (stream_.receive_stopped_by() == 0) return true;
  if (stream_.receive_stopped_by() != EIO) return false;
  engine::ControlRecord record;
  const int bytes = home_.loop.ring().receive_control(stream_.descriptor(), record);
  if (bytes < 0 && bytes != -EAGAIN) return false; // EAGAIN: it was taken before.
  stream_.resume_receive();
  return true;
}

Result<> KernelRecords::send_key_update() noexcept {
  if (stream_.sends_record_first()) return {};
  if (!home_.records.rekeys()) return fail(Code::tls_record_key_update_unsupported);
  stream_.send_record_first(static_cast<std::uint8_t>(tls::ContentType::handshake),
                            tls::Channel::key_update_message);
  return {};
}

Result<> KernelRecords::on_sent(tls::Channel& channel) noexcept {
  if (!stream_.holds_sends()) return {};
  if (auto advanced = channel.advance_send_keys(); !advanced) return advanced;
  if (auto keyed = rekey(RecordSide::send, channel.send_keys()); !keyed) return keyed;
  stream_.release_sends();
  return {};
}

// A call, not an operation: the record after a KeyUpdate cannot be sent or opened before it.
Result<> KernelRecords::rekey(RecordSide side, const tls::DirectionKeys& keys) noexcept {
  if (!home_.records.rekeys()) return fail(Code::tls_record_key_update_unsupported);
  const tls::KernelKeys given(keys);
  const int result =
      home_.loop.ring().replace_record_keys(stream_.descriptor(), side, given.bytes());
  if (result < 0) return fail(Code::tls_record_key_update_unsupported, -result);
  return {};
}

} // namespace ringfort::net
