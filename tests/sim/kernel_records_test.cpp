// Records in the kernel's hands, one situation each: what goes over and when, what a refusal leaves
// behind, and what a control record or a broken one does.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/kernel_play.hpp"

namespace ringfort::sim {
namespace {

constexpr std::string_view post_ten = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";

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
  play.shake_hands_asking(get);
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
  REQUIRE(play.play.converse(*play.client, play.tls, [&] {
    const std::string_view text = play.tls.received();
    return text.find("receives user") != text.rfind("receives user");
  }));
  play.play.run_for(100ms);
  CHECK(play.metrics().records_kernel_receive == 1);
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
    for (const bool chain : {true, false}) {
      Knobs knobs = refusal.knobs;
      knobs.record_chain = chain;
      KernelPlay play(RecordLayer::kernel, knobs);
      play.shake_hands();
      CHECK(play.ask().contains(refusal.answer));
      CHECK(play.metrics().records_refused == refusal.refused);
      // After a send that was refused the receive goes over by itself.
      const std::uint64_t hand_overs = knobs.send_keys_fail_per_mille > 0 ? 2 : 1;
      CHECK(play.metrics().records_by_ring == (chain ? hand_overs : 0));
      CHECK(play.metrics().records_by_calls == (chain ? 0 : hand_overs));
    }
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

/// A header of a record, and nothing behind it that anybody could open.
std::string record_of(std::string_view version, std::size_t length) {
  std::string record("\x17");
  record.append(version).push_back(static_cast<char>(length >> 8));
  record.push_back(static_cast<char>(length));
  return record.append(length, '?');
}

TEST_CASE("kernel records: what Linux refuses is tls_record.oversized, bad_mac or malformed") {
  struct Bad {
    int version;
    std::string record;
    Code code;
    const char* told; ///< by the alert, in OpenSSL's words
  };
  // What TLS 1.2 adds to 16 KiB is nonce and tag, TLS 1.3 tag and inner type.
  constexpr std::size_t longest_1_2 = 16'384 + 8 + 16;
  constexpr std::size_t longest_1_3 = 16'384 + 16 + 1;
  const Bad bad[] = {
      {TLS1_3_VERSION, record_of("\3\3", longest_1_3 + 1), Code::tls_record_oversized, "overflow"},
      {TLS1_2_VERSION, record_of("\3\3", longest_1_2 + 1), Code::tls_record_oversized, "overflow"},
      {TLS1_3_VERSION, record_of("\3\3", longest_1_3), Code::tls_record_bad_mac, "bad record mac"},
      {TLS1_2_VERSION, record_of("\3\3", longest_1_2), Code::tls_record_bad_mac, "bad record mac"},
      {TLS1_3_VERSION, record_of("\3\3", 15), Code::tls_record_bad_mac, "bad record mac"},
      {TLS1_2_VERSION, record_of("\3\3", 23), Code::tls_record_bad_mac, "bad record mac"},
      {TLS1_3_VERSION, record_of("\3\4", 100), Code::tls_record_malformed, "unexpected message"},
      {TLS1_2_VERSION, record_of("\2\3", 100), Code::tls_record_malformed, "unexpected message"},
      {TLS1_3_VERSION, std::string(get), Code::tls_record_malformed, "unexpected message"},
  };
  for (const Bad& one : bad) {
    KernelPlay play(RecordLayer::kernel, {}, one.version);
    INFO(one.told << " of a record of " << one.record.size() << " bytes");
    play.shake_hands();
    CHECK(play.ask().contains("receives kernel"));
    play.client->send(one.record);
    REQUIRE(play.converse_to_end());
    CHECK(play.play.count(one.code) == 1);
    CHECK(play.play.reports().size() == 1);
    CHECK(play.tls.failure().contains(one.told));
  }
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
