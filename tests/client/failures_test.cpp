// What goes wrong with a call, phase by phase: each failure has its own row, and says how far the
// call had come.
#include <cerrno>
#include <future>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/host.hpp"
#include "tests/client/script.hpp"

namespace ringfort::client {
namespace {

using namespace std::chrono_literals;

/// A server that reads one request, says this, and leaves.
Outcome answered(std::string_view text) {
  Script script(1, [&](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send(text);
  });
  Host host;
  const auto client = client_of(host);
  return outcome_of(host, *client, clear(script.port()));
}

void check_failure(const Outcome& outcome, Code code, Phase phase) {
  REQUIRE_FALSE(outcome.response);
  CHECK(full_name(fault_of(outcome.response.error().code)) == full_name(fault_of(code)));
  CHECK(name_of(outcome.facts.phase) == name_of(phase));
  CHECK_FALSE(outcome.facts.complete);
}

void check_body_failure(const Outcome& outcome, Code code) {
  REQUIRE(outcome.response);
  REQUIRE(outcome.body_error);
  CHECK(full_name(fault_of(outcome.body_error->code)) == full_name(fault_of(code)));
  CHECK(name_of(outcome.facts.phase) == name_of(Phase::response));
  CHECK_FALSE(outcome.facts.complete);
}

TEST_CASE("client: a port that nobody listens at is connect.refused") {
  Host host;
  const auto client = client_of(host);
  const Outcome outcome = outcome_of(host, *client, clear(engine::refusing_address().port()));
  check_failure(outcome, Code::connect_refused, Phase::connect);
  CHECK(host.faults(Code::connect_refused) == 1);
  CHECK(client->counts().opening == 0);
}

TEST_CASE("client: a server that leaves without a word is answer.none") {
  Script script(1, [](Guest& guest) { guest.read_until("\r\n\r\n"); });
  Host host;
  const auto client = client_of(host);
  check_failure(outcome_of(host, *client, clear(script.port())), Code::answer_none, Phase::wait);
}

TEST_CASE(
    "client: a server that resets instead of answering is answer.none too, and says ECONNRESET") {
  Script script(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.reset();
  });
  Host host;
  const auto client = client_of(host);
  const Outcome outcome = outcome_of(host, *client, clear(script.port()));
  check_failure(outcome, Code::answer_none, Phase::wait);
  CHECK(outcome.response.error().detail == ECONNRESET);
}

TEST_CASE("client: a head that is cut is answer.cut_short") {
  check_failure(answered("HTTP/1.1 200 OK\r\ncontent-le"), Code::answer_cut_short, Phase::wait);
}

TEST_CASE("client: a counted body that is cut is answer.cut_short") {
  const Outcome outcome = answered("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  check_body_failure(outcome, Code::answer_cut_short);
}

TEST_CASE("client: a chunked body without its end is answer.cut_short") {
  const Outcome outcome =
      answered("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  check_body_failure(outcome, Code::answer_cut_short);
}

TEST_CASE("client: a body until the end of the connection is taken, and not called complete") {
  const Outcome outcome = answered("HTTP/1.1 200 OK\r\n\r\nall there is");
  REQUIRE(outcome.response);
  CHECK(outcome.body == "all there is");
  CHECK_FALSE(outcome.body_error);
  CHECK_FALSE(outcome.facts.complete);
}

TEST_CASE("client: what is no HTTP is answer.malformed") {
  check_failure(answered("SSH-2.0-OpenSSH_9.2\r\n"), Code::answer_malformed, Phase::wait);
}

TEST_CASE("client: interim answers are passed over, but not without end") {
  std::string some;
  for (int count = 0; count < 32; ++count) {
    some.append("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n");
  }
  const std::string answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  CHECK(answered(some + answer).body == "ok");
  const std::string more = some + "HTTP/1.1 100 Continue\r\n\r\n" + answer;
  check_failure(answered(more), Code::answer_malformed, Phase::wait);
}

TEST_CASE("client: an answer with two lengths is answer.two_lengths") {
  check_failure(answered("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
                Code::answer_two_lengths, Phase::wait);
}

TEST_CASE("client: a chunk of nonsense is answer.bad_chunk, after a head that was read") {
  const Outcome outcome =
      answered("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n");
  check_body_failure(outcome, Code::answer_bad_chunk);
}

TEST_CASE("client: a server that never answers is answer.head_timed_out") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  const auto client =
      client_of(host, [](ClientOptions& options) { options.answer_timeout = 20ms; });
  check_failure(outcome_of(host, *client, clear(script.port())), Code::answer_head_timed_out,
                Phase::wait);
}

TEST_CASE("client: a body that stops coming is answer.body_timed_out") {
  Script script(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    guest.read_to_end();
  });
  Host host;
  const auto client =
      client_of(host, [](ClientOptions& options) { options.body_idle_timeout = 20ms; });
  check_body_failure(outcome_of(host, *client, clear(script.port())), Code::answer_body_timed_out);
}

TEST_CASE("client: a handshake that is never answered is tls_handshake.timed_out") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  const auto client =
      client_of(host, [](ClientOptions& options) { options.handshake_timeout = 20ms; });
  check_failure(outcome_of(host, *client, secure(script.port())), Code::tls_handshake_timed_out,
                Phase::tls);
}

TEST_CASE("client: a server that speaks no TLS is tls_handshake.server_not_tls") {
  Script script(1, [](Guest& guest) {
    guest.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  check_failure(outcome_of(host, *client, secure(script.port())),
                Code::tls_handshake_server_not_tls, Phase::tls);
}

TEST_CASE("client: a call that takes too long in all is call.timed_out") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  const auto client = client_of(host, [](ClientOptions& options) { options.call_timeout = 20ms; });
  const Outcome outcome = outcome_of(host, *client, clear(script.port()));
  REQUIRE_FALSE(outcome.response); // In which phase, the machine decides.
  CHECK(outcome.response.error().code == Code::call_timed_out);
}

TEST_CASE("client: a call beyond pending_max is call.queue_full") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  const auto client = client_of(host, [](ClientOptions& options) {
    options.connections_per_destination_max = 1;
    options.pending_max = 0;
  });
  host.run([&](Errand& errand) -> Task<> {
    Call first = client->call(errand, clear(script.port()), {});
    Call second = client->call(errand, clear(script.port()), {});
    const auto refused = co_await second.response();
    CHECK(!refused);
    if (!refused) CHECK(refused.error().code == Code::call_queue_full);
  });
}

TEST_CASE("client: a call that finds no free connection in time is call.queue_timed_out") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  const auto client = client_of(host, [](ClientOptions& options) {
    options.connections_per_destination_max = 1;
    options.pending_timeout = 20ms;
  });
  host.run([&](Errand& errand) -> Task<> {
    Call first = client->call(errand, clear(script.port()), {});
    Call second = client->call(errand, clear(script.port()), {});
    const auto late = co_await second.response();
    CHECK(!late);
    if (!late) CHECK(late.error().code == Code::call_queue_timed_out);
  });
}

