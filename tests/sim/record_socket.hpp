// record_socket — the simulated kernel's part of a socket whose TLS records it protects: what
// Linux's net/tls does with the bytes of struct tls12_crypto_info_*, and refuses to do.
//
// Records are real ones, sealed and opened from nothing but the description that was given: a wrong
// key, nonce or sequence number in it is noticed by the client, as by every other.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <ringfort/bytes.hpp>

#include "engine/ring_vocabulary.hpp"
#include "tests/sim/link.hpp"
#include "tls/library.hpp"
#include "tls/record_cipher.hpp"

namespace ringfort::sim {

/// What `description` says, or nothing when it is none.
std::optional<tls::DirectionKeys> keys_of_description(Bytes description);

class RecordSocket {
public:
  explicit RecordSocket(const tls::Library& library) : library_(library) {}

  /// 0 or -errno; `rekeys`: as since Linux 6.14.
  int set_keys(engine::RecordSide side, Bytes description, bool rekeys);
  bool seals() const noexcept { return sealer_.has_value(); }
  bool opens() const noexcept { return opener_.has_value(); }

  /// Records of at most 16 KiB of what is sent in one call, a last short one included.
  std::string seal(tls::ContentType type, Bytes plaintext);

  /// Takes in what the network brought, up to a whole record, as the kernel does.
  void take(Link& link);
  /// A receive would answer at once.
  bool readable(const Link& link) const noexcept;
  /// Byte count, 0 at the end, or -errno. Only when readable.
  int receive(Link& link, MutableBytes into, std::size_t bytes_max);
  /// The next piece of a record of any type, with its type. -EAGAIN without one; or the error that
  /// lies on the socket, which is gone then.
  int receive_control(engine::ControlRecord& record);
  /// The error that a send meets, which is gone then; 0: none.
  int take_error() noexcept { return std::exchange(on_socket_, 0); }

private:
  std::size_t header_bytes() const noexcept;
  int header_error(std::size_t length) const noexcept;
  void open_whole_record();

  const tls::Library& library_;
  std::optional<tls::RecordCipher> sealer_;
  std::optional<tls::RecordCipher> opener_;
  bool rekeys_ = false;
  std::string incoming_; ///< of the record that comes in
  bool holds_record_ = false;
  tls::ContentType type_{};
  std::string opened_; ///< what is left to be received of it
  int error_ = 0;      ///< of all that follows
  bool refused_header_ = false;
  int on_socket_ = 0; ///< sk_err
  bool awaits_keys_ = false;
};

} // namespace ringfort::sim
