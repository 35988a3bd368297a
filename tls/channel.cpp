#include "tls/channel.hpp"

namespace ringfort::tls {

namespace {

enum class HandshakeType : std::uint8_t {
  hello_request = 0,
  client_hello = 1,
  new_session_ticket = 4,
  key_update = 24,
};

/// Asks for another handshake (RFC 5246 section 7.4.1).
bool renegotiates(Bytes message, Side side) noexcept {
  if (message.empty()) return false;
  const auto type = static_cast<HandshakeType>(message[0]);
  return type ==
         (side == Side::server ? HandshakeType::client_hello : HandshakeType::hello_request);
}

} // namespace

Channel::Channel(const Library& library, RecordCipher opener, RecordCipher sealer,
                 const ChannelLimits& limits, Side side) noexcept
    : library_(&library), opener_(std::move(opener)), sealer_(std::move(sealer)), limits_(limits),
      side_(side), key_sealed_from_(sealer_.keys().sequence), send_keys_last_(!sealer_.is_1_3()) {}

Result<Channel> Channel::create(const Library& library, const TrafficKeys& keys,
                                const ChannelLimits& limits, Side side) noexcept {
  auto opener = RecordCipher::create(library, RecordCipher::Direction::open, keys.receive);
  auto sealer = RecordCipher::create(library, RecordCipher::Direction::seal, keys.send);
  if (!opener || !sealer) return fail(Code::tls_record_crypto_failed);
  return Channel(library, std::move(*opener), std::move(*sealer), limits, side);
}

bool Channel::rest() noexcept {
  const bool held = !opener_.resting() || !sealer_.resting();
  opener_.rest();
  sealer_.rest();
  return held;
}

Result<std::size_t> Channel::record_bytes(Bytes input) const noexcept {
  if (input.size() < record_header_bytes) return std::size_t{0};
  const auto type = static_cast<ContentType>(input[0]);
  // After the handshake every TLS 1.3 record is protected, and says application_data outside.
  const bool known = opener_.is_1_3()
                         ? type == ContentType::application_data
                         : type == ContentType::alert || type == ContentType::handshake ||
                               type == ContentType::application_data;
  if (!known || input[1] != std::byte{3}) return fail(Code::tls_record_malformed);
  const std::size_t bytes = record_header_bytes + (std::to_integer<std::size_t>(input[3]) << 8) +
                            std::to_integer<std::size_t>(input[4]);
  if (bytes > received_record_bytes_max) return fail(Code::tls_record_oversized);
  return bytes;
}

Result<Channel::Received> Channel::receive(MutableBytes record) noexcept {
  const auto opened = opener_.open(record);
  if (!opened) return std::unexpected(opened.error());
  return receive_opened(opened->type, opened->plaintext);
}

Result<Channel::Received> Channel::receive_opened(ContentType type,
                                                  MutableBytes plaintext) noexcept {
  if (tickets_.within_ticket() && type != ContentType::handshake) {
    return fail(Code::tls_record_unexpected_message);
  }
  switch (type) {
  case ContentType::application_data:
    if (!plaintext.empty()) without_data_ = 0;
    return Received{.kind = Kind::data, .plaintext = plaintext};
  case ContentType::alert: return receive_alert(plaintext);
  case ContentType::handshake: return receive_handshake(plaintext);
  default: return fail(Code::tls_record_unexpected_message);
  }
}

Result<Channel::Received> Channel::receive_alert(Bytes alert) noexcept {
  if (alert.size() != 2) return fail(Code::tls_record_malformed);
  const auto description = std::to_integer<int>(alert[1]);
  if (description == static_cast<int>(Alert::close_notify)) return Received{Kind::closed, {}};
  constexpr int user_canceled = 90; // A close_notify follows it (RFC 8446 section 6.1).
  if (description == user_canceled) return Received{Kind::control, {}};
  return fail(Code::tls_record_peer_alert, description);
}

Result<Channel::Received> Channel::receive_handshake(Bytes message) noexcept {
  if (tickets_.within_ticket() && !message.empty()) return receive_tickets(message);
  if (renegotiates(message, side_)) return fail(Code::tls_record_renegotiation);
  if (!opener_.is_1_3() || message.empty()) return fail(Code::tls_record_unexpected_message);
  const auto type = static_cast<HandshakeType>(message[0]);
  if (type == HandshakeType::new_session_ticket && side_ == Side::client) {
    return receive_tickets(message);
  }
  // One whole KeyUpdate and nothing else: the record after it has other keys.
  const bool key_update = type == HandshakeType::key_update && message.size() == 5 &&
                          message[1] == std::byte{0} && message[2] == std::byte{0} &&
                          message[3] == std::byte{1} && message[4] <= std::byte{1};
  if (!key_update) return fail(Code::tls_record_unexpected_message);
  if (auto counted = count_without_data(); !counted) return std::unexpected(counted.error());
  const auto next = next_generation(*library_, opener_.keys());
  if (!next) return std::unexpected(next.error());
  if (auto rekeyed = opener_.rekey(*next); !rekeyed) return std::unexpected(rekeyed.error());
  // Several requests before our next record are answered by one update (section 4.6.3).
  if (message[4] == std::byte{1}) owes_key_update_ = true;
  return Received{Kind::control, {}};
}

Result<Channel::Received> Channel::receive_tickets(Bytes fragment) noexcept {
  const auto tickets = tickets_.take(fragment);
  if (!tickets) return std::unexpected(tickets.error());
  for (std::uint32_t count = 0; count < *tickets; ++count) {
    if (auto counted = count_without_data(); !counted) return std::unexpected(counted.error());
  }
  return Received{Kind::ticket, {}};
}

Result<> Channel::count_without_data() noexcept {
  if (++without_data_ > limits_.key_updates_without_data_max) {
    return fail(Code::tls_record_key_update_flood);
  }
  return {};
}

Result<std::size_t> Channel::seal_control(MutableBytes out) noexcept {
  const Bytes piece(key_update_message);
  const auto sealed = sealer_.seal(ContentType::handshake, {&piece, 1}, out);
  if (!sealed) return sealed;
  if (auto advanced = advance_send_keys(); !advanced) return std::unexpected(advanced.error());
  return sealed;
}

Result<> Channel::advance_send_keys() noexcept {
  const auto next = next_generation(*library_, sealer_.keys());
  if (!next) return std::unexpected(next.error());
  if (auto rekeyed = sealer_.rekey(*next); !rekeyed) return std::unexpected(rekeyed.error());
  key_sealed_from_ = 0;
  owes_key_update_ = false;
  return {};
}

void Channel::let_kernel_seal(bool rekeys) noexcept {
  sealer_.hand_over();
  send_keys_last_ = send_keys_last_ || !rekeys;
}

Result<> Channel::count_sealed(std::uint64_t records) noexcept {
  if (auto spent = spend(records); !spent) return spent;
  sealer_.count(records);
  return {};
}

/// Whether the sealing key may protect that many records more.
Result<> Channel::spend(std::uint64_t records) noexcept {
  const std::uint64_t sealed_records = sealer_.keys().sequence - key_sealed_from_;
  if (sealed_records >= limits_.records_per_key) {
    // Otherwise our own KeyUpdate was owed one record ago.
    if (send_keys_last_) return fail(Code::tls_record_key_exhausted);
  } else if (!send_keys_last_ && sealed_records + records >= limits_.records_per_key) {
    owes_key_update_ = true;
  }
  return {};
}

Result<std::size_t> Channel::seal(std::span<const Bytes> pieces, MutableBytes out) noexcept {
  if (auto spent = spend(1); !spent) return std::unexpected(spent.error());
  return sealer_.seal(ContentType::application_data, pieces, out);
}

Result<std::size_t> Channel::seal_alert(Alert alert, MutableBytes out) noexcept {
  const auto message = alert_message(alert);
  const Bytes piece(message);
  return sealer_.seal(ContentType::alert, {&piece, 1}, out);
}

} // namespace ringfort::tls
