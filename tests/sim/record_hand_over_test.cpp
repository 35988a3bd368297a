// What may happen while the kernel takes a connection's records over: every step of it can be held
// up or refused, and whoever seals in the end, the client reads what it should.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/kernel_play.hpp"

namespace ringfort::sim {
namespace {

constexpr std::string_view post_half =
    "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf";

/// What the kernel will say to the protocol, the keys to send with and those to receive with.
const Knobs outcomes[] = {
    {},
    {.record_protocol_fails_per_mille = 1'000},
    {.send_keys_fail_per_mille = 1'000},
    {.receive_keys_fail_per_mille = 1'000},
};

std::string layers_of(const Knobs& outcome) {
  const bool none = outcome.record_protocol_fails_per_mille > 0;
  const auto layer = [none](unsigned fails) { return none || fails > 0 ? "user" : "kernel"; };
  return std::string("sends ") + layer(outcome.send_keys_fail_per_mille) + ", receives " +
         layer(outcome.receive_keys_fail_per_mille);
}

/// Plays it for every outcome, held up before each step.
template <class Scene>
void at_every_step(Scene scene) {
  for (const Knobs& outcome : outcomes) {
    for (const std::uint32_t taken : {0u, 1u, 2u}) {
      INFO(layers_of(outcome) << ", held up after " << taken << " steps");
      KernelPlay play(RecordLayer::kernel, outcome);
      play.play.world().permit_install_steps(taken);
      scene(play, layers_of(outcome));
    }
  }
}

void go_on(KernelPlay& play) { play.play.world().permit_install_steps(UINT32_MAX); }

/// Until the connection has ended, its engine perhaps with it.
void see_the_end(KernelPlay& play) {
  play.play.run_for(10s);
  if (const auto news = play.client->news(); !news.empty()) play.tls.deliver(bytes_of(news));
  CHECK(play.client->ended());
}

TEST_CASE("record hand-over: a request that comes meanwhile is answered after it") {
  at_every_step([](KernelPlay& play, const std::string& layers) {
    play.shake_hands();
    play.tls.write(get);
    play.client->send(play.tls.take_outgoing());
    play.play.run_for(1s);
    go_on(play);
    const auto answered = [&] { return play.tls.received().contains("receives "); };
    REQUIRE(play.play.converse(*play.client, play.tls, answered));
    CHECK(play.ask().contains(layers));
    CHECK(play.play.reports().empty());
  });
}

TEST_CASE("record hand-over: an answer and close_notify that fall due meanwhile come out right") {
  at_every_step([](KernelPlay& play, const std::string&) {
    play.shake_hands_asking(post_half);
    play.client->send(play.tls.take_outgoing());
    REQUIRE(
        play.play.run_until([&] { return play.play.count(Code::request_stream_too_slow) == 1; }));
    play.play.run_for(1s);
    go_on(play);
    REQUIRE(play.converse_to_end());
    CHECK(play.tls.received().contains("HTTP/1.1 408"));
    CHECK(play.tls.received().ends_with("Request Timeout"));
    CHECK(play.tls.closed());
    CHECK(play.tls.failure().empty());
  });
}

TEST_CASE("record hand-over: no byte of an answer leaves before it is known who seals it") {
  KernelPlay play;
  play.play.world().permit_install_steps(2); // The keys are there, but that was not told yet.
  play.shake_hands_asking(post_half);
  play.client->send(play.tls.take_outgoing());
  play.play.run_for(1s);
  const std::size_t before = play.client->received().size();
  REQUIRE(play.play.run_until([&] { return play.play.count(Code::request_stream_too_slow) == 1; }));
  play.play.run_for(1s);
  CHECK(play.client->received().size() == before);
  go_on(play);
  REQUIRE(play.converse_to_end());
  CHECK(play.client->received().size() > before);
}

TEST_CASE("record hand-over: a KeyUpdate that comes meanwhile is followed after it") {
  at_every_step([](KernelPlay& play, const std::string& layers) {
    play.shake_hands();
    play.tls.update_keys(true);
    play.client->send(play.tls.take_outgoing());
    play.play.run_for(1s);
    go_on(play);
    play.play.run_for(1s);
    CHECK(play.ask().contains(layers));
    CHECK(play.play.reports().empty());
  });
}

TEST_CASE("record hand-over: a drain meanwhile ends the connection in order") {
  at_every_step([](KernelPlay& play, const std::string&) {
    play.shake_hands();
    play.play.engine().drain(5s);
    play.play.run_for(1s);
    go_on(play);
    see_the_end(play);
    CHECK(play.tls.closed());
    CHECK_FALSE(play.client->was_reset());
    CHECK(play.play.reports().empty());
  });
}

TEST_CASE("record hand-over: a connection that is cut meanwhile gives everything back") {
  at_every_step([](KernelPlay& play, const std::string&) {
    play.shake_hands();
    play.play.engine().drain(0ms);
    see_the_end(play);
    CHECK(play.metrics().connections_open == 0);
  });
}

TEST_CASE("record hand-over: the client's FIN or reset meanwhile is seen after it") {
  for (const bool resets : {false, true}) {
    at_every_step([resets](KernelPlay& play, const std::string&) {
      play.shake_hands();
      if (resets) {
        play.client->abort();
      } else {
        play.client->finish();
      }
      play.play.run_for(1s);
      go_on(play);
      CHECK(play.play.run_until_closed());
    });
  }
}

/// What it takes for so many clients to shake hands, go over together and be answered.
struct Cost {
  std::uint64_t submissions;
  std::uint64_t enters;
};

Cost cost_of(bool chain, std::size_t count) {
  KernelPlay play(RecordLayer::kernel, {.record_chain = chain, .latency_max = {}});
  std::vector<std::unique_ptr<peer::Client>> clients;
  std::vector<Actor*> actors;
  for (std::size_t index = 0; index < count; ++index) {
    clients.push_back(std::make_unique<peer::Client>());
    actors.push_back(index == 0 ? play.client : &play.play.connect());
  }
  const auto converse = [&](const auto& claim) {
    REQUIRE(play.play.run_until([&] {
      for (std::size_t index = 0; index < count; ++index) {
        const std::string outgoing = clients[index]->take_outgoing();
        if (!outgoing.empty()) actors[index]->send(outgoing);
        const std::string_view news = actors[index]->news();
        if (!news.empty()) clients[index]->deliver(bytes_of(news));
      }
      return std::ranges::all_of(clients, claim);
    }));
  };
  converse([](const auto& client) { return client->secured() && !client->sessions().empty(); });
  for (const auto& client : clients) client->write(get);
  converse([](const auto& client) { return client->received().contains("receives "); });
  CHECK(play.metrics().records_by_ring == (chain ? count : 0));
  CHECK(play.metrics().records_by_calls == (chain ? 0 : count));
  return {play.metrics().ring_submissions, play.metrics().ring_enters};
}

TEST_CASE("record hand-over: it is three linked submissions instead of three calls") {
  for (const std::size_t count : {1u, 8u}) {
    const Cost chain = cost_of(true, count);
    const Cost calls = cost_of(false, count);
    CHECK(chain.submissions == calls.submissions + 3 * count);
    // It is submitted with the turn's own enter, and over a turn later: nothing where something
    // else comes in that turn, as the request of the lone client, and less than one enter each
    // where several share it.
    CHECK(chain.enters < calls.enters + count);
  }
}

} // namespace
} // namespace ringfort::sim
