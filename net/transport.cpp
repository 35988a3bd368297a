#include "net/transport.hpp"

#include <algorithm>
#include <array>

#include "tls/alerts.hpp"

namespace ringfort::net {

Transport::Transport(StreamHome& home, int descriptor, StreamOwner& owner,
                     const tls::Library* library) noexcept
    : home_(home), library_(library), stream_(home, descriptor, owner),
      reader_(home.loop.blocks(), stream_), kernel_(home, stream_),
      phase_(library == nullptr ? Phase::plain : Phase::handshake) {
  if (library != nullptr && home.records.wants_kernel()) stream_.receive_singly();
}

Transport::Transport(StreamHome& home, int descriptor, StreamOwner& owner,
                     const tls::Library* library,
                     std::unique_ptr<tls::ClientSession> session) noexcept
    : home_(home), library_(session == nullptr ? nullptr : library),
      stream_(home, descriptor, owner), reader_(home.loop.blocks(), stream_),
      kernel_(home, stream_), phase_(session == nullptr ? Phase::plain : Phase::handshake) {
  if (session == nullptr) return;
  client_ = std::make_unique<ClientSide>(std::move(session));
}

bool Transport::ended() const noexcept {
  if (!plaintext_.empty()) return false;
  return peer_closed_ || stream_.ended();
}

bool Transport::truncated() const noexcept {
  return phase_ == Phase::records && !peer_closed_ && stream_.ended();
}

Result<MutableBytes> Transport::receive_secured() noexcept {
  release();
  if (phase_ == Phase::handshake) {
    const auto advanced = client_ == nullptr ? advance_handshake() : advance_client();
    if (!advanced) return fail_with(advanced.error());
  }
  auto received = kernel_.receives() ? receive_opened() : receive_records();
  if (!received) return fail_with(received.error());
  if (plaintext_.empty()) move_on();
  return plaintext_;
}

Result<MutableBytes> Transport::receive_records() noexcept {
  // What a record asks for may have to be answered, and who seals that is not known.
  if (kernel_.installs_send()) return plaintext_;
  while (phase_ == Phase::records && plaintext_.empty() && !peer_closed_) {
    release();
    const auto record = reader_.next(*channel_);
    if (!record) return record;
    if (record->empty()) break;
    if (auto opened = open_record(*record); !opened) return std::unexpected(opened.error());
  }
  return plaintext_;
}

/// Of records that the kernel has opened.
Result<MutableBytes> Transport::receive_opened() noexcept {
  while (phase_ == Phase::records && !peer_closed_) {
    if (const MutableBytes data = stream_.received(); !data.empty()) {
      const auto received = channel_->receive_opened(tls::ContentType::application_data, data);
      if (!received) return std::unexpected(received.error());
      plain_bytes_ = data.size();
      if (auto taken = take(*received); !taken) return std::unexpected(taken.error());
      break;
    }
    if (stream_.receive_stopped_by() == 0) break;
    const auto received = kernel_.receive_control(*channel_);
    if (!received) return std::unexpected(received.error());
    if (auto taken = take(*received); !taken) return std::unexpected(taken.error());
  }
  return plaintext_;
}

void Transport::move_records_on() noexcept {
  if (phase_ == Phase::handshake) {
    if (!stream_.has_received()) stream_.receive_next(0);
    return;
  }
  if (phase_ != Phase::records || !kernel_.pending()) return;
  const bool at_boundary = plaintext_.empty() && reader_.empty() && !stream_.has_received();
  kernel_.hand_over(*channel_, at_boundary);
  // Of a record that was begun, the rest and no byte more: what follows is the kernel's to open.
  if (kernel_.wants_receive() && reader_.partial() && !stream_.has_received()) {
    stream_.receive_next(static_cast<std::uint32_t>(reader_.missing_bytes()));
  }
}

Result<> Transport::on_sent() noexcept {
  if (phase_ != Phase::records) return {};
  move_on();
  return kernel_.on_sent(*channel_);
}

Result<> Transport::on_installed(engine::Completion completion) noexcept {
  const bool unsealed = kernel_.installs_send();
  kernel_.on_installed(*channel_, completion);
  if (unsealed) {
    if (auto settled = settle_queued(); !settled) return settled;
  }
  move_on();
  return {};
}

/// What was queued while nobody knew who seals it goes to the kernel as it is, or is sealed here.
Result<> Transport::settle_queued() noexcept {
  if (kernel_.sends()) {
    const std::size_t bytes = stream_.queued_bytes();
    return bytes == 0 ? Result<>{}
                      : channel_->count_sealed(bytes / tls::Channel::plaintext_bytes_max + 1);
  }
  SendQueue unsealed = stream_.take_queued();
  for (iovec place; unsealed.gather({&place, 1}) > 0; unsealed.accepted(place.iov_len)) {
    const Bytes piece{static_cast<const std::byte*>(place.iov_base), place.iov_len};
    if (auto sent = send_records({&piece, 1}); !sent) return sent;
  }
  const Bytes alert = stream_.take_last_record();
  if (!alert.empty()) queue_alert(static_cast<tls::Alert>(alert.back()));
  return {};
}

std::size_t Transport::discard_received() noexcept {
  std::size_t dropped_bytes = 0;
  do {
    while (stream_.has_received()) {
      const std::size_t bytes = stream_.received().size();
      dropped_bytes += bytes;
      stream_.consume(bytes);
    }
  } while (stream_.receive_stopped_by() != 0 && kernel_.discard_control());
  return dropped_bytes;
}

// The alert goes out even though the connection is lost: it tells the peer why.
Result<MutableBytes> Transport::fail_with(const Error& error) noexcept {
  if (error.code == Code::tls_record_key_update_unsupported) {
    peer_closed_ = true; // Nothing is wrong with the peer: what it asked for is still answered.
    return std::unexpected(error);
  }
  if (phase_ == Phase::handshake) {
    (void)queue_session_output();
  } else if (channel_ && !sent_close_) {
    queue_alert(tls::alert_for(error));
  }
  phase_ = Phase::failed;
  session_.reset();
  if (client_ != nullptr) client_->session.reset();
  return std::unexpected(error);
}

Result<> Transport::advance_handshake() noexcept {
  if (session_ == nullptr) {
    session_ = std::make_unique<tls::Session>(*library_, home_.loop.unix_seconds());
  }
  while (!wants_context_) {
    const MutableBytes input = stream_.received();
    const bool holds_hello = session_->holds_hello();
    if (input.empty() && !holds_hello) return {};
    wants_step_ = session_->step_costs() && !std::exchange(step_permitted_, false);
    if (wants_step_) return {};
    const auto progress = session_->receive(input);
    if (!progress) return std::unexpected(progress.error());
    if (auto queued = queue_session_output(); !queued) return queued;
    // The buffer goes back last: consuming may hand it to the kernel.
    if (progress->consumed_bytes > 0) stream_.consume(progress->consumed_bytes);
    switch (progress->wants) {
    case tls::Session::Wants::nothing: return begin_records();
    case tls::Session::Wants::context: wants_context_ = true; break;
    case tls::Session::Wants::input:
      if (progress->consumed_bytes == 0 && !holds_hello) return {};
    }
  }
  return {};
}

/// A client speaks first, and has to wait for nobody's decision.
Result<> Transport::advance_client() noexcept {
  for (;;) {
    const MutableBytes input = stream_.received();
    if (input.empty() && std::exchange(client_->greeted, true)) return {};
    const auto progress = client_->session->receive(input);
    if (!progress) return std::unexpected(progress.error());
    if (auto queued = queue_session_output(); !queued) return queued;
    if (progress->consumed_bytes > 0) stream_.consume(progress->consumed_bytes);
    if (progress->wants == tls::Handshake::Wants::nothing) return begin_client_records();
  }
}

void Transport::use(std::shared_ptr<const tls::ShardContext> context) noexcept {
  wants_context_ = false;
  session_->use(std::move(context));
}

std::vector<std::byte> Transport::leave_unopened() noexcept {
  wants_context_ = false;
  phase_ = Phase::plain;
  library_ = nullptr;
  std::vector<std::byte> beginning = session_->take_hello();
  session_.reset();
  return beginning;
}

Result<> Transport::hold() {
  while (stream_.has_received()) {
    const Bytes input = stream_.received();
    if (auto held = session_->hold(input); !held) return held;
    stream_.consume(input.size());
  }
  move_on();
  return {};
}

void Transport::refuse(const Error& error) {
  wants_context_ = false;
  session_->refuse(tls::alert_for(error));
  (void)fail_with(error);
}

Result<> Transport::open_channel(tls::Handshake& handshake, tls::Side side) noexcept {
  const auto keys = handshake.take_keys();
  if (!keys) return std::unexpected(keys.error());
  auto channel = tls::Channel::create(*library_, *keys, {}, side);
  if (!channel) return std::unexpected(channel.error());
  channel_.emplace(std::move(*channel));
  phase_ = Phase::records;
  return {};
}

Result<> Transport::begin_records() noexcept {
  if (auto opened = open_channel(*session_, tls::Side::server); !opened) return opened;
  facts_ = session_->take_facts();
  session_.reset();
  kernel_.begin(*facts_.suite);
  return {};
}

/// OpenSSL's tickets of TLS 1.3 are still to come, so the session stays for a while.
Result<> Transport::begin_client_records() noexcept {
  if (auto opened = open_channel(*client_->session, tls::Side::client); !opened) return opened;
  client_->facts = client_->session->take_facts();
  return {};
}

tls::Handshake* Transport::handshake() const noexcept {
  if (client_ != nullptr) return client_->session.get();
  return session_.get();
}

Result<> Transport::queue_session_output() noexcept {
  tls::Handshake* const handshake = this->handshake();
  if (handshake == nullptr) return {};
  while (!handshake->output().empty()) {
    const Bytes output = handshake->output();
    const MutableBytes space = stream_.send_space(1);
    if (space.empty()) return fail(Code::response_stream_no_blocks);
    const std::size_t bytes = std::min(output.size(), space.size());
    copy_into(space, output.first(bytes));
    stream_.commit(bytes);
    handshake->output_sent(bytes);
  }
  return {};
}

Result<> Transport::open_record(MutableBytes record) noexcept {
  if (client_ != nullptr && client_->session != nullptr) return open_early_record(record);
  const auto received = channel_->receive(record);
  if (!received) return std::unexpected(received.error());
  return take(*received);
}

/// The first records of a client's side may be tickets, of which OpenSSL makes sessions. It has to
/// see each record as it came, so with the first one that is none, or is long, it is let go.
Result<> Transport::open_early_record(MutableBytes record) noexcept {
  std::array<std::byte, 4'096> sealed;
  const std::size_t bytes = record.size();
  const bool kept = bytes <= sealed.size();
  if (kept) copy_into(sealed, record);
  const auto received = channel_->receive(record);
  if (!received) return std::unexpected(received.error());
  const bool ticket = received->kind == tls::Channel::Kind::ticket;
  if (!kept || !ticket || !client_->session->receive_ticket(Bytes(sealed).first(bytes))) {
    client_->session.reset();
  }
  return take(*received);
}

Result<> Transport::take(const tls::Channel::Received& received) noexcept {
  if (received.kind == tls::Channel::Kind::closed) {
    peer_closed_ = true;
  } else if (received.kind == tls::Channel::Kind::data) {
    plaintext_ = received.plaintext;
  } else if (channel_->owes_control()) {
    return send_control();
  }
  return {};
}

Result<> Transport::send_secured(std::span<const Bytes> pieces) noexcept {
  if (phase_ == Phase::records && !sent_close_) {
    if (kernel_.installs_send()) return stream_.queue(pieces); // See settle_queued().
    return kernel_.sends() ? send_to_kernel(pieces) : send_records(pieces);
  }
  return fail(Code::response_stream_peer_closed);
}

/// The kernel makes records of at most 16 KiB of what one send gives it.
Result<> Transport::send_to_kernel(std::span<const Bytes> pieces) noexcept {
  std::size_t bytes = 0;
  for (const Bytes piece : pieces) bytes += piece.size();
  if (channel_->owes_control()) {
    if (auto sent = send_control(); !sent) return sent;
  }
  const std::size_t records = bytes / tls::Channel::plaintext_bytes_max + 1;
  if (auto counted = channel_->count_sealed(records); !counted) return counted;
  return stream_.queue(pieces);
}

Result<> Transport::send_records(std::span<const Bytes> pieces) noexcept {
  constexpr std::size_t pieces_max = 4;
  RINGFORT_CHECK(pieces.size() <= pieces_max);
  std::array<Bytes, pieces_max> record;
  std::size_t record_pieces = 0;
  std::size_t record_bytes = 0;
  for (Bytes piece : pieces) {
    while (!piece.empty()) {
      const std::size_t room = tls::Channel::plaintext_bytes_max - record_bytes;
      const std::size_t bytes = std::min(room, piece.size());
      record[record_pieces++] = piece.first(bytes);
      record_bytes += bytes;
      piece = piece.subspan(bytes);
      if (record_bytes < tls::Channel::plaintext_bytes_max) continue;
      if (auto sent = send_one_record({record.data(), record_pieces}, record_bytes); !sent) {
        return sent;
      }
      record_pieces = 0;
      record_bytes = 0;
    }
  }
  if (record_bytes == 0) return {};
  return send_one_record({record.data(), record_pieces}, record_bytes);
}

Result<> Transport::send_one_record(std::span<const Bytes> pieces, std::size_t bytes) noexcept {
  if (channel_->owes_control()) {
    if (auto sent = send_control(); !sent) return sent;
  }
  const MutableBytes out = stream_.send_space(bytes + tls::Channel::record_overhead_bytes_max);
  if (out.empty()) return fail(Code::response_stream_no_blocks);
  const auto sealed = channel_->seal(pieces, out);
  if (!sealed) return std::unexpected(sealed.error());
  stream_.commit(*sealed);
  return {};
}

Result<> Transport::send_control() noexcept {
  if (kernel_.sends()) return kernel_.send_key_update();
  const MutableBytes out = stream_.send_space(tls::Channel::control_record_bytes_max);
  if (out.empty()) return fail(Code::response_stream_no_blocks);
  const auto sealed = channel_->seal_control(out);
  if (!sealed) return std::unexpected(sealed.error());
  stream_.commit(*sealed);
  return {};
}

void Transport::queue_alert(tls::Alert alert) noexcept {
  sent_close_ = true;
  if (kernel_.sends() || kernel_.installs_send()) {
    return stream_.send_record_last(static_cast<std::uint8_t>(tls::ContentType::alert),
                                    tls::Channel::alert_message(alert));
  }
  const MutableBytes out = stream_.send_space(tls::Channel::control_record_bytes_max);
  if (out.empty()) return;
  if (const auto sealed = channel_->seal_alert(alert, out)) stream_.commit(*sealed);
}

void Transport::stop(bool reset) noexcept {
  plaintext_ = {};
  plain_bytes_ = 0; // The stream gives its buffers back itself.
  reader_.forget();
  stream_.stop(reset);
}

void Transport::send_close_notify() noexcept {
  kernel_.abandon();
  if (phase_ == Phase::records && !sent_close_) queue_alert(tls::Alert::close_notify);
}

} // namespace ringfort::net
