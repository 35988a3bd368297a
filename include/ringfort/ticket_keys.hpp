// ticket_keys — what seals the sessions that clients keep: shared by shards, by contexts that
// follow one another, and, from a file, by hosts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

namespace ringfort::tls {

/// How generated keys follow one another. A ticket resumes while its key is among the kept ones, so
/// `period` x `previous` should be no less than ContextOptions::ticket_lifetime.
struct TicketRotation {
  std::chrono::seconds period{3'600}; ///< 1 s..7 days
  std::uint8_t previous = 2;          ///< keys that still open tickets, 0..15
};

/// Cheap to copy; the copies share one set of keys. Contexts that are given the same keys resume
/// each other's sessions, unless entry, certificate or client policy tell them apart.
///
/// Generated keys are ratcheted forward: when a period is over the key of the oldest kept one is
/// overwritten, and none that is gone can be computed again from what is left in memory. Time is
/// the shard's; a clock set back changes nothing until it has caught up.
/// Where: any thread. A lock is taken once a period for each shard's copy of a context, never for a
/// handshake in between.
class TicketKeys {
public:
  /// New keys, known to this process only. Errors: config.invalid, tls_context.no_memory.
  static Result<TicketKeys> generated(const TicketRotation& rotation = {});

  /// The bytes of a key file: 1..16 keys of 80 bytes (name 16, HMAC 32, AES 32), or one of 48
  /// (name 16, AES 16, HMAC 16), as nginx's ssl_session_ticket_key has them. The first key seals,
  /// all of them open. They do not rotate by themselves. What is sealed with them opens at another
  /// Ringfort with the same file, and nowhere else: each context derives keys of its own.
  /// Errors: tls_context.bad_ticket_keys (detail: bytes given).
  static Result<TicketKeys> from_file_text(Bytes text);

  /// Generated keys as they are now, for a process of this machine that goes on with them; empty
  /// for those of a file. Whoever has these bytes can open what the keys seal: they are the
  /// caller's to keep, and to erase.
  std::vector<std::byte> snapshot() const;
  /// Goes on with another process's generated keys, which are renewed as they were there.
  /// Errors: tls_context.bad_ticket_keys (detail: bytes given).
  static Result<TicketKeys> from_snapshot(Bytes snapshot);

  /// "generated, renewed every 3600 s, 2 previous ones kept", or "2 given, the first one seals".
  std::string text() const;

  /// Whether both are the same keys: one generated set, or given ones with the same bytes.
  friend bool operator==(const TicketKeys& one, const TicketKeys& other) noexcept;

  class Secrets; ///< known to the engine only
  Secrets& secrets() const noexcept { return *secrets_; }

private:
  explicit TicketKeys(std::shared_ptr<Secrets> secrets) noexcept : secrets_(std::move(secrets)) {}

  std::shared_ptr<Secrets> secrets_;
};

/// The keys of a file. Nothing is read again later.
/// Errors: tls_context.unreadable (detail: errno), tls_context.bad_ticket_keys.
Result<TicketKeys> load_ticket_keys(const std::filesystem::path& file);

} // namespace ringfort::tls
