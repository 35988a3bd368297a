// Servers that are reached through a proxy, in clear text or over TLS, and by a unix socket.
#include <string>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "engine/unix_address.hpp"
#include "tests/client/host.hpp"
#include "tests/client/proxy_server.hpp"
#include "tests/client/script.hpp"
#include "tests/client/trusted.hpp"

namespace ringfort::client {
namespace {

/// Says the target that it was asked for, then what came as a body.
Task<> mirror(Exchange& exchange) {
  std::string text(exchange.head().target);
  for (;;) {
    const auto piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    text.append(text_of(*piece));
  }
  BodyWriter writer = exchange.stream(200, {}, text.size());
  if (!co_await writer.write(text)) co_return;
  (void)co_await writer.finish();
}

/// A client that believes the servers of `trusted`, and its proxies.
std::unique_ptr<Client> proxied_client(Host& host, const Trusted& trusted) {
  return make_client(host.shard(), trusted.authority.pem(),
                     [&](ClientOptions& options) { options.proxy_tls = trusted.believed(); });
}

Destination through(Destination destination, std::uint16_t port, bool encrypted = false) {
  destination.proxy = Proxy{.encrypted = encrypted, .host = "localhost", .port = port};
  return destination;
}

/// A unix socket that listens.
class UnixListener {
public:
  explicit UnixListener(bool abstract)
      : name_((abstract ? "@ringfort-test-" : "ringfort-test-") + std::to_string(::getpid())),
        path_(abstract ? "" : name_),
        descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = engine::UnixAddress::parse(name_).value();
    REQUIRE(::bind(descriptor_, address.data(), address.size()) == 0);
    REQUIRE(::listen(descriptor_, 4) == 0);
  }
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  ~UnixListener() {
    ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  const std::string& name() const noexcept { return name_; }
  int accept() const noexcept { return ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC); }

private:
  std::string name_;
  std::string path_; ///< of the file; empty for an abstract name
  int descriptor_;
};

Outcome failed_through(const std::string& refusal) {
  ProxyServer proxy({.refusal = refusal});
  Host host;
  const auto client = client_of(host);
  return outcome_of(host, *client, through(secure(443), proxy.port()));
}

TEST_CASE("proxy: an encrypted server is reached through a tunnel, in clear text or over TLS") {
  const bool encrypted = GENERATE(false, true);
  const Trusted trusted;
  const tls::Identity identity = trusted.identity();
  ProxyServer proxy({.identity = encrypted ? &identity : nullptr});
  Host host;
  const auto here = host.engine().serve({.port = 0}, trusted.context(), serving(&mirror));
  REQUIRE(here);
  const auto client = proxied_client(host, trusted);
  const Destination destination = through(secure(here->port), proxy.port(), encrypted);
  const std::string body(3'000'000, 'b');
  const Outcome first =
      outcome_of(host, *client, destination, {.method = "POST", .body = Payload::forever(body)});
  CHECK(first.status == 200);
  CHECK(first.body == "/" + body);
  CHECK(first.server_name == "localhost");
  CHECK(first.facts.server.version == "TLSv1.3");
  CHECK(first.facts.phases[static_cast<std::size_t>(Phase::proxy)].count() > 0);
  CHECK(first.peer == "127.0.0.1:" + std::to_string(proxy.port()));
  const Outcome second = outcome_of(host, *client, destination);
  CHECK(second.facts.reused);
  REQUIRE(proxy.heads().size() == 1);
  const std::string target = "127.0.0.1:" + std::to_string(here->port);
  CHECK(proxy.heads().front() == "CONNECT " + target + " HTTP/1.1\r\nhost: " + target + "\r\n\r\n");
}

TEST_CASE("proxy: a server in clear text is asked for by a whole URL, and the connection is kept") {
  const bool encrypted = GENERATE(false, true);
  const Trusted trusted;
  const tls::Identity identity = trusted.identity();
  ProxyServer proxy({.identity = encrypted ? &identity : nullptr});
  Host host;
  const auto client = proxied_client(host, trusted);
  Destination destination = through(clear(8080), proxy.port(), encrypted);
  destination.host = "there.example";
  destination.proxy->authorization = "Basic dTpw";
  const Outcome outcome = outcome_of(host, *client, destination, {.target = "/a?b"});
  CHECK(outcome.status == 200);
  CHECK(outcome.body == "GET http://there.example:8080/a?b HTTP/1.1\r\n"
                        "host: there.example:8080\r\nproxy-authorization: Basic dTpw\r\n\r\n");
  CHECK(outcome.facts.server.version.empty()); // The proxy's is not the server's.
  CHECK(client->counts().idle == 1);
}

TEST_CASE("proxy: only the proxy is told who asks, and a tunnel goes where connect_host says") {
  const Trusted trusted;
  ProxyServer proxy;
  Host host;
  std::string seen;
  const auto here =
      host.engine().serve({.port = 0}, trusted.context(), serving([&](Exchange& exchange) {
                            for (const Field& field : exchange.fields()) seen.append(field.name);
                            exchange.respond(204, {});
                          }));
  REQUIRE(here);
  const auto client = proxied_client(host, trusted);
  Destination destination = through(secure(443), proxy.port());
  destination.connect_host = "10.0.0.7";
  destination.connect_port = here->port;
  destination.proxy->authorization = "Basic dTpw";
  CHECK(outcome_of(host, *client, destination).status == 204);
  CHECK(seen == "host");
  REQUIRE(proxy.heads().size() == 1);
  const std::string target = "10.0.0.7:" + std::to_string(here->port);
  CHECK(proxy.heads().front() == "CONNECT " + target + " HTTP/1.1\r\nhost: " + target +
                                     "\r\nproxy-authorization: Basic dTpw\r\n\r\n");
}

TEST_CASE("proxy: what it refuses, and how, is told as its own failure in its own phase") {
  struct Row {
    const char* answer;
    Code code;
    int detail;
  };
  const Row row =
      GENERATE(Row{"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
                   Code::proxy_unauthorized, 0},
               Row{"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", Code::proxy_refused, 403},
               Row{"HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n", Code::proxy_refused, 302},
               Row{"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
                   Code::proxy_malformed, 101},
               Row{"HTTP/1.1 200 OK\r\n\r\ntoo early", Code::proxy_malformed, 0});
  const Outcome outcome = failed_through(row.answer);
  REQUIRE_FALSE(outcome.response);
  CHECK(outcome.response.error().code == row.code);
  CHECK(outcome.response.error().detail == row.detail);
  CHECK(outcome.facts.phase == Phase::proxy);
  CHECK(outcome.facts.sent_bytes == 0);
  const Outcome other = failed_through("220 smtp.example ESMTP\r\n");
  REQUIRE_FALSE(other.response);
  CHECK(other.response.error().code == Code::proxy_malformed);
}

TEST_CASE("proxy: interim answers before the tunnel are passed over, but not without end") {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
  const Outcome few = failed_through(interim + interim + "HTTP/1.1 502 Bad Gateway\r\n\r\n");
  CHECK(few.response.error().code == Code::proxy_refused);
  std::string many;
  for (int count = 0; count < 40; ++count) many += interim;
  CHECK(failed_through(many).response.error().code == Code::proxy_malformed);
}

TEST_CASE("proxy: one that leaves, or says nothing, is proxy.peer_closed and proxy.timed_out") {
  Host host;
  Script leaving(1, [](Guest& guest) { guest.read_until("\r\n\r\n"); });
  const auto client = client_of(
      host, [](ClientOptions& options) { options.proxy_timeout = std::chrono::milliseconds(50); });
  const Outcome left = outcome_of(host, *client, through(secure(443), leaving.port()));
  REQUIRE_FALSE(left.response);
  CHECK(left.response.error().code == Code::proxy_peer_closed);
  Script silent(1, [](Guest& guest) { guest.read_to_end(); });
  const Outcome late = outcome_of(host, *client, through(secure(443), silent.port()));
  REQUIRE_FALSE(late.response);
  CHECK(late.response.error().code == Code::proxy_timed_out);
  CHECK(late.facts.phase == Phase::proxy);
  const auto nowhere =
      outcome_of(host, *client, through(secure(443), engine::refusing_address().port()));
  CHECK(nowhere.response.error().code == Code::connect_refused);
  CHECK(nowhere.facts.phase == Phase::connect);
}

TEST_CASE("proxy: an encrypted one has to prove its own name, in its own phase") {
  const Trusted trusted;
  const Trusted other;
  const tls::Identity identity = other.identity();
  ProxyServer proxy({.identity = &identity});
  Host host;
  const auto here = host.engine().serve({.port = 0}, trusted.context(), serving(&mirror));
  REQUIRE(here);
  const auto client = proxied_client(host, trusted);
  const Outcome outcome = outcome_of(host, *client, through(secure(443), proxy.port(), true));
  REQUIRE_FALSE(outcome.response);
  CHECK(fault_of(outcome.response.error().code).stage == Stage::tls_handshake);
  CHECK(outcome.facts.phase == Phase::proxy);
  const auto believing = make_client(host.shard(), trusted.authority.pem(),
                                     [&](auto& options) { options.proxy_tls = other.believed(); });
  CHECK(outcome_of(host, *believing, through(secure(here->port), proxy.port(), true)).status ==
        200);
}

TEST_CASE("proxy: an encrypted one needs a policy of its own: config.no_client_context") {
  Host host;
  const Outcome outcome = outcome_of(host, *client_of(host), through(clear(80), 1, true));
  REQUIRE_FALSE(outcome.response);
  CHECK(outcome.response.error().code == Code::config_no_client_context);
}

TEST_CASE("proxy: one that answers before it was asked is proxy.malformed") {
  Script eager(1, [](Guest& guest) {
    guest.send("HTTP/1.1 200 OK\r\n\r\n");
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host, [](ClientOptions& options) {
    options.handshake_timeout = std::chrono::milliseconds(50);
  });
  const Outcome outcome = outcome_of(host, *client, through(secure(443), eager.port()));
  REQUIRE_FALSE(outcome.response); // Whether it is seen at once is a matter of time.
  const Code code = outcome.response.error().code;
  CHECK((code == Code::proxy_malformed || code == Code::tls_handshake_timed_out ||
         fault_of(code).stage == Stage::tls_handshake));
}

TEST_CASE("proxy: one that resets a tunnel fails the handshake that it carries") {
  const bool encrypted = GENERATE(false, true);
  const Trusted trusted;
  const tls::Identity identity = trusted.identity();
  ProxyServer proxy({.identity = encrypted ? &identity : nullptr, .resets = true});
  Host host;
  const auto here = host.engine().serve({.port = 0}, trusted.context(), serving(&mirror));
  REQUIRE(here);
  const auto client = proxied_client(host, trusted);
  const Outcome outcome =
      outcome_of(host, *client, through(secure(here->port), proxy.port(), encrypted));
  REQUIRE_FALSE(outcome.response);
  CHECK(outcome.response.error().code == Code::tls_handshake_peer_closed);
  CHECK(outcome.facts.phase == Phase::tls);
}

TEST_CASE(
    "proxy: a client that ends while it asks for a tunnel fails the call, and nothing leaks") {
  Script silent(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  auto client = client_of(host);
  Result<Response> response = Response{};
  const bool runs = host.shard().run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, through(secure(443), silent.port()), {});
    response = co_await call.response();
  });
  REQUIRE(runs);
  host.turn_until([&] { return client->counts().opening == 1; });
  client.reset();
  host.turn_until([&] { return !response; });
  CHECK(response.error().code == Code::call_ended);
}

