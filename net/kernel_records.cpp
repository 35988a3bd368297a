#include "net/kernel_records.hpp"

#include <cerrno>

#include "tls/kernel_keys.hpp"

namespace ringfort::net {

using engine::RecordSide;

void KernelRecords::begin(const tls::Suite& suite) noexcept {
  wants_send_ = home_.records.kernel_sends(suite);
  wants_receive_ = home_.records.kernel_receives(suite);
  if (!wants_send_) keep_send();
  if (!wants_receive_) keep_receive();
}

void KernelRecords::hand_over(tls::Channel& channel, bool at_boundary) noexcept {
  if (!pending() || (wants_send_ && stream_.queued_bytes() > 0)) return;
  if (wants_send_) {
    if (install(RecordSide::send, channel.send_keys())) {
      wants_send_ = false;
      sends_ = true;
      channel.let_kernel_seal(home_.records.rekeys());
      ++home_.record_counters.kernel_send;
    } else {
      ++home_.record_counters.refused;
      keep_send();
    }
  }
  if (!wants_receive_ || !at_boundary || stream_.receiving()) return;
  if (!stream_.peer_ended() && install(RecordSide::receive, channel.receive_keys())) {
    wants_receive_ = false;
    receives_ = true;
    channel.let_kernel_open();
    ++home_.record_counters.kernel_receive;
    stream_.receive_opened();
  } else {
    ++home_.record_counters.refused;
    keep_receive();
  }
}

bool KernelRecords::install(RecordSide side, const tls::DirectionKeys& keys) noexcept {
  engine::Ring& ring = home_.loop.ring();
  if (ring.enable_records(stream_.descriptor()) < 0) return false;
  return ring.set_record_keys(stream_.descriptor(), side, tls::KernelKeys(keys).bytes()) == 0;
}

void KernelRecords::keep_send() noexcept {
  wants_send_ = false;
  ++home_.record_counters.user_send;
}

void KernelRecords::keep_receive() noexcept {
  wants_receive_ = false;
  ++home_.record_counters.user_receive;
  stream_.receive_freely();
}

void KernelRecords::abandon() noexcept {
  if (wants_send_) keep_send();
  if (wants_receive_) keep_receive();
  stream_.receive_freely(); // It may also end before its handshake does.
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

Result<> KernelRecords::rekey(RecordSide side, const tls::DirectionKeys& keys) noexcept {
  if (!home_.records.rekeys()) return fail(Code::tls_record_key_update_unsupported);
  const int result =
      home_.loop.ring().set_record_keys(stream_.descriptor(), side, tls::KernelKeys(keys).bytes());
  if (result < 0) return fail(Code::tls_record_key_update_unsupported, -result);
  return {};
}

} // namespace ringfort::net
