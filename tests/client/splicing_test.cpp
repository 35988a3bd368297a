// Connections that are not opened here and carry much: the kernel moves their bytes, and everything
// that holds of others holds of them.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/client/passing.hpp"
#include "tests/peer/hello.hpp"

namespace ringfort::client {
namespace {

using peer::hello_for;

EngineOptions with_pipes(std::uint32_t count) {
  EngineOptions options = Host::options_of();
  options.pipe_count = count;
  return options;
}

/// What is left when all connections are gone.
void check_nothing_is_held(Passing& front) {
  const Metrics metrics = front.host.engine().metrics();
  CHECK(metrics.passthroughs_open == 0);
  CHECK(metrics.pipes_in_use == 0);
  CHECK(metrics.receive_buffers_held == 0);
}

/// Until the kernel moves its bytes: a server that sends, and a client that reads.
void read_until_spliced(Passing& front, Guest& client) {
  const auto spliced = [&] { return front.host.engine().metrics().passthroughs_spliced > 0; };
  while (!spliced() && client.read_bytes(65'536).size() == 65'536) {}
  CHECK(spliced());
}

/// So many bytes as a client reads that sends all of `text` meanwhile.
std::string read_while_sending(Passing& front, Script& server, const std::string& text,
                               std::size_t bytes) {
  std::string read;
  play(front.host, [&] {
    Guest client(front.port);
    std::thread sending([&] {
      client.send(hello_for(""));
      client.send(text);
      client.end_sending();
    });
    read = client.read_bytes(bytes);
    sending.join();
    server.wait();
  });
  return read;
}

TEST_CASE("splicing: bytes go both ways as they came, counted, whether there are pipes or not") {
  const std::uint32_t pipes = GENERATE(0U, 1U, 2U);
  const std::string text = bulk();
  std::string arrived;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send(text);
    arrived = guest.read_to_end();
  });
  Passing front({.routes = {to(server.port())}}, with_pipes(pipes));
  const std::string hello = hello_for("");
  std::string back;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello);
    back = client.read_bytes(text.size());
    client.send(text);
    client.end_sending();
    server.wait();
  });
  CHECK(back == text);
  CHECK(arrived == hello.substr(1) + text);
  const Metrics metrics = front.host.engine().metrics();
  CHECK(metrics.passthroughs_spliced == (pipes < 2 ? 0 : 1));
  CHECK(metrics.received_bytes == hello.size() + 2 * text.size());
  CHECK(metrics.sent_bytes == metrics.received_bytes);
  check_nothing_is_held(front);
}

TEST_CASE("splicing: a pair of pipes is another connection's when its own is over") {
  const std::string text = bulk();
  Script server(2, answering(text));
  Passing front({.routes = {to(server.port())}}, with_pipes(2));
  play(front.host, [&] {
    for (int count = 0; count < 2; ++count) {
      Guest client(front.port);
      client.send(hello_for(""));
      CHECK(client.read_to_end() == text);
    }
  });
  CHECK(front.host.engine().metrics().passthroughs_spliced == 2);
  check_nothing_is_held(front);
}

TEST_CASE("splicing: small messages are received and sent, however many") {
  Script server(1, [&](Guest& guest) {
    for (int count = 0; count < 1'000; ++count) guest.send(guest.read_bytes(500));
  });
  Passing front({.routes = {to(server.port())}});
  const std::string message = hello_for("") + std::string(500, 'x');
  play(front.host, [&] {
    Guest client(front.port);
    for (int count = 0; count < 1'000; ++count) {
      client.send(message.substr(0, 500));
      CHECK(client.read_bytes(500) == message.substr(0, 500));
    }
  });
  CHECK(front.host.engine().metrics().passthroughs_spliced == 0);
}

TEST_CASE("splicing: a reset is passed on as one") {
  const bool by_client = GENERATE(true, false);
  const std::string text = bulk();
  bool was_reset = false;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send(text);
    if (by_client) {
      was_reset = guest.was_reset();
    } else {
      guest.read_until("now");
      guest.reset();
    }
  });
  Passing front({.routes = {to(server.port())}});
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    client.read_bytes(text.size());
    if (by_client) {
      client.reset();
    } else {
      client.send("now");
      was_reset = client.was_reset();
    }
    server.wait();
  });
  CHECK(was_reset);
  CHECK(front.host.engine().metrics().passthroughs_spliced == 1);
  CHECK(front.host.faults(Code::passthrough_client_reset) == (by_client ? 1 : 0));
  CHECK(front.host.faults(Code::passthrough_server_reset) == (by_client ? 0 : 1));
  check_nothing_is_held(front);
}

