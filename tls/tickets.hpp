// tickets — one shard's copy of a context seals and opens its sessions: keys of its own, derived
// from the shared secrets and from what the tickets are bound to.
//
// Because name and keys are derived, a ticket of another entry, certificate or client policy is
// simply not known here, and its client is served with a full handshake.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/ticket_keys.hpp>

#include "tls/library.hpp"
#include "tls/ticket_keys.hpp"

struct ssl_ctx_st;

namespace ringfort::tls {

/// SHA-256 of what sessions are bound to.
using TicketBinding = std::array<std::byte, 32>;

/// Where: one shard.
class Tickets {
public:
  struct Key {
    std::array<unsigned char, 16> name; ///< in front of each ticket, in clear
    std::array<unsigned char, 32> hmac;
    std::array<unsigned char, 32> aes;
  };

  /// Borrow: `library` for life.
  Tickets(const Library& library, TicketKeys keys, const TicketBinding& binding,
          std::chrono::seconds lifetime) noexcept;
  Tickets(const Tickets&) = delete;
  Tickets& operator=(const Tickets&) = delete;
  ~Tickets();

  /// The key that seals now; null when OpenSSL has no memory.
  const Key* sealing(std::int64_t now_unix_s) noexcept;
  /// The key of this name among those that are kept now; null when it is not known.
  const Key* opening(Bytes name, std::int64_t now_unix_s) noexcept;

  std::chrono::seconds lifetime() const noexcept { return lifetime_; }
  const Library& library() const noexcept { return library_; }

  /// Lets this context's handshakes send tickets and take them; they find their Tickets through
  /// Session::context(). Errors: tls_context.no_memory.
  static Result<> install(ssl_ctx_st* context, const TicketBinding& binding,
                          std::chrono::seconds lifetime);

private:
  bool be_at(std::int64_t now_unix_s) noexcept;

  const Library& library_;
  TicketKeys keys_;
  TicketBinding binding_;
  std::chrono::seconds lifetime_;
  std::uint32_t period_ = 0;
  std::size_t count_ = 0; ///< 0 before the first use
  std::array<Key, TicketKeys::Secrets::count_max> newest_first_;
};

} // namespace ringfort::tls
