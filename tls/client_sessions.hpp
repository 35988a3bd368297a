// client_sessions — the sessions that servers gave to one shard's clients, to be resumed: a bounded
// store, the oldest out first.
//
// What the first handshake found of the server, its certificates and whether they are believed, is
// part of OpenSSL's session and comes back with it. A store belongs to one context, so what began
// unverified never serves where servers are verified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

struct ssl_session_st;

namespace ringfort::tls {

using SslSession = std::unique_ptr<ssl_session_st, void (*)(ssl_session_st*)>;

/// Where: one shard.
class ClientSessions {
public:
  explicit ClientSessions(std::uint32_t sessions_max) noexcept : sessions_max_(sessions_max) {}
  ClientSessions(const ClientSessions&) = delete;
  ClientSessions& operator=(const ClientSessions&) = delete;

  struct Offer {
    SslSession session{nullptr, nullptr}; ///< null: there is none
    std::int64_t proved_unix_s = 0;       ///< when the server last showed its certificates
  };

  /// Keeps a session for servers of this key: as long as the server said, at most seven days from
  /// when it proved itself (RFC 8446 section 4.6.1), and not beyond its certificate's end.
  void keep(std::string_view key, Offer session, std::int64_t now_unix_s);
  /// The newest for this key. A ticket of TLS 1.3 is used once (RFC 8446 appendix C.4) and is gone
  /// with this; a session of TLS 1.2 stays.
  Offer take(std::string_view key, std::int64_t now_unix_s);

  std::size_t count() const noexcept { return oldest_first_.size(); }

private:
  struct Kept {
    std::string key;
    Offer offer;
    std::int64_t ends_unix_s;
  };
  using Place = std::list<Kept>::iterator;
  using Places = std::multimap<std::string_view, Place>; ///< of one key, the oldest first as well

  void drop(Places::iterator place) noexcept;

  std::uint32_t sessions_max_;
  std::list<Kept> oldest_first_;
  Places by_key_;
};

} // namespace ringfort::tls
