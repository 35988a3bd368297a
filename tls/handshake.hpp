// handshake — what the handshakes of both sides have: OpenSSL talks over bytes of ours, and tells
// the secrets that it agreed on. It is freed when it is over.
//
// Input is read straight from the caller's buffer, one record at a time, so that the handshake ends
// exactly at a record boundary and whatever the peer sent early stays with the caller.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/key_log.hpp>

#include "tls/library.hpp"
#include "tls/traffic_keys.hpp"

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace ringfort::tls {

/// What either side knows when it is over.
struct HandshakeFacts {
  const Suite* suite = nullptr;
  bool resumed = false;
  std::string_view protocol; ///< ALPN: "http/1.1", or empty when none was agreed on
};

/// Where: one shard.
class Handshake {
public:
  enum class Wants : std::uint8_t {
    input,   ///< more of it; what waits is part of a message
    context, ///< a server's: the hello is here, and somebody has to say which context answers
    nothing, ///< the handshake is over; send output(), then take_keys()
  };
  struct Progress {
    std::size_t consumed_bytes;
    Wants wants;
  };

  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  virtual ~Handshake();

  /// Moves the handshake on; not while a context is wanted. Whatever it answers, output() may hold
  /// bytes to send: alerts leave that way too.
  /// Errors: tls_handshake.* (but timed_out and peer_closed, which the transport knows),
  ///         tls_context.no_memory.
  virtual Result<Progress> receive(Bytes input) = 0;

  /// Borrow: until the next receive() or output_sent().
  Bytes output() const noexcept { return Bytes(output_).subspan(output_sent_bytes_); }
  void output_sent(std::size_t bytes) noexcept { output_sent_bytes_ += bytes; }

  /// The peer's, to receive with, and ours. Once, after done.
  /// Errors: tls_handshake.keys_unavailable.
  Result<TrafficKeys> take_keys();

  /// For OpenSSL's callbacks.
  static Handshake& of(const ssl_st* ssl) noexcept;
  /// For a context: sets the callbacks through which handshakes learn of records and alerts, and a
  /// key log, if there is one, of secrets. Borrow: `key_log` for the context's life.
  static void observe(ssl_ctx_st* context, KeyLog* key_log) noexcept;
  /// For Library: how handshakes read and write.
  static std::unique_ptr<bio_method_st, void (*)(bio_method_st*)> make_bio_method();

protected:
  /// Borrow: `library` for the handshake's life.
  Handshake(const Library& library, Side side) noexcept : library_(library), side_(side) {}

  /// Null before begin().
  ssl_st* ssl() const noexcept { return ssl_.get(); }
  /// Errors: tls_context.no_memory.
  Result<> begin(ssl_ctx_st* context);
  /// One call of OpenSSL's. Errors: failure().
  Result<Progress> talk(Bytes input);
  /// Gives OpenSSL, whose handshake is over, one record. True: it was taken, and held no data.
  bool feed(Bytes record) noexcept;
  void put_out(Bytes bytes) { output_.insert(output_.end(), bytes.begin(), bytes.end()); }

  HandshakeFacts facts() const noexcept;
  /// As the peer chose it.
  std::string_view selected_protocol() const noexcept;
  /// A message of this type (RFC 8446 section 4) has gone out.
  bool sent(int message_type) const noexcept { return ((sent_types_ >> message_type) & 1U) != 0; }
  /// The last alert that came, -1 for none.
  int peer_alert() const noexcept { return peer_alert_; }

private:
  friend struct HandshakeCallbacks;

  /// What went wrong, by OpenSSL's error queue.
  virtual Error failure() const noexcept = 0;

  const Library& library_;
  Side side_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_{nullptr, nullptr};
  std::uint32_t sent_types_ = 0; ///< a bit for each
  int peer_alert_ = -1;
  Bytes input_;
  std::vector<std::byte> output_;
  std::size_t output_sent_bytes_ = 0;
  TrafficSecrets secrets_;
};

} // namespace ringfort::tls
