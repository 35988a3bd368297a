#include "tests/sim/record_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <linux/tls.h>

namespace ringfort::sim {

namespace {

template <class Info>
std::optional<tls::DirectionKeys> read(Bytes description, const tls::Suite* suite,
                                       std::size_t salt_bytes) {
  Info info;
  if (suite == nullptr || description.size() != sizeof info) return {};
  std::memcpy(&info, description.data(), sizeof info);
  tls::DirectionKeys keys{.suite = suite};
  std::memcpy(keys.key.data(), info.key, sizeof info.key);
  if (salt_bytes > 0) std::memcpy(keys.iv.data(), info.salt, salt_bytes);
  for (const unsigned char byte : info.rec_seq) keys.sequence = keys.sequence << 8 | byte;
  const bool static_iv = suite->version == tls::Version::tls_1_3 || salt_bytes == 0;
  if (static_iv) {
    std::memcpy(keys.iv.data() + salt_bytes, info.iv, sizeof info.iv);
  } else if (std::memcmp(info.iv, info.rec_seq, sizeof info.rec_seq) != 0) {
    return {}; // Allowed by the kernel, but a nonce that has been used before would repeat.
  }
  return keys;
}

} // namespace

std::optional<tls::DirectionKeys> keys_of_description(Bytes description) {
  tls_crypto_info info;
  if (description.size() < sizeof info) return {};
  std::memcpy(&info, description.data(), sizeof info);
  const bool is_1_3 = info.version == TLS_1_3_VERSION;
  if (!is_1_3 && info.version != TLS_1_2_VERSION) return {};
  switch (info.cipher_type) {
  case TLS_CIPHER_AES_GCM_128:
    return read<tls12_crypto_info_aes_gcm_128>(description, tls::suite_of(is_1_3 ? 0x1301 : 0xc02b),
                                               4);
  case TLS_CIPHER_AES_GCM_256:
    return read<tls12_crypto_info_aes_gcm_256>(description, tls::suite_of(is_1_3 ? 0x1302 : 0xc02c),
                                               4);
  case TLS_CIPHER_CHACHA20_POLY1305:
    return read<tls12_crypto_info_chacha20_poly1305>(description,
                                                     tls::suite_of(is_1_3 ? 0x1303 : 0xcca9), 0);
  default: return {};
  }
}

int RecordSocket::set_keys(engine::RecordSide side, Bytes description, bool rekeys) {
  const auto keys = keys_of_description(description);
  if (!keys) return -EINVAL;
  const bool sends = side == engine::RecordSide::send;
  auto& cipher = sends ? sealer_ : opener_;
  const bool is_1_3 = keys->suite->version == tls::Version::tls_1_3;
  if (cipher.has_value() && (!rekeys || !is_1_3)) return -EBUSY;
  rekeys_ = rekeys;
  auto made = tls::RecordCipher::create(
      library_, sends ? tls::RecordCipher::Direction::seal : tls::RecordCipher::Direction::open,
      *keys);
  if (!made) return -ENOENT;
  cipher.emplace(std::move(*made));
  if (!sends) awaits_keys_ = false;
  return 0;
}

std::string RecordSocket::seal(tls::ContentType type, Bytes plaintext) {
  std::string sealed;
  std::array<std::byte, tls::record_plaintext_bytes_max + tls::record_overhead_bytes_max> room;
  do {
    const Bytes piece =
        plaintext.first(std::min(plaintext.size(), tls::record_plaintext_bytes_max));
    const auto bytes = sealer_->seal(type, {&piece, 1}, room);
    RINGFORT_CHECK(bytes.has_value());
    sealed += text_of(Bytes(room).first(*bytes));
    plaintext = plaintext.subspan(piece.size());
  } while (!plaintext.empty());
  return sealed;
}

namespace {

bool has_explicit_nonce(const tls::Suite& suite) noexcept {
  return suite.version == tls::Version::tls_1_2 && suite.aead != tls::Aead::chacha20_poly1305;
}

} // namespace

/// What Linux looks at before it waits for the rest (prepend_size): the explicit nonce too.
std::size_t RecordSocket::header_bytes() const noexcept {
  const bool nonce = has_explicit_nonce(*opener_->keys().suite);
  return tls::record_header_bytes + (nonce ? tls::explicit_nonce_bytes : 0);
}

/// What Linux says to a header, in its order (tls_rx_msg_size() in net/tls/tls_sw.c); 0: nothing.
int RecordSocket::header_error(std::size_t length) const noexcept {
  const std::size_t overhead = header_bytes() - tls::record_header_bytes + tls::record_tag_bytes;
  const std::size_t inner_type = opener_->is_1_3() ? 1 : 0;
  if (length > tls::record_plaintext_bytes_max + overhead + inner_type) return EMSGSIZE;
  if (length < overhead) return EBADMSG;
  return incoming_[1] == 3 && incoming_[2] == 3 ? 0 : EINVAL;
}

void RecordSocket::take(Link& link) {
  while (!holds_record_ && error_ == 0 && !awaits_keys_) {
    std::size_t wanted = header_bytes();
    if (incoming_.size() >= wanted) {
      const auto byte = [this](std::size_t at) {
        return static_cast<unsigned char>(incoming_[at]);
      };
      const std::size_t length = std::size_t{byte(3)} << 8 | byte(4);
      error_ = on_socket_ = header_error(length);
      refused_header_ = error_ != 0;
      if (refused_header_) return;
      wanted = tls::record_header_bytes + length;
    }
    if (incoming_.size() == wanted) {
      open_whole_record();
      continue;
    }
    std::array<std::byte, 4'096> room;
    if (link.server_unread_bytes() == 0) return;
    const int bytes = link.server_receive(room, std::min(room.size(), wanted - incoming_.size()));
    if (bytes <= 0) return;
    incoming_ += text_of(Bytes(room).first(static_cast<std::size_t>(bytes)));
  }
}

void RecordSocket::open_whole_record() {
  std::string record = std::exchange(incoming_, {});
  // Of the outside of a TLS 1.3 record Linux does not look at the type (tls_make_aad()).
  if (opener_->is_1_3()) record[0] = static_cast<char>(tls::ContentType::application_data);
  const auto opened = opener_->open({reinterpret_cast<std::byte*>(record.data()), record.size()});
  if (!opened) { // Nothing but padding inside is EBADMSG too.
    error_ = EBADMSG;
    return;
  }
  opened_ = text_of(opened->plaintext);
  type_ = opened->type;
  // An empty record of data is passed over.
  holds_record_ = !opened_.empty() || type_ != tls::ContentType::application_data;
}

bool RecordSocket::readable(const Link& link) const noexcept {
  if (holds_record_ || error_ != 0 || awaits_keys_) return true;
  return link.server_unread_bytes() == 0 && link.server_readable();
}

int RecordSocket::receive(Link& link, MutableBytes into, std::size_t bytes_max) {
  if (awaits_keys_) return -EKEYEXPIRED;
  if (error_ != 0) {
    // A header's error is the socket's own, which the receive takes; what is wrong with a record
    // is told to the receive, and left on the socket for whoever comes next.
    on_socket_ = refused_header_ ? 0 : error_;
    return -error_;
  }
  if (!holds_record_) return link.server_receive(into, bytes_max); // Its end, or its error.
  if (type_ != tls::ContentType::application_data) return -EIO;
  const std::size_t bytes = std::min({into.size(), bytes_max, opened_.size()});
  copy_into(into, bytes_of(opened_).first(bytes));
  opened_.erase(0, bytes);
  holds_record_ = !opened_.empty();
  return static_cast<int>(bytes);
}

int RecordSocket::receive_control(engine::ControlRecord& record) {
  record.type = 0;
  record.size = 0;
  if (on_socket_ != 0) return -take_error();
  if (error_ != 0 || !holds_record_) return -EAGAIN;
  const std::size_t bytes = std::min(record.content.size(), opened_.size());
  record.type = static_cast<std::uint8_t>(type_);
  record.size = static_cast<std::uint8_t>(bytes);
  copy_into(record.content, bytes_of(opened_).first(bytes));
  const bool key_update = type_ == tls::ContentType::handshake && opened_.starts_with('\x18');
  awaits_keys_ = key_update && rekeys_ && opener_->is_1_3();
  opened_.erase(0, bytes);
  holds_record_ = !opened_.empty();
  return static_cast<int>(bytes);
}

} // namespace ringfort::sim