TEST_CASE("unix: a server is reached by a path, and by an abstract name") {
  const bool abstract = GENERATE(false, true);
  const UnixListener listener(abstract);
  Host host;
  const auto client = client_of(host);
  Destination destination = clear(80);
  destination.unix_path = listener.name();
  std::thread server([&] {
    Guest guest = Guest::of(listener.accept());
    CHECK(guest.read_until("\r\n\r\n") == "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    guest.read_to_end();
  });
  const Outcome outcome = outcome_of(host, *client, destination);
  CHECK(outcome.body == "hi");
  CHECK(outcome.peer == "unix:" + listener.name());
  CHECK(client->counts().idle == 1);
  host.engine().drain(std::chrono::milliseconds(0));
  host.turn_until([&] { return host.shard().ended(); });
  server.join();
}

TEST_CASE("unix: nobody there is connect.refused, and a name that is none connect.failed") {
  Host host;
  const auto client = client_of(host);
  Destination destination = clear(80);
  destination.unix_path = "/nonexistent/socket";
  const Outcome nobody = outcome_of(host, *client, destination);
  CHECK(nobody.response.error().code == Code::connect_refused);
  CHECK(nobody.facts.phase == Phase::connect);
  destination.unix_path = std::string(108, 'x');
  const Outcome none = outcome_of(host, *client, destination);
  CHECK(none.response.error().code == Code::connect_failed);
}

} // namespace
} // namespace ringfort::client