TEST_CASE("splicing: each direction ends by itself") {
  const bool client_first = GENERATE(true, false);
  const std::string text = bulk();
  std::string at_server;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send(text);
    if (!client_first) guest.end_sending();
    at_server = guest.read_to_end();
    if (client_first) guest.send("answer");
  });
  Passing front({.routes = {to(server.port())}});
  std::string at_client;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    client.read_bytes(text.size());
    if (!client_first) at_client = client.read_to_end();
    client.send("late");
    client.end_sending();
    if (client_first) at_client = client.read_to_end();
    server.wait();
  });
  CHECK(at_server.ends_with("late"));
  CHECK(at_client == (client_first ? "answer" : ""));
  CHECK(front.host.engine().metrics().passthroughs_spliced == 1);
  CHECK(front.host.faults(Code::passthrough_client_reset) == 0);
  CHECK(front.host.faults(Code::passthrough_server_reset) == 0);
}

TEST_CASE("splicing: an end that takes nothing for write_timeout is cut with what lies in pipes") {
  const std::string text = bulk(8);
  EngineOptions options = Host::options_of();
  options.limits.write_timeout = std::chrono::seconds(2);
  Script server(1, answering(text));
  Passing front({.routes = {to(server.port())}}, options);
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    read_until_spliced(front, client);
    client.wait_for_end();
    server.wait();
  });
  CHECK(front.host.faults(Code::response_stream_stalled) == 1);
  check_nothing_is_held(front);
}

TEST_CASE("splicing: what nothing goes through for tunnel_idle_timeout is cut") {
  const std::string text = bulk();
  EngineOptions options = Host::options_of();
  options.limits.tunnel_idle_timeout = std::chrono::seconds(2);
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send(text);
    guest.read_to_end();
  });
  Passing front({.routes = {to(server.port())}}, options);
  bool was_reset = false;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    client.read_bytes(text.size());
    was_reset = client.was_reset();
  });
  CHECK(was_reset);
  CHECK(front.host.engine().metrics().passthroughs_spliced == 1);
  CHECK(front.host.faults(Code::passthrough_timed_out) == 1);
  check_nothing_is_held(front);
}

TEST_CASE("splicing: urgent data is left out, as ever, and what comes behind it is not") {
  const std::string text = bulk();
  std::string arrived;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send(text);
    arrived = guest.read_to_end();
  });
  EngineOptions options = Host::options_of();
  options.limits.tunnel_idle_timeout = std::chrono::seconds(10);
  Passing front({.routes = {to(server.port())}}, options);
  const bool ends = GENERATE(true, false);
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    client.read_bytes(text.size());
    client.send("before");
    client.send_urgent('!');
    client.send("after");
    // Whether the FIN is there already or comes behind.
    if (!ends) client.send("more");
    client.end_sending();
    server.wait();
  });
  CHECK(front.host.engine().metrics().passthroughs_spliced == 1);
  CHECK(arrived.ends_with(ends ? "beforeafter" : "beforeaftermore"));
}

TEST_CASE("splicing: who sends much and reads nothing before is heard while it is decided") {
  const std::string up = bulk(4);
  const std::string down = bulk(2);
  std::string arrived;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send(down); // Before it reads on.
    arrived = guest.read_to_end();
  });
  Passing front({.routes = {to(server.port())}});
  CHECK(read_while_sending(front, server, up, down.size()) == down);
  CHECK(arrived.ends_with(up));
  CHECK(front.host.faults(Code::response_stream_stalled) == 0);
  check_nothing_is_held(front);
}

TEST_CASE("splicing: both ends may send much at once, and each reads all") {
  const std::string text = bulk(4);
  std::string arrived;
  Script server(1, [&](Guest& guest) {
    std::thread sending([&] { guest.send(text); });
    arrived = guest.read_to_end();
    sending.join();
  });
  Passing front({.routes = {to(server.port())}});
  CHECK(read_while_sending(front, server, text, text.size()) == text);
  CHECK(arrived.ends_with(text));
  check_nothing_is_held(front);
}

TEST_CASE("splicing: a look tells what a client leaves in its pipe, and a drain ends it") {
  const std::string text = bulk(8);
  Script server(1, answering(text));
  Passing front({.routes = {to(server.port())}});
  Guest client(front.port);
  client.send(hello_for(""));
  std::vector<ConnectionReport> reports;
  std::thread reading([&] { read_until_spliced(front, client); });
  front.host.turn_until([&] {
    reports.clear();
    (void)front.host.shard().look(0, reports);
    return reports.size() == 1 && reports[0].queued_bytes > 0;
  });
  reading.join();
  CHECK(front.host.engine().metrics().pipes_in_use == 2);
  front.host.engine().drain(std::chrono::milliseconds(0));
  front.host.turn_until([&] { return front.host.shard().ended(); });
  check_nothing_is_held(front);
}

} // namespace
} // namespace ringfort::client