TEST_CASE("client: a call that finds no block left is call.no_blocks, and blocks come back") {
  EngineOptions options = Host::options_of();
  options.block_count = 16;
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host(options);
  const auto client = client_of(host);
  std::size_t calls_made = 0;
  host.run([&](Errand& errand) -> Task<> {
    std::vector<Call> calls;
    for (std::optional<Error> error; !error;) {
      calls.push_back(client->call(errand, clear(script.port()), {.target = "/a b"}));
      const auto response = co_await calls.back().response();
      if (response.error().code != Code::call_bad_request) error = response.error();
      if (error) CHECK(error->code == Code::call_no_blocks);
    }
    calls_made = calls.size();
  });
  CHECK(calls_made == 16); // The errand has one.
  CHECK(host.engine().metrics().blocks_in_use == 0);
}

TEST_CASE("client: a request that cannot be written is call.bad_request, and nothing is sent") {
  Host host;
  const auto client = client_of(host);
  const Outcome outcome =
      outcome_of(host, *client, clear(engine::refusing_address().port()), {.target = "/a b"});
  check_failure(outcome, Code::call_bad_request, Phase::pending);
  CHECK(client->counts().opening == 0);
}

TEST_CASE("client: without a TLS context a call to an encrypted destination is "
          "config.no_client_context, and one in clear text is made") {
  Script script(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  Host host;
  const auto client = Client::create(host.shard(), {}).or_exit();
  check_failure(outcome_of(host, *client, secure(script.port())), Code::config_no_client_context,
                Phase::pending);
  CHECK(outcome_of(host, *client, clear(script.port())).body == "ok");
  CHECK(client->counts().connections == 1);
}

TEST_CASE("client: a body of another length than was said is call.wrong_length") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call =
        client->call(errand, clear(script.port()), {.method = "PUT", .streams = true, .length = 3});
    const auto written = co_await call.write("four");
    CHECK(!written);
    if (!written) CHECK(written.error().code == Code::call_wrong_length);
  });
}

