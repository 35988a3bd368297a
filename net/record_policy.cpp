#include "net/record_policy.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tls/kernel_keys.hpp"
#include "tls/record_cipher.hpp"

namespace ringfort::net {

namespace {

/// One suite for each cipher and version, in the order of RecordPolicy's answers.
constexpr std::uint16_t tried_suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9};
constexpr std::string_view plaintext = "one record";
constexpr int wrong_record = EPROTO;

using Room = std::array<std::byte, 128>;

/// Keys of no connection, in the middle of their life.
tls::DirectionKeys keys_to_try(const tls::Suite& suite) noexcept {
  tls::DirectionKeys keys{.suite = &suite, .sequence = 7};
  for (std::size_t at = 0; at < keys.key.size(); ++at) keys.key[at] = static_cast<std::byte>(at);
  for (std::size_t at = 0; at < keys.iv.size(); ++at) keys.iv[at] = static_cast<std::byte>(~at);
  return keys;
}

int try_send(engine::Ring& ring, const tls::Library& library,
             const tls::DirectionKeys& keys) noexcept {
  Room room{};
  const int bytes = ring.try_record_keys(engine::RecordSide::send, tls::KernelKeys(keys).bytes(),
                                         bytes_of(plaintext), room);
  if (bytes < 0) return -bytes;
  auto opener = tls::RecordCipher::create(library, tls::RecordCipher::Direction::open, keys);
  if (!opener) return ENOMEM;
  const auto opened = opener->open(MutableBytes(room).first(static_cast<std::size_t>(bytes)));
  const bool right = opened && opened->type == tls::ContentType::application_data &&
                     text_of(opened->plaintext) == plaintext;
  return right ? 0 : wrong_record;
}

int try_receive(engine::Ring& ring, const tls::Library& library,
                const tls::DirectionKeys& keys) noexcept {
  Room record{};
  Room room{};
  auto sealer = tls::RecordCipher::create(library, tls::RecordCipher::Direction::seal, keys);
  if (!sealer) return ENOMEM;
  const Bytes piece = bytes_of(plaintext);
  const auto sealed = sealer->seal(tls::ContentType::application_data, {&piece, 1}, record);
  if (!sealed) return ENOMEM;
  const int bytes = ring.try_record_keys(engine::RecordSide::receive, tls::KernelKeys(keys).bytes(),
                                         Bytes(record).first(*sealed), room);
  if (bytes < 0) return -bytes;
  const bool right = text_of(Bytes(room).first(static_cast<std::size_t>(bytes))) == plaintext;
  return right ? 0 : wrong_record;
}

std::string reason(int error_number) {
  switch (error_number) {
  case 0: return "yes";
  case ENOPROTOOPT: return "no: the kernel knows no TLS sockets (modprobe tls)";
  case ENOENT: return "no: the kernel lacks this cipher (its crypto module)";
  case wrong_record: return "no: what came out was not the right record";
  default: return std::string("no: ") + std::strerror(error_number);
  }
}

} // namespace

void RecordPolicy::try_kernel(engine::Ring& ring, const tls::Library& library) noexcept {
  for (const std::uint16_t id : tried_suites) {
    const tls::Suite& suite = *tls::suite_of(id);
    const tls::DirectionKeys keys = keys_to_try(suite);
    Answer& answer = answers_[index_of(suite)];
    answer = {.send = try_send(ring, library, keys), .receive = ENOPROTOOPT};
    if (answer.send == ENOPROTOOPT) { // No cipher will change that.
      answers_.fill(answer);
      break;
    }
    answer.receive = try_receive(ring, library, keys);
    const bool works = answer.send == 0 && answer.receive == 0;
    if (works && suite.version == tls::Version::tls_1_3 && !rekeys_) {
      rekeys_ = ring.try_rekey(tls::KernelKeys(keys).bytes()) == 0;
    }
  }
}

bool RecordPolicy::usable() const noexcept {
  const auto works = [this](int Answer::*side) {
    return std::ranges::any_of(answers_, [side](const Answer& one) { return one.*side == 0; });
  };
  if (!wants_kernel()) return true;
  return works(&Answer::send) && (wanted_ != RecordLayer::kernel || works(&Answer::receive));
}

int RecordPolicy::first_error() const noexcept {
  for (const Answer& answer : answers_) {
    if (answer.send != 0) return answer.send;
    if (answer.receive != 0) return answer.receive;
  }
  return 0;
}

std::string RecordPolicy::text() const {
  switch (wanted_) {
  case RecordLayer::automatic:
    return "user (auto: no gain of the kernel's records was measured; --record-layer=kernel)";
  case RecordLayer::user: return "user (as told)";
  case RecordLayer::kernel: return "kernel (as told; a cipher that it lacks: user)";
  case RecordLayer::kernel_send:
    return "kernel for what is sent, user for what is received (as told; a cipher that the kernel "
           "lacks: user)";
  }
  return {};
}

std::string RecordPolicy::findings() const {
  constexpr std::string_view ciphers[] = {"AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"};
  std::string text;
  for (const std::uint16_t id : tried_suites) {
    const tls::Suite& suite = *tls::suite_of(id);
    const Answer& answer = answers_[index_of(suite)];
    text.append("kernel records, ").append(tls::name_of(suite.version)).append(" ");
    text.append(ciphers[static_cast<std::size_t>(suite.aead)]).append(": ");
    if (answer.send == answer.receive) {
      text.append(reason(answer.send)).append("\n");
    } else {
      text.append("send ").append(reason(answer.send)).append(", receive ");
      text.append(reason(answer.receive)).append("\n");
    }
  }
  return text.append("kernel records, KeyUpdate: ")
      .append(rekeys_ ? "followed" : "not followed (Linux 6.14 or newer does)");
}

} // namespace ringfort::net
