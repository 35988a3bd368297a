// Limits of handshakes in virtual time: how many costly steps a turn takes, who waits for them, and
// how a connection that waits can end.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

EngineOptions limited(std::uint32_t handshakes_max, std::uint32_t steps_max) {
  EngineOptions options = Play::kind_options();
  options.limits.connections_max = 256;
  options.limits.handshakes_max = handshakes_max;
  options.limits.handshake_steps_max = steps_max;
  options.limits.first_byte_timeout = 0ms; // Who comes may wait with its hello.
  return options;
}

/// A client and its connection.
struct Visitor {
  explicit Visitor(Play& played, const peer::ClientOptions& options = {})
      : play(played), actor(play.connect()), tls(std::make_unique<peer::Client>(options)) {}

  void say_hello() { actor.send(tls->take_outgoing()); }
  /// Brings what came to the client, and what it says to that back.
  void move_on() {
    if (const std::string_view news = actor.news(); !news.empty()) tls->deliver(bytes_of(news));
    if (const std::string outgoing = tls->take_outgoing(); !outgoing.empty()) actor.send(outgoing);
  }
  bool answered() const { return !actor.received().empty(); }
  void ask() {
    tls->write(get);
    move_on();
  }
  /// Its request is answered. The handshake comes first where it is not over.
  bool gets_answer() {
    if (!play.converse(actor, *tls, [this] { return tls->secured(); })) return false;
    ask();
    return play.converse(actor, *tls, [this] { return tls->received().contains("Hello"); });
  }

  Play& play;
  Actor& actor;
  std::unique_ptr<peer::Client> tls;
};

// ---------------------------------------------------------------------------- in one turn

