// Sessions that clients bring back: which resume, which begin anew, and that none fails.
#include <deque>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/pair/server.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;
using std::chrono::seconds;

int either_version() { return GENERATE(TLS1_2_VERSION, TLS1_3_VERSION); }

peer::ClientOptions options_for(int version, SSL_SESSION* session = nullptr) {
  peer::ClientOptions options;
  options.version_min = options.version_max = version;
  options.session = session;
  return options;
}

/// One whole conversation: a handshake, and data both ways.
struct Visit {
  Visit(const Context& context, int version, SSL_SESSION* session = nullptr,
        const Served& served = {})
      : client(options_for(version, session)), server(context, served) {
    converse(server, client);
    REQUIRE(client.failure().empty());
    REQUIRE(server.secured());
    client.write("ping");
    server.write("pong");
    converse(server, client);
    REQUIRE_FALSE(server.failure());
    CHECK(server.received() == "ping");
    CHECK(client.received() == "pong");
    const bool reused = SSL_session_reused(client.ssl()) == 1;
    CHECK(reused == server.facts().resumed);
    if (version == TLS1_2_VERSION) {
      kept = SSL_get_session(client.ssl()); // OpenSSL tells of no ticket that was renewed.
    } else if (!client.sessions().empty()) {
      kept = client.sessions().front().get();
    }
  }
  bool resumed() const { return server.facts().resumed; }
  bool refused() const { return server.facts().ticket_refused; }
  SSL_SESSION* session() const {
    REQUIRE(kept != nullptr);
    return kept;
  }

  peer::Client client;
  PairServer server;
  SSL_SESSION* kept = nullptr; ///< by the client
};

/// An identity that contexts of one test share.
Context context_of(const Identity& identity, ContextOptions options = {}) {
  options.identities = {identity};
  return *Context::create(std::move(options));
}

