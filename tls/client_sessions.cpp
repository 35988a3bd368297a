#include "tls/client_sessions.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "tls/certificate_facts.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

bool is_1_3(const SSL_SESSION* session) noexcept {
  return SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION;
}

std::int64_t end_of(const ClientSessions::Offer& offer, std::int64_t now_unix_s) noexcept {
  constexpr std::int64_t proof_max_s = 7 * 86'400;
  SSL_SESSION* session = offer.session.get();
  const auto said_s = static_cast<std::int64_t>(SSL_SESSION_get_ticket_lifetime_hint(session));
  // In TLS 1.2 nothing may be said; in TLS 1.3 zero is a lifetime.
  const bool says = said_s != 0 || is_1_3(session);
  const std::int64_t lifetime_s = says ? said_s : SSL_SESSION_get_timeout(session);
  const X509* leaf = SSL_SESSION_get0_peer(session);
  return std::min({now_unix_s + lifetime_s, offer.proved_unix_s + proof_max_s,
                   leaf == nullptr ? INT64_MAX : unix_seconds(X509_get0_notAfter(leaf))});
}

} // namespace

void ClientSessions::keep(std::string_view key, Offer session, std::int64_t now_unix_s) {
  const std::int64_t ends_unix_s = end_of(session, now_unix_s);
  if (sessions_max_ == 0 || ends_unix_s <= now_unix_s) return;
  if (!is_1_3(session.session.get())) { // One serves any number of connections.
    for (auto place = by_key_.find(key); place != by_key_.end(); place = by_key_.find(key)) {
      drop(place);
    }
  }
  if (count() == sessions_max_) drop(by_key_.lower_bound(oldest_first_.front().key));
  oldest_first_.push_back({std::string(key), std::move(session), ends_unix_s});
  by_key_.emplace(oldest_first_.back().key, std::prev(oldest_first_.end()));
}

ClientSessions::Offer ClientSessions::take(std::string_view key, std::int64_t now_unix_s) {
  while (true) {
    const auto after = by_key_.upper_bound(key);
    if (after == by_key_.begin() || std::prev(after)->first != key) return {};
    const auto newest = std::prev(after);
    Kept& kept = *newest->second;
    SSL_SESSION* session = kept.offer.session.get();
    const bool resumable = now_unix_s < kept.ends_unix_s && SSL_SESSION_is_resumable(session) == 1;
    if (resumable && !is_1_3(session)) {
      SSL_SESSION_up_ref(session);
      return {{session, SSL_SESSION_free}, kept.offer.proved_unix_s};
    }
    Offer taken = std::move(kept.offer);
    drop(newest);
    if (resumable) return taken;
  }
}

void ClientSessions::drop(Places::iterator place) noexcept {
  const Place kept = place->second;
  by_key_.erase(place); // Its key lies in what is dropped.
  oldest_first_.erase(kept);
}

} // namespace ringfort::tls