TEST_CASE("handshakes: a turn takes handshake_steps_max costly steps, and does not sleep") {
  const std::uint32_t steps_max = GENERATE(1u, 3u);
  constexpr std::size_t visitors_count = 30;
  const tls::Context context = ecdsa_context();
  Play play(limited(4'096, steps_max), {.latency_max = 1us});
  play.serve(hello, &context);
  std::vector<Visitor> visitors;
  for (std::size_t count = 0; count < visitors_count; ++count) visitors.emplace_back(play);
  for (Visitor& visitor : visitors) visitor.say_hello();
  std::uint64_t steps = 0;
  std::uint64_t enters = play.engine().metrics().ring_enters;
  REQUIRE(play.run_until([&] {
    const Metrics metrics = play.engine().metrics();
    CHECK(metrics.handshake_steps - steps <= steps_max);
    // It does not sleep while somebody waits: one enter, and one before the steps.
    CHECK(metrics.ring_enters - enters <= 2);
    steps = metrics.handshake_steps;
    enters = metrics.ring_enters;
    return std::ranges::all_of(visitors, &Visitor::answered);
  }));
  for (Visitor& visitor : visitors) CHECK(visitor.gets_answer());
  const Metrics metrics = play.engine().metrics();
  CHECK(metrics.handshake_steps == visitors_count); // Their Finished is no costly step.
  CHECK(metrics.handshake_steps_deferred >= visitors_count / 2);
  CHECK(metrics.handshakes_waiting_peak >= visitors_count / 2);
  CHECK(metrics.handshakes_waiting == 0);
  CHECK(metrics.handshakes_open == 0);
}

TEST_CASE("handshakes: live requests are answered while a storm waits") {
  const tls::Context context = ecdsa_context();
  Play play(limited(4'096, 1), {.latency_max = 1us});
  play.serve(hello, &context);
  Visitor live(play);
  REQUIRE(live.gets_answer());
  std::vector<Visitor> storm;
  for (int count = 0; count < 100; ++count) storm.emplace_back(play);
  for (Visitor& visitor : storm) visitor.say_hello();
  std::uint64_t answers = 0;
  std::uint64_t requests = play.engine().metrics().requests;
  std::uint64_t steps = play.engine().metrics().handshake_steps;
  REQUIRE(play.run_until([&] {
    const Metrics metrics = play.engine().metrics();
    // What arrived in a turn was answered in it, with one step beside it.
    CHECK(metrics.responses == metrics.requests);
    CHECK(metrics.handshake_steps - steps <= 1);
    steps = metrics.handshake_steps;
    if (metrics.requests > requests && metrics.handshakes_waiting > 0) ++answers;
    requests = metrics.requests;
    live.move_on();
    if (live.tls->news().contains("Hello")) live.ask();
    return metrics.handshake_steps > 100;
  }));
  live.ask();
  CHECK(answers >= 10);
}

struct Kind {
  const char* name;
  std::uint64_t steps;
  peer::ClientOptions options;
  bool resumed = false;
  bool shows_certificate = false;
};

TEST_CASE("handshakes: costly are the answer to a hello, TLS 1.2's second flight, certificates") {
  peer::ClientOptions old;
  old.version_max = TLS1_2_VERSION;
  peer::ClientOptions other_group;
  other_group.groups = "P-521:X25519";
  const std::vector<Kind> kinds{
      {"TLS 1.3", 1, {}},
      {"TLS 1.3, resumed", 1, {}, true},
      {"TLS 1.3, another group asked for", 2, other_group},
      {"TLS 1.3, a client certificate", 2, {}, false, true},
      {"TLS 1.2", 2, old},
      {"TLS 1.2, resumed", 1, old, true},
  };
  const tls::Identity client = peer::make_identity(peer::KeyType::ecdsa_p256);
  for (const Kind& kind : kinds) {
    INFO(kind.name);
    tls::ContextOptions options;
    if (kind.shows_certificate) {
      options.clients = {.mode = tls::ClientCertificates::Mode::required,
                         .authorities_pem = client.chain_pem};
    }
    const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256}, options);
    Play play(limited(4'096, 1));
    play.serve(hello, &context);
    peer::ClientOptions asking = kind.options;
    if (kind.shows_certificate) asking.identity = &client;
    Visitor first(play, asking);
    REQUIRE(first.gets_answer());
    if (kind.resumed) {
      REQUIRE_FALSE(first.tls->sessions().empty());
      asking.session = first.tls->sessions().front().get();
    }
    const std::uint64_t before = kind.resumed ? play.engine().metrics().handshake_steps : 0;
    if (kind.resumed) {
      Visitor again(play, asking);
      REQUIRE(again.gets_answer());
      CHECK(play.engine().metrics().handshakes_resumed == 1);
    }
    CHECK(play.engine().metrics().handshake_steps - before == kind.steps);
    CHECK(play.reports().empty());
  }
}

// ---------------------------------------------------------------------------- at a time

/// One handshake may be open, and a client that says no more holds it.
struct Crowded {
  explicit Crowded(RecordLayer records = RecordLayer::user, tls::NameChooser chooser = {}) {
    EngineOptions options = limited(1, 1);
    options.record_layer = records;
    play = std::make_unique<Play>(options);
    tls::Names names;
    names.set_default(ecdsa_context());
    if (chooser) names.set_chooser(std::move(chooser));
    play->serve_names(hello, tls::LiveNames(std::move(names)));
    peer::ClientOptions nameless; // The default serves it, unasked.
    nameless.server_name.clear();
    holder = std::make_unique<Visitor>(*play, nameless);
    holder->say_hello();
    REQUIRE(play->run_until([this] { return holder->answered(); }));
  }

  Metrics metrics() const { return play->engine().metrics(); }
  bool run_until_waiting(std::uint64_t count) {
    return play->run_until([=, this] { return metrics().handshakes_waiting == count; });
  }

  std::unique_ptr<Play> play;
  std::unique_ptr<Visitor> holder;
};

TEST_CASE("handshakes: beyond handshakes_max hellos wait, without a buffer and without a spin") {
  Crowded crowded;
  std::vector<Visitor> others;
  for (std::uint64_t count = 1; count <= 3; ++count) {
    others.emplace_back(*crowded.play).say_hello();
    REQUIRE(crowded.run_until_waiting(count));
  }
  const Metrics before = crowded.metrics();
  CHECK(before.handshakes_open == 1);
  CHECK(before.handshake_steps == 1);
  CHECK(before.receive_buffers_held == 0);
  crowded.play->run_for(1s);
  CHECK(crowded.metrics().ring_enters - before.ring_enters <= 110); // Turns of 10 ms.
  CHECK(crowded.metrics().handshake_steps == 1);
  CHECK(crowded.holder->gets_answer());
  // First in, first out: out of turn, another one would hold the room and say nothing.
  for (Visitor& visitor : others) CHECK(visitor.gets_answer());
  CHECK(crowded.metrics().handshakes_waiting_peak == 3);
  CHECK(crowded.metrics().handshake_steps == 4);
  CHECK(crowded.play->reports().empty());
}

TEST_CASE("handshakes: what follows a hello that waits is kept for when it is answered") {
  Crowded crowded;
  Visitor other(*crowded.play);
  other.say_hello();
  other.actor.send(std::string("\x14\x03\x03\x00\x01\x01", 6)); // RFC 8446 appendix D.4.
  REQUIRE(crowded.run_until_waiting(1));
  Visitor pieces(*crowded.play);
  const std::string whole = pieces.tls->take_outgoing();
  for (const char& byte : whole) pieces.actor.send(std::string_view(&byte, 1));
  REQUIRE(crowded.run_until_waiting(2));
  pieces.actor.send(std::string("\x14\x03\x03\x00\x01\x01", 6)); // While it waits.
  crowded.play->run_for(10ms);
  CHECK(crowded.metrics().receive_buffers_held == 0);
  crowded.holder->actor.abort();
  CHECK(other.gets_answer());
  CHECK(pieces.gets_answer());
}

TEST_CASE("handshakes: who waits cannot hold receive buffers with what it sends after its hello") {
  Crowded crowded(GENERATE(RecordLayer::user, RecordLayer::kernel));
  const bool at_once = GENERATE(true, false);
  Visitor other(*crowded.play);
  const std::string more(at_once ? 60'000 : 1'000, 'x');
  if (at_once) {
    other.actor.send(other.tls->take_outgoing() + more);
  } else {
    other.say_hello();
    REQUIRE(crowded.run_until_waiting(1));
    for (int piece = 0; piece < 5 && !other.actor.ended(); ++piece) {
      other.actor.send(more);
      crowded.play->run_for(10ms);
      CHECK(crowded.metrics().receive_buffers_held == 0);
    }
  }
  REQUIRE(crowded.play->run_until([&] { return other.actor.ended(); }));
  CHECK(crowded.play->count(Code::tls_handshake_malformed) == 1);
  CHECK(crowded.metrics().receive_buffers_held == 0);
  CHECK(crowded.metrics().handshakes_waiting == 0);
  CHECK(crowded.metrics().handshake_steps == 1);
  CHECK(crowded.holder->gets_answer());
}

/// TLS 1.2 has a second costly step: were it behind the hellos that wait for room, nobody moved on.
TEST_CASE("handshakes: who has begun goes before who waits to begin") {
  const tls::Context context = ecdsa_context();
  Play play(limited(1, 1));
  play.serve(hello, &context);
  peer::ClientOptions old;
  old.version_max = TLS1_2_VERSION;
  Visitor first(play, old);
  Visitor second(play, old);
  first.say_hello();
  REQUIRE(play.run_until([&] { return first.answered(); }));
  second.say_hello();
  REQUIRE(play.run_until([&] { return play.engine().metrics().handshakes_waiting == 1; }));
  CHECK(first.gets_answer());
  CHECK(second.gets_answer());
  CHECK(play.engine().metrics().handshake_steps == 4);
}

// ---------------------------------------------------------------------------- ends

struct Death {
  const char* name;
  Code code;
  std::function<void(Crowded&, Visitor&)> die;
};

TEST_CASE("handshakes: one that ends while it waits leaves the queue, and costs no step") {
  const RecordLayer records = GENERATE(RecordLayer::user, RecordLayer::kernel);
  const std::vector<Death> deaths{
      {"FIN", Code::tls_handshake_peer_closed,
       [](Crowded&, Visitor& visitor) { visitor.actor.finish(); }},
      {"RST", Code::tls_handshake_peer_closed,
       [](Crowded&, Visitor& visitor) { visitor.actor.abort(); }},
      {"its time is over", Code::tls_handshake_queue_timed_out,
       [](Crowded& crowded, Visitor&) { crowded.play->run_for(2'600ms); }},
  };
  for (const Death& death : deaths) {
    INFO(death.name);
    Crowded crowded(records);
    Visitor before(*crowded.play);
    before.say_hello();
    REQUIRE(crowded.run_until_waiting(1));
    Visitor dying(*crowded.play);
    dying.say_hello();
    REQUIRE(crowded.run_until_waiting(2));
    // Of two that wait, the later leaves first: it is not the queue's head.
    const bool both = death.code != Code::tls_handshake_peer_closed;
    death.die(crowded, dying);
    REQUIRE(crowded.run_until_waiting(both ? 0 : 1));
    CHECK(crowded.metrics().handshake_steps == 1);
    CHECK(crowded.play->count(death.code) == (both ? 2 : 1));
    if (!both) {
      before.actor.abort();
      REQUIRE(crowded.run_until_waiting(0));
      CHECK(crowded.play->count(death.code) == 2);
    }
    CHECK(crowded.holder->gets_answer());
    Visitor last(*crowded.play);
    CHECK(last.gets_answer());
  }
}

TEST_CASE("handshakes: in a drain who waits has its turn, and without a grace none") {
  const bool graced = GENERATE(true, false);
  Crowded crowded;
  Visitor waiting(*crowded.play);
  waiting.say_hello();
  REQUIRE(crowded.run_until_waiting(1));
  crowded.play->engine().drain(graced ? 10s : 0s);
  if (graced) {
    CHECK(crowded.holder->gets_answer());
    CHECK(waiting.gets_answer());
  }
  REQUIRE(crowded.play->run_until([&] { return crowded.play->engine().shard(0).ended(); }));
  CHECK(crowded.metrics().handshake_steps == (graced ? 2 : 1));
  CHECK(crowded.play->count(Code::drain_timed_out) == (graced ? 0 : 2));
}

TEST_CASE("handshakes: half of the time that is left may be waited, then queue_timed_out") {
  Crowded crowded; // Its own handshake_timeout has just begun, too.
  Visitor early(*crowded.play);
  early.say_hello();
  Visitor late(*crowded.play);
  crowded.play->run_for(2s);
  late.say_hello(); // 3 s are left to it.
  crowded.play->run_for(400ms);
  CHECK(crowded.play->count(Code::tls_handshake_queue_timed_out) == 0);
  crowded.play->run_for(200ms);
  CHECK(crowded.play->count(Code::tls_handshake_queue_timed_out) == 1);
  CHECK(early.actor.ended());
  crowded.play->run_for(800ms);
  CHECK_FALSE(late.actor.ended());
  crowded.play->run_for(200ms);
  CHECK(crowded.play->count(Code::tls_handshake_queue_timed_out) == 2);
  CHECK(crowded.play->count(Code::tls_handshake_timed_out) == 0);
  crowded.play->run_for(2s);
  CHECK(crowded.play->count(Code::tls_handshake_timed_out) == 1); // The holder's.
  Visitor last(*crowded.play);
  CHECK(last.gets_answer());
}

TEST_CASE("handshakes: one that is refused, or stalls later, makes room for the next") {
  Crowded crowded;
  Visitor other(*crowded.play);
  other.say_hello();
  REQUIRE(crowded.run_until_waiting(1));
  crowded.holder->actor.send("no record of TLS");
  CHECK(other.gets_answer());
  CHECK(crowded.metrics().handshakes_open == 0);
}

TEST_CASE("handshakes: a chooser's late answer waits for its turn, and may find nobody") {
  std::vector<tls::NameQuery> asked;
  Crowded crowded(RecordLayer::user, [&](const tls::NameQuery& query) {
    asked.push_back(query);
    return std::optional<tls::NameChoice>();
  });
  Visitor stays(*crowded.play);
  Visitor leaves(*crowded.play);
  Visitor gone(*crowded.play);
  for (Visitor* visitor : {&stays, &leaves, &gone}) {
    visitor->say_hello();
    const std::size_t before = asked.size();
    REQUIRE(crowded.play->run_until([&] { return asked.size() > before; }));
  }
  CHECK(crowded.metrics().handshakes_waiting == 0); // They wait for the chooser.
  gone.actor.abort();
  REQUIRE(crowded.play->run_until(
      [&] { return crowded.play->count(Code::tls_handshake_peer_closed) == 1; }));
  for (const tls::NameQuery& query : asked) query.answer(tls::NameChoice::use_default());
  REQUIRE(crowded.run_until_waiting(2));
  for (const tls::NameQuery& query : asked) query.answer(tls::NameChoice::refuse()); // Too late.
  leaves.actor.abort();
  REQUIRE(crowded.run_until_waiting(1));
  CHECK(crowded.metrics().handshake_steps == 1);
  CHECK(crowded.holder->gets_answer());
  CHECK(stays.gets_answer());
  CHECK(crowded.metrics().handshake_steps == 2);
}

} // namespace
} // namespace ringfort::sim
