// Server names over whole handshakes: which certificate a client gets, and what changes for whom.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/pair/server.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

Context context_for(const std::string& name, ContextOptions options = {}) {
  options.identities.push_back(peer::make_identity({.name = name}));
  return *Context::create(std::move(options));
}

Names two_tenants() {
  Names names;
  names.set_default(context_for("default.local"));
  REQUIRE(names.set("api.local", context_for("api.local")));
  REQUIRE(names.set("*.tenant.local", context_for("*.tenant.local")));
  return names;
}

peer::ClientOptions asking_for(const std::string& name) {
  peer::ClientOptions options;
  options.server_name = name;
  return options;
}

/// The certificate that a client asking for `name` gets.
std::string served(PairServer& server, const std::string& name, std::size_t cut_bytes = SIZE_MAX) {
  peer::Client client(asking_for(name));
  converse(server, client, cut_bytes);
  REQUIRE(client.secured());
  return client.peer_subject();
}

std::string served(const LiveNames& names, const std::string& name) {
  PairServer server(names);
  return served(server, name);
}

TEST_CASE("SNI-01, SNI-12: no name and an unknown name get the default") {
  const LiveNames names(two_tenants());
  CHECK(served(names, "") == "default.local");
  CHECK(served(names, "elsewhere.local") == "default.local");
}

TEST_CASE(
    "SNI-08, SNI-09, SNI-10, SNI-26: each name gets its own certificate, and its facts say so") {
  const LiveNames names(two_tenants());
  CHECK(served(names, "api.local") == "api.local");
  CHECK(served(names, "API.local.") == "api.local");
  CHECK(served(names, "x.tenant.local") == "*.tenant.local");
  CHECK(served(names, "tenant.local") == "default.local");
  CHECK(served(names, "a.b.tenant.local") == "default.local");
  PairServer server(names);
  peer::Client client(asking_for("API.local."));
  converse(server, client);
  REQUIRE(server.facts().server_name != nullptr);
  CHECK(*server.facts().server_name == "API.local.");
}

TEST_CASE("names: a hello that arrives byte by byte chooses as well") {
  PairServer server{LiveNames(two_tenants())};
  CHECK(served(server, "api.local", 1) == "api.local");
}

TEST_CASE("names: without a default, other names are tls_handshake.unknown_name and told so") {
  Names names = two_tenants();
  names.refuse_unknown();
  for (const std::string name : {"", "elsewhere.local"}) {
    PairServer server{LiveNames(names)};
    peer::Client client(asking_for(name));
    converse(server, client);
    REQUIRE(server.failure());
    CHECK(server.failure()->code == Code::tls_handshake_unknown_name);
    INFO(client.failure());
    CHECK(client.failure().find("unrecognized name") != std::string::npos);
  }
  CHECK(served(LiveNames(names), "api.local") == "api.local");
}

TEST_CASE("names: a name's whole policy holds, not only its certificate") {
  Names names;
  ContextOptions new_only;
  new_only.version_min = Version::tls_1_3;
  names.set_default(context_for("default.local"));
  REQUIRE(names.set("new.local", context_for("new.local", new_only)));
  peer::ClientOptions old = asking_for("new.local");
  old.version_max = TLS1_2_VERSION;
  PairServer strict{LiveNames(names)};
  peer::Client refused(old);
  converse(strict, refused);
  REQUIRE(strict.failure());
  CHECK(strict.failure()->code == Code::tls_handshake_version_too_low);
  old.server_name = "other.local";
  PairServer lax{LiveNames(names)};
  peer::Client served_client(old);
  converse(lax, served_client);
  CHECK(served_client.secured());
}

TEST_CASE("SNI-22, SNI-23: a session of one name is unknown at another, and served as that one") {
  ContextOptions shared;
  shared.ticket_keys = *TicketKeys::generated();
  Names map;
  map.set_default(context_for("default.local", shared));
  REQUIRE(map.set("api.local", context_for("api.local", shared)));
  REQUIRE(map.set("admin.local", context_for("admin.local", shared)));
  const LiveNames names(map);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    peer::ClientOptions options = asking_for("api.local");
    options.version_min = options.version_max = version;
    PairServer first(names);
    peer::Client client(options);
    converse(first, client);
    REQUIRE_FALSE(client.sessions().empty());
    options.session = client.sessions().front().get();
    PairServer again(names);
    peer::Client resuming(options);
    converse(again, resuming);
    CHECK(again.facts().resumed);
    for (const std::string name : {"admin.local", ""}) {
      options.server_name = name;
      PairServer other(names);
      peer::Client elsewhere(options);
      converse(other, elsewhere);
      REQUIRE(elsewhere.secured());
      CHECK_FALSE(other.facts().resumed);
      CHECK(elsewhere.peer_subject() == (name.empty() ? "default.local" : name));
    }
  }
}

TEST_CASE("SNI-18, SNI-20: a change is for later handshakes, and for one name alone") {
  const LiveNames names(two_tenants());
  LiveNames same = names;
  PairServer living(names);
  peer::Client client(asking_for("api.local"));
  converse(living, client);
  same.replace_default(context_for("new-default.local"));
  CHECK(served(names, "") == "new-default.local");
  CHECK(served(names, "api.local") == "api.local");
  REQUIRE(same.replace("api.local", context_for("new-api.local")));
  CHECK(served(names, "api.local") == "new-api.local");
  CHECK(served(names, "x.tenant.local") == "*.tenant.local");
  client.write("still here");
  converse(living, client);
  CHECK(living.received() == "still here");
}

} // namespace
} // namespace ringfort::tls
