#include "tls/tickets.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "tls/openssl.hpp"
#include "tls/session.hpp"
#include "tls/shard_context.hpp"

namespace ringfort::tls {

Tickets::Tickets(const Library& library, TicketKeys keys, const TicketBinding& binding,
                 std::chrono::seconds lifetime) noexcept
    : library_(library), keys_(std::move(keys)), binding_(binding), lifetime_(lifetime) {}

Tickets::~Tickets() { OPENSSL_cleanse(newest_first_.data(), sizeof newest_first_); }

/// Derives the keys anew when a period has begun since the last call.
bool Tickets::be_at(std::int64_t now_unix_s) noexcept {
  TicketKeys::Secrets& secrets = keys_.secrets();
  const std::uint32_t period = secrets.period_at(now_unix_s);
  if (count_ > 0 && period <= period_) return true;
  TicketKeys::Secrets::Present present;
  if (!secrets.read(period, present)) return false;
  count_ = 0;
  for (std::size_t index = 0; index < present.count; ++index) {
    const MutableBytes key = std::as_writable_bytes(std::span(&newest_first_[index], 1));
    if (!library_.derive(present.newest_first[index], binding_, key)) return false;
  }
  const auto unused = std::span(newest_first_).subspan(present.count);
  OPENSSL_cleanse(unused.data(), unused.size_bytes());
  count_ = present.count;
  period_ = present.period;
  return true;
}

const Tickets::Key* Tickets::sealing(std::int64_t now_unix_s) noexcept {
  return be_at(now_unix_s) ? &newest_first_[0] : nullptr;
}

const Tickets::Key* Tickets::opening(Bytes name, std::int64_t now_unix_s) noexcept {
  if (!be_at(now_unix_s)) return nullptr;
  const auto known = std::span(newest_first_).first(count_);
  const auto found = std::ranges::find_if(known, [name](const Key& key) {
    return std::ranges::equal(name, std::as_bytes(std::span(key.name)));
  });
  return found == known.end() ? nullptr : &*found;
}

// ---------------------------------------------------------------------------- what a ticket keeps

namespace {

/// When the session was made, and when its peers proved who they are: the first full handshake.
/// Each resumption brings a new ticket, which may not go on for ever.
struct Stamp {
  std::int64_t issued_unix_s = 0;
  std::int64_t proved_unix_s = 0;
};

Stamp* stamp_of(SSL_SESSION* session, Stamp& stamp) noexcept {
  void* data = nullptr;
  std::size_t bytes = 0;
  SSL_SESSION_get0_ticket_appdata(session, &data, &bytes);
  if (data == nullptr || bytes != sizeof stamp) return nullptr;
  std::memcpy(&stamp, data, bytes);
  return &stamp;
}

bool still_valid(SSL_SESSION* session, std::int64_t now_unix_s,
                 std::chrono::seconds lifetime) noexcept {
  constexpr std::chrono::seconds proof_max = std::chrono::days(7); // RFC 8446 section 4.6.1.
  Stamp stamp;
  if (stamp_of(session, stamp) == nullptr) return false;
  if (now_unix_s - stamp.issued_unix_s > lifetime.count()) return false;
  if (now_unix_s - stamp.proved_unix_s > proof_max.count()) return false;
  std::time_t now = now_unix_s;
  const X509* client = SSL_SESSION_get0_peer(session);
  return client == nullptr || X509_cmp_time(X509_get0_notAfter(client), &now) > 0;
}

// ---------------------------------------------------------------------------- OpenSSL's callbacks

bool use_hmac(EVP_MAC_CTX* mac, const Tickets::Key& key) noexcept {
  static constexpr char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(
          OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.hmac.data()), key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/// -1: the handshake cannot go on; 0: not known; 1: done; 2: done, and a newer ticket is to follow.
int seal(Tickets& tickets, std::int64_t now_unix_s, unsigned char* name, unsigned char* iv,
         EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) noexcept {
  constexpr std::size_t iv_bytes = 16;
  const Library& library = tickets.library();
  const Tickets::Key* key = tickets.sealing(now_unix_s);
  if (key == nullptr || RAND_bytes_ex(library.context(), iv, iv_bytes, 0) != 1 ||
      EVP_EncryptInit_ex2(cipher, library.ticket_cipher(), key->aes.data(), iv, nullptr) != 1 ||
      !use_hmac(mac, *key)) {
    return -1;
  }
  std::ranges::copy(key->name, name);
  return 1;
}

int open(Tickets& tickets, const Session& session, const unsigned char* name,
         const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool renews) noexcept {
  const std::int64_t now_unix_s = session.now_unix_s();
  const Bytes wanted = std::as_bytes(std::span(name, sizeof(Tickets::Key::name)));
  const Tickets::Key* key = tickets.opening(wanted, now_unix_s);
  if (key == nullptr) return 0;
  if (EVP_DecryptInit_ex2(cipher, tickets.library().ticket_cipher(), key->aes.data(), iv,
                          nullptr) != 1 ||
      !use_hmac(mac, *key)) {
    return -1;
  }
  return renews || key != tickets.sealing(now_unix_s) ? 2 : 1;
}

int use_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac, int sealing) noexcept {
  Tickets& tickets = Session::of(ssl).context().tickets();
  const Session& session = Session::of(ssl);
  if (sealing != 0) return seal(tickets, session.now_unix_s(), name, iv, cipher, mac);
  // A client of TLS 1.3 uses each ticket once (RFC 8446 appendix C.4), so it gets another one.
  const bool renews = SSL_version(ssl) == TLS1_3_VERSION;
  return open(tickets, session, name, iv, cipher, mac, renews);
}

/// Before a ticket is sealed.
int stamp_ticket(SSL* ssl, void*) noexcept {
  SSL_SESSION* session = SSL_get_session(ssl);
  Stamp stamp;
  const std::int64_t now_unix_s = Session::of(ssl).now_unix_s();
  if (stamp_of(session, stamp) == nullptr) stamp.proved_unix_s = now_unix_s;
  stamp.issued_unix_s = now_unix_s;
  const auto lifetime = Session::of(ssl).context().tickets().lifetime();
  SSL_SESSION_set_timeout(session, static_cast<long>(lifetime.count()));
  return SSL_SESSION_set1_ticket_appdata(session, &stamp, sizeof stamp);
}

/// After one was opened, or was not.
SSL_TICKET_RETURN judge_ticket(SSL* ssl, SSL_SESSION* opened, const unsigned char*, std::size_t,
                               SSL_TICKET_STATUS status, void*) noexcept {
  if (status == SSL_TICKET_EMPTY) return SSL_TICKET_RETURN_IGNORE_RENEW;
  Session& session = Session::of(ssl);
  session.on_ticket_offered();
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  const auto lifetime = Session::of(ssl).context().tickets().lifetime();
  if (!still_valid(opened, session.now_unix_s(), lifetime)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

} // namespace

Result<> Tickets::install(ssl_ctx_st* context, const TicketBinding& binding,
                          std::chrono::seconds lifetime) {
  // A session is also refused by this, should two keys ever have one name.
  const auto* bound = reinterpret_cast<const unsigned char*>(binding.data());
  SSL_CTX_set_session_id_context(context, bound, static_cast<unsigned>(binding.size()));
  SSL_CTX_set_timeout(context, static_cast<long>(lifetime.count()));
  if (SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key) != 1 ||
      SSL_CTX_set_session_ticket_cb(context, stamp_ticket, judge_ticket, nullptr) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  return {};
}

} // namespace ringfort::tls
