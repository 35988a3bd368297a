// The record layer, against any bytes and against sealed records with any content, of which data
// comes back. The first byte chooses suite, content type and whether the rest is sealed.
#include <algorithm>
#include <array>
#include <vector>

#include <ringfort/check.hpp>

#include "tests/fuzz/target.hpp"
#include "tls/channel.hpp"

namespace {

using namespace ringfort;

tls::Library& library() {
  static const auto library = *tls::Library::create();
  return *library;
}

tls::DirectionKeys keys_of(const tls::Suite& suite) {
  std::array<std::byte, 48> secret;
  secret.fill(std::byte{7});
  if (suite.version == tls::Version::tls_1_3) {
    return *tls::keys_of_secret(library(), suite, Bytes(secret).first(suite.hash_bytes));
  }
  tls::DirectionKeys keys{.suite = &suite};
  copy_into(keys.key, Bytes(secret).first(suite.key_bytes));
  copy_into(keys.iv, Bytes(secret).first(tls::nonce_bytes));
  return keys;
}

Bytes nothing_for(const Error& error) {
  RINGFORT_CHECK(fault_of(error.code).stage == Stage::tls_record);
  return {};
}

/// The plaintext of a record that carries data.
Bytes receive(tls::Channel& channel, MutableBytes record) {
  const auto record_bytes = channel.record_bytes(record);
  if (!record_bytes) return nothing_for(record_bytes.error());
  if (*record_bytes == 0 || *record_bytes > record.size()) return {};
  const auto received = channel.receive(record.first(*record_bytes));
  if (!received) return nothing_for(received.error());
  RINGFORT_CHECK(received->plaintext.size() <= record.size());
  std::array<std::byte, tls::Channel::control_record_bytes_max> answer;
  if (channel.owes_control()) RINGFORT_CHECK(channel.seal_control(answer).has_value());
  return received->plaintext;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  constexpr std::array<std::uint16_t, 4> suites{0x1301, 0x1303, 0xc02b, 0xcca9};
  if (bytes == 0) return 0;
  const tls::DirectionKeys keys = keys_of(*tls::suite_of(suites[data[0] % suites.size()]));
  auto channel = *tls::Channel::create(library(), {.receive = keys, .send = keys});
  const Bytes content = std::as_bytes(std::span(data, bytes)).subspan(1);
  if ((data[0] & 0x80) == 0) {
    std::vector<std::byte> record(content.begin(), content.end());
    receive(channel, record);
    return 0;
  }
  auto sealer = *tls::RecordCipher::create(library(), tls::RecordCipher::Direction::seal, keys);
  const Bytes piece = content.first(std::min(content.size(), tls::record_plaintext_bytes_max));
  std::vector<std::byte> record(piece.size() + tls::record_overhead_bytes_max);
  const auto type = static_cast<tls::ContentType>(20 + (data[0] >> 2) % 5);
  const auto sealed = sealer.seal(type, {&piece, 1}, record);
  RINGFORT_CHECK(sealed.has_value());
  if (fuzz::planted()) record[*sealed - 1] ^= std::byte{1};
  const Bytes plaintext = receive(channel, MutableBytes(record).first(*sealed));
  if (type == tls::ContentType::application_data) {
    RINGFORT_CHECK(std::ranges::equal(plaintext, piece));
  }
  return 0;
}