TEST_CASE("client: a server that stops taking the request is upload.stalled") {
  std::promise<void> over;
  Script script(1, [&](Guest& guest) {
    guest.read_until("\r\n\r\n");
    over.get_future().wait(); // And reads nothing more.
  });
  Host host;
  const auto client = client_of(host, [](ClientOptions& options) { options.write_timeout = 50ms; });
  static const std::string body(32 << 20, 'b');
  const Outcome outcome = outcome_of(host, *client, clear(script.port()),
                                     {.method = "PUT", .body = Payload::forever(body)});
  over.set_value();
  check_failure(outcome, Code::upload_stalled, Phase::upload);
}

TEST_CASE("client: a server that resets in the middle of an upload is upload.peer_closed") {
  Script script(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.reset();
  });
  Host host;
  const auto client = client_of(host);
  static const std::string body(32 << 20, 'b');
  const Outcome outcome = outcome_of(host, *client, clear(script.port()),
                                     {.method = "PUT", .body = Payload::forever(body)});
  check_failure(outcome, Code::upload_peer_closed, Phase::upload);
}

TEST_CASE("client: an answer that comes before the end of an upload is delivered whole") {
  Script script(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send(
        "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  static const std::string body(32 << 20, 'b');
  const Outcome outcome = outcome_of(host, *client, clear(script.port()),
                                     {.method = "PUT", .body = Payload::forever(body)});
  CHECK(outcome.status == 413);
  CHECK(outcome.body == "no");
  CHECK(outcome.facts.complete);
}

TEST_CASE("client: a body that the server does not want stays here, and the connection ends") {
  std::string after_head = "nothing was read";
  Script script(1, [&](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno");
    after_head = guest.read_to_end();
  });
  {
    Host host;
    const auto client = client_of(host);
    host.run([&](Errand& errand) -> Task<> {
      Call call =
          client->call(errand, clear(script.port()),
                       {.method = "PUT", .streams = true, .length = 4, .expects_continue = true});
      const auto written = co_await call.write("body");
      CHECK(written);
      const auto response = co_await call.response();
      CHECK((response && response->status == 417));
      const auto body = co_await body_of(errand, call);
      CHECK((body && *body == "no"));
    });
    host.turn_until([&] { return host.engine().metrics().blocks_in_use == 0; });
    CHECK(client->counts().idle == 0);
  }
  script.wait();
  CHECK(after_head.empty());
}

TEST_CASE("client: bytes on an idle connection are answer.unexpected, and it serves nobody else") {
  Script script(2, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  CHECK(outcome_of(host, *client, clear(script.port())).body == "ok");
  host.turn_until([&] { return client->counts().retired == 1; });
  CHECK(host.faults(Code::answer_unexpected) == 1);
  const Outcome second = outcome_of(host, *client, clear(script.port()));
  CHECK(second.body == "ok");
  CHECK_FALSE(second.facts.reused);
}

TEST_CASE(
    "client: an idle connection that the server ends is retired, and the next call gets another") {
  Script script(2, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  Host host;
  const auto client = client_of(host);
  CHECK(outcome_of(host, *client, clear(script.port())).body == "ok");
  host.turn_until([&] { return client->counts().idle == 0; });
  const Outcome second = outcome_of(host, *client, clear(script.port()), {.method = "POST"});
  CHECK(second.body == "ok");
  CHECK_FALSE(second.facts.reused);
}

TEST_CASE("AG-17: calls of a client that ends are call.ended") {
  Script script(1, [](Guest& guest) { guest.read_to_end(); });
  Host host;
  std::unique_ptr<Client> client = client_of(host);
  std::optional<Error> error;
  const bool started = host.shard().run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(script.port()), {});
    const auto response = co_await call.response();
    if (!response) error = response.error();
  });
  REQUIRE(started);
  host.turn_until([&] { return client->counts().active == 1; });
  client.reset();
  host.turn_until([&] { return error.has_value(); });
  CHECK(error->code == Code::call_ended);
}

} // namespace
} // namespace ringfort::client