TEST_CASE("SR-01, SR-02: one ticket by default, good for 7200 s, and as many as are asked for") {
  const int version = either_version();
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  Visit visit(context, version);
  CHECK(visit.client.sessions().size() == 1);
  CHECK(SSL_SESSION_get_ticket_lifetime_hint(visit.session()) == 7'200);
  ContextOptions options;
  options.tickets = 3;
  options.ticket_lifetime = seconds(90);
  Visit more(peer::make_context({KeyType::ecdsa_p256}, options), version);
  CHECK(more.client.sessions().size() == (version == TLS1_3_VERSION ? 3 : 1));
  CHECK(SSL_SESSION_get_ticket_lifetime_hint(more.session()) == 90);
}

TEST_CASE("SR-03: a session older than its lifetime is not resumed, and the client is served") {
  const int version = either_version();
  ContextOptions options;
  options.ticket_lifetime = seconds(100);
  const Context context = peer::make_context({KeyType::ecdsa_p256}, options);
  const std::int64_t now_unix_s = std::time(nullptr);
  Visit first(context, version, nullptr, {.now_unix_s = now_unix_s});
  CHECK(Visit(context, version, first.session(), {.now_unix_s = now_unix_s + 100}).resumed());
  Visit late(context, version, first.session(), {.now_unix_s = now_unix_s + 101});
  CHECK_FALSE(late.resumed());
  CHECK(late.refused());
}

TEST_CASE("SR-03: resumption after resumption ends seven days after the peers proved themselves") {
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  constexpr std::int64_t hour_s = 3'600;
  const std::int64_t start_unix_s = std::time(nullptr);
  std::deque<Visit> visits;
  visits.emplace_back(context, TLS1_3_VERSION, nullptr, Served{.now_unix_s = start_unix_s});
  std::int64_t hours = 0;
  do {
    ++hours;
    visits.emplace_back(context, TLS1_3_VERSION, visits.back().session(),
                        Served{.now_unix_s = start_unix_s + hours * hour_s});
  } while (visits.back().resumed() && hours < 190);
  CHECK(hours == 7 * 24 + 1);
}

TEST_CASE("SR-04: two shards, and two processes with one key file, resume each other's sessions") {
  const int version = either_version();
  const Identity identity = peer::make_identity(KeyType::ecdsa_p256);
  const Context context = context_of(identity);
  CHECK(Visit(context, version, Visit(context, version).session()).resumed());
  ContextOptions here;
  here.ticket_keys = *TicketKeys::from_file_text(bytes_of(std::string(80, 'k')));
  ContextOptions there;
  there.ticket_keys = *TicketKeys::from_file_text(bytes_of(std::string(80, 'k')));
  Visit first(context_of(identity, here), version);
  CHECK(Visit(context_of(identity, there), version, first.session()).resumed());
  // The same tickets, when a new key has been put in front of the old one.
  there.ticket_keys =
      *TicketKeys::from_file_text(bytes_of(std::string(80, 'n') + std::string(80, 'k')));
  CHECK(Visit(context_of(identity, there), version, first.session()).resumed());
  there.ticket_keys = *TicketKeys::from_file_text(bytes_of(std::string(80, 'n')));
  Visit stranger(context_of(identity, there), version, first.session());
  CHECK_FALSE(stranger.resumed());
  CHECK(stranger.refused());
}

TEST_CASE("SR-05: new keys cause a full handshake and a fresh ticket, which resumes") {
  const int version = either_version();
  const Identity identity = peer::make_identity(KeyType::ecdsa_p256);
  Visit before(context_of(identity), version);
  const Context now = context_of(identity);
  Visit full(now, version, before.session());
  CHECK_FALSE(full.resumed());
  CHECK(Visit(now, version, full.session()).resumed());
}

TEST_CASE("SR-05: a ticket of an old key resumes, and is exchanged for one of the new key") {
  const int version = either_version();
  ContextOptions options;
  options.ticket_keys = *TicketKeys::generated({.period = seconds(60), .previous = 1});
  const Context context = peer::make_context({KeyType::ecdsa_p256}, options);
  const std::int64_t start_unix_s = std::time(nullptr);
  Visit first(context, version, nullptr, {.now_unix_s = start_unix_s});
  Visit second(context, version, first.session(), {.now_unix_s = start_unix_s + 61});
  CHECK(second.resumed());
  Visit third(context, version, second.session(), {.now_unix_s = start_unix_s + 122});
  CHECK(third.resumed());
  Visit skipped(context, version, first.session(), {.now_unix_s = start_unix_s + 122});
  CHECK_FALSE(skipped.resumed());
  CHECK(skipped.refused());
}

TEST_CASE("SR-08: both ends know a resumed session from a new one, and that none was refused") {
  const int version = either_version();
  const Context context = peer::make_context({KeyType::ecdsa_p256, KeyType::rsa_2048});
  Visit first(context, version);
  CHECK_FALSE(first.resumed());
  CHECK_FALSE(first.refused());
  Visit second(context, version, first.session());
  CHECK(second.resumed());
  CHECK_FALSE(second.refused());
}

TEST_CASE("SR-09: a ticket that is changed anywhere, or cut, leads to a full handshake") {
  const int version = either_version();
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  Visit first(context, version);
  const unsigned char* ticket = nullptr;
  std::size_t bytes = 0;
  SSL_SESSION_get0_ticket(first.session(), &ticket, &bytes);
  REQUIRE(bytes > 100);
  unsigned char* encoded = nullptr;
  const int encoded_bytes = i2d_SSL_SESSION(first.session(), &encoded);
  REQUIRE(encoded_bytes > 0);
  std::string session(reinterpret_cast<char*>(encoded), static_cast<std::size_t>(encoded_bytes));
  OPENSSL_free(encoded);
  const std::size_t begin = session.find({reinterpret_cast<const char*>(ticket), bytes});
  REQUIRE(begin != std::string::npos);
  for (std::size_t at = begin; at < begin + bytes; at += 7) {
    std::string changed = session;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    const auto* read = reinterpret_cast<const unsigned char*>(changed.data());
    const peer::SslSessionOwner offered(
        d2i_SSL_SESSION(nullptr, &read, static_cast<long>(changed.size())));
    REQUIRE(offered != nullptr);
    Visit visit(context, version, offered.get());
    CHECK_FALSE(visit.resumed());
    CHECK(visit.refused());
  }
}

TEST_CASE("SR-10: one ticket may be used several times") {
  const int version = either_version();
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  Visit first(context, version);
  for (int time = 0; time < 4; ++time) CHECK(Visit(context, version, first.session()).resumed());
}

TEST_CASE("tickets: a client of TLS 1.3 that uses each ticket once always has another one") {
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  std::deque<Visit> visits;
  visits.emplace_back(context, TLS1_3_VERSION);
  for (int time = 0; time < 4; ++time) {
    visits.emplace_back(context, TLS1_3_VERSION, visits.back().session());
    CHECK(visits.back().resumed());
    CHECK(visits.back().client.sessions().size() == 1);
  }
}

TEST_CASE("SNI-21: a new context with the old one's keys resumes, one with keys of its own does "
          "not") {
  const int version = either_version();
  const Context old = peer::make_context({KeyType::ecdsa_p256});
  Visit first(old, version);
  ContextOptions options;
  options.ticket_keys = old.options().ticket_keys;
  const Context renewed = peer::make_context({KeyType::ecdsa_p256}, options);
  CHECK(Visit(renewed, version, first.session()).resumed());
  const Context unrelated = peer::make_context({KeyType::ecdsa_p256});
  CHECK_FALSE(Visit(unrelated, version, first.session()).resumed());
}

TEST_CASE("SNI-23: a session of one entry does not resume at another one, nor at the default") {
  const int version = either_version();
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  Visit first(context, version, nullptr, {.entry = "api.local"});
  CHECK(Visit(context, version, first.session(), {.entry = "api.local"}).resumed());
  for (const char* entry : {"admin.local", "*.local", ""}) {
    Visit other(context, version, first.session(), {.entry = entry});
    CHECK_FALSE(other.resumed());
    CHECK(other.refused());
  }
}

TEST_CASE("SNI-24: a replaced certificate ends the sessions of the old one when that is asked") {
  const int version = either_version();
  ContextOptions options;
  options.resume_across_certificates = false;
  const Identity identity = peer::make_identity(KeyType::ecdsa_p256);
  const Context old = context_of(identity, options);
  options.ticket_keys = old.options().ticket_keys;
  Visit first(old, version);
  CHECK(Visit(context_of(identity, options), version, first.session()).resumed());
  const Context renewed = peer::make_context({KeyType::ecdsa_p256}, options);
  CHECK_FALSE(Visit(renewed, version, first.session()).resumed());
}

} // namespace
} // namespace ringfort::tls
