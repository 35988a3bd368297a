// Records in the kernel's hands, one situation each: what goes over and when, what a refusal leaves
// behind, and what a control record or a broken one does.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view post_ten = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";

/// A TLS server that answers with who protects its records, and a client that knows it.
struct KernelPlay {
  explicit KernelPlay(RecordLayer layer = RecordLayer::kernel, const Knobs& knobs = {},
                      int version_max = TLS1_3_VERSION)
      : play(options_of(layer), knobs), tls(of_version(version_max)) {
    play.serve(
        [](Exchange& exchange) {
          const ConnectionFacts& facts = exchange.connection();
          std::string text("sends ");
          text.append(name_of(facts.send_records)).append(", receives ");
          text.append(name_of(facts.receive_records));
          exchange.respond(200, {}, Payload::copied(text));
        },
        &context);
    client = &play.connect();
  }

  static peer::ClientOptions of_version(int version_max) {
    peer::ClientOptions options;
    options.version_max = version_max;
    return options;
  }
  static EngineOptions options_of(RecordLayer layer) {
    EngineOptions options = Play::kind_options();
    options.record_layer = layer;
    return options;
  }

  void shake_hands() {
    REQUIRE(play.converse(*client, tls, [&] { return tls.secured(); }));
    client->send(tls.take_outgoing()); // Its Finished, before any request.
    play.run_for(100ms);
  }
  /// The answer to one GET.
  std::string ask() {
    tls.write(get);
    const auto seen = tls.received().size();
    REQUIRE(play.converse(
        *client, tls, [&] { return tls.received().find("receives ", seen) != std::string::npos; }));
    return tls.received().substr(seen);
  }
  bool converse_to_end() {
    return play.converse(*client, tls, [&] { return client->ended(); });
  }
  Metrics metrics() { return play.engine().metrics(); }

  tls::Context context = ecdsa_context();
  Play play;
  peer::Client tls;
  Actor* client = nullptr;
};

TEST_CASE("kernel records: both directions go over, in either version, and serve") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    KernelPlay play(RecordLayer::kernel, {}, version);
    play.shake_hands();
    CHECK(play.ask().contains("sends kernel, receives kernel"));
    CHECK(play.ask().contains("sends kernel, receives kernel"));
    CHECK(play.metrics().records_kernel_send == 1);
    CHECK(play.metrics().records_kernel_receive == 1);
    CHECK(play.play.reports().empty());
  }
}

TEST_CASE("kernel records: kernel_send leaves what is received here") {
  KernelPlay play(RecordLayer::kernel_send);
  play.shake_hands();
  CHECK(play.ask().contains("sends kernel, receives user"));
  CHECK(play.metrics().records_user_receive == 1);
}

TEST_CASE("kernel records: a request that came with Finished is answered, and then both go over") {
  KernelPlay play;
  // The client's last flight and its request in one piece.
  REQUIRE(play.play.run_until([&] {
    if (play.tls.secured()) return true;
    if (const auto outgoing = play.tls.take_outgoing(); !outgoing.empty()) {
      play.client->send(outgoing);
    }
    if (const auto news = play.client->news(); !news.empty()) play.tls.deliver(bytes_of(news));
    return play.tls.secured();
  }));
  play.tls.write(get);
  play.tls.write(get);
  std::string flight = play.tls.take_outgoing();
  const std::string rest = flight.substr(flight.size() - 10); // Of the second request's record.
  flight.resize(flight.size() - 10);
  play.client->send(flight);
  REQUIRE(play.play.converse(*play.client, play.tls,
                             [&] { return play.tls.received().contains("receives user"); }));
  play.play.run_for(100ms);
  CHECK(play.metrics().records_kernel_receive == 0); // Not within a record.
  play.client->send(rest);
  REQUIRE(play.play.converse(*play.client, play.tls,
                             [&] { return play.metrics().records_kernel_receive == 1; }));
  CHECK(play.ask().contains("sends kernel, receives kernel"));
}

