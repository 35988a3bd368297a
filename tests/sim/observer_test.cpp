// What an observer is told, and that its three kinds of beginnings are never confused.
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/answers.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

using Lines = std::vector<std::string>;

class Witness final : public Observer {
public:
  explicit Witness(Lines& lines) noexcept : lines_(lines) {}

  void connected(const ConnectionFacts& facts) noexcept override {
    lines_.push_back(facts.version.empty() && !facts.peer.empty() ? "connected" : "wrong facts");
  }
  void secured(const ConnectionFacts& facts) noexcept override {
    lines_.push_back(std::string("secured ").append(facts.version));
  }
  void requested(const Exchange& exchange) noexcept override {
    lines_.push_back(std::string("requested ").append(exchange.head().target));
  }
  void answered(const Exchange& exchange, const ExchangeReport& report) noexcept override {
    lines_.push_back(std::string("answered ")
                         .append(exchange.head().target)
                         .append(" #")
                         .append(std::to_string(report.request))
                         .append(" ")
                         .append(std::to_string(report.status))
                         .append(report.whole ? " whole" : " cut")
                         .append(" in=")
                         .append(std::to_string(report.received_body_bytes))
                         .append(" out=")
                         .append(std::to_string(report.sent_body_bytes))
                         .append(" s=")
                         .append(std::to_string(report.taken / 1s)));
  }
  void disconnected(const ConnectionFacts&) noexcept override { lines_.push_back("disconnected"); }

private:
  Lines& lines_;
};

void watch(Play& play, Lines& lines) {
  play.engine().observe([&lines](Shard&) { return std::make_unique<Witness>(lines); });
}

TEST_CASE("observer: a clear connection is never told as a secure one") {
  Lines lines;
  Play play;
  watch(play, lines);
  play.serve(hello);
  Actor& client = play.connect();
  client.send(std::string(get).append("GET /two HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
  REQUIRE(play.run_until([&] { return lines.size() == 6; }));
  CHECK(lines == Lines{"connected", "requested /", "answered / #1 200 whole in=0 out=13 s=0",
                       "requested /two", "answered /two #2 200 whole in=0 out=13 s=0",
                       "disconnected"});
}

TEST_CASE("observer: a secure connection is told when it is one, and what comes after") {
  const tls::Context context = ecdsa_context();
  Lines lines;
  Play play;
  watch(play, lines);
  play.serve(hello, &context);
  peer::Client tls;
  Actor& client = connect_secured(play, tls);
  REQUIRE(play.converse(client, tls, [&] { return lines.size() == 2; }));
  CHECK(lines.back() == "secured TLSv1.3");
  client.abort();
  REQUIRE(play.run_until_closed());
  REQUIRE(lines.size() == 3);
  (void)play.ask("GET / HTTP/1.1\r\n\r\n"); // Not TLS.
  play.run_for(3s);
  CHECK(lines ==
        Lines{"connected", "secured TLSv1.3", "disconnected", "connected", "disconnected"});
}

TEST_CASE("observer: an exchange that failed is told too, with what there was of it") {
  Lines lines;
  Play play;
  watch(play, lines);
  play.serve([](Exchange& exchange) -> Task<> {
    if (!co_await exchange.body().read()) co_return;
    BodyWriter out = exchange.stream(200, {});
    if (!co_await out.write("abc")) co_return;
    (void)co_await exchange.sleep(60s);
  });
  Actor& client = play.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n12345");
  play.run_for(2s);
  client.abort();
  REQUIRE(play.run_until_closed());
  CHECK(lines ==
        Lines{"connected", "requested /", "answered / #1 200 cut in=5 out=3 s=2", "disconnected"});
}

TEST_CASE("observer: bytes that never were a request are none") {
  Lines lines;
  Play play;
  watch(play, lines);
  play.serve(hello);
  (void)play.ask("nonsense\r\n\r\n");
  play.run_for(3s);
  CHECK(lines == Lines{"connected", "disconnected"});
}

} // namespace
} // namespace ringfort::sim