TEST_CASE("kernel records: what the kernel refuses stays here, counted") {
  struct Refusal {
    Knobs knobs;
    const char* answer;
    std::uint64_t refused;
  };
  const Refusal refusals[] = {
      {{.record_protocol_fails_per_mille = 1'000}, "sends user, receives user", 2},
      {{.send_keys_fail_per_mille = 1'000}, "sends user, receives kernel", 1},
      {{.receive_keys_fail_per_mille = 1'000}, "sends kernel, receives user", 1},
  };
  for (const Refusal& refusal : refusals) {
    KernelPlay play(RecordLayer::kernel, refusal.knobs);
    play.shake_hands();
    CHECK(play.ask().contains(refusal.answer));
    CHECK(play.metrics().records_refused == refusal.refused);
  }
}

TEST_CASE("kernel records: a kernel without them is tls_context.kernel_records_unavailable") {
  // The second one takes keys and then sends clear text.
  for (const Knobs& knobs : {Knobs{.record_protocol = false}, Knobs{.records_in_clear = true}}) {
    World world(1, knobs);
    const tls::Context context = ecdsa_context();
    for (const RecordLayer layer : {RecordLayer::kernel, RecordLayer::kernel_send}) {
      auto engine = Engine::create(KernelPlay::options_of(layer));
      REQUIRE(engine);
      const auto bound = (*engine)->serve({.port = 0}, context, [](Shard&) {
        return service([](Exchange& exchange) { exchange.respond(204, {}); });
      });
      REQUIRE_FALSE(bound);
      CHECK(bound.error().code == Code::tls_context_kernel_records_unavailable);
    }
    auto engine = Engine::create(KernelPlay::options_of(RecordLayer::automatic));
    REQUIRE(engine);
    const auto found = (*engine)->try_kernel_records();
    REQUIRE(found);
    CHECK_FALSE(found->contains(": yes"));
  }
}

TEST_CASE("kernel records: close_notify of either side is answered by the other's") {
  KernelPlay play;
  play.shake_hands();
  CHECK(play.ask().contains("receives kernel"));
  play.tls.close();
  REQUIRE(play.converse_to_end());
  CHECK(play.tls.closed());
  CHECK(play.play.reports().empty());
}

TEST_CASE("kernel records: a changed record is tls_record.bad_mac, and the client is told") {
  KernelPlay play;
  play.shake_hands();
  CHECK(play.ask().contains("receives kernel"));
  play.tls.write(get);
  std::string record = play.tls.take_outgoing();
  record.back() = static_cast<char>(record.back() ^ 1);
  play.client->send(record);
  REQUIRE(play.converse_to_end());
  CHECK(play.play.count(Code::tls_record_bad_mac) == 1);
  CHECK(play.tls.failure().contains("bad record mac"));
}

TEST_CASE("kernel records: FIN inside a request, at or in a record, is tls_record.truncated") {
  for (const std::size_t left_out : {0u, 5u}) {
    KernelPlay play;
    play.shake_hands();
    CHECK(play.ask().contains("receives kernel"));
    play.tls.write(std::string(post_ten).substr(0, 30));
    std::string record = play.tls.take_outgoing();
    record.resize(record.size() - left_out);
    play.client->send(record);
    play.client->finish();
    REQUIRE(play.play.run_until_closed());
    // The head came in part, or not at all.
    CHECK(play.play.count(Code::tls_record_truncated) == (left_out == 0 ? 1 : 0));
  }
}

TEST_CASE("kernel records: KeyUpdate is followed where the kernel can take other keys") {
  for (const bool answered : {false, true}) {
    for (const RecordLayer layer : {RecordLayer::kernel, RecordLayer::kernel_send}) {
      KernelPlay play(layer, {.record_rekeys = true});
      play.shake_hands();
      CHECK(play.ask().contains("sends kernel"));
      for (int turn = 0; turn < 3; ++turn) {
        play.tls.update_keys(answered);
        CHECK(play.ask().contains("sends kernel"));
      }
      CHECK(play.play.reports().empty());
    }
  }
}

TEST_CASE("kernel records: elsewhere it is tls_record.key_update_unsupported, an end in order") {
  for (const RecordLayer layer : {RecordLayer::kernel, RecordLayer::kernel_send}) {
    KernelPlay play(layer, {.record_rekeys = false});
    play.shake_hands();
    CHECK(play.ask().contains("sends kernel"));
    play.tls.update_keys(true);
    REQUIRE(play.converse_to_end());
    CHECK(play.play.count(Code::tls_record_key_update_unsupported) == 1);
    CHECK(play.tls.closed());
    CHECK_FALSE(play.client->was_reset());
  }
  KernelPlay play(RecordLayer::kernel_send, {.record_rekeys = false});
  play.shake_hands();
  play.tls.update_keys(false); // Only what is opened here changes.
  CHECK(play.ask().contains("sends kernel"));
}

TEST_CASE("kernel records: too many KeyUpdates without data are tls_record.key_update_flood") {
  KernelPlay play;
  play.shake_hands();
  CHECK(play.ask().contains("receives kernel"));
  for (int turn = 0; turn < 40; ++turn) play.tls.update_keys(false);
  REQUIRE(play.converse_to_end());
  CHECK(play.play.count(Code::tls_record_key_update_flood) == 1);
}

TEST_CASE("kernel records: renegotiation is refused in TLS 1.2 as tls_record.renegotiation") {
  KernelPlay play(RecordLayer::kernel, {}, TLS1_2_VERSION);
  play.shake_hands();
  CHECK(play.ask().contains("receives kernel"));
  play.tls.renegotiate();
  REQUIRE(play.converse_to_end());
  CHECK(play.play.count(Code::tls_record_renegotiation) == 1);
}

} // namespace
} // namespace ringfort::sim
