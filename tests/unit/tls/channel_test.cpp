// The record layer after the handshake: what it refuses, and what it owes. Two channels with each
// other's keys play the two ends.
#include "tls/channel.hpp"

#include <array>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/peer/identity.hpp"
#include "tests/unit/tls/hex.hpp"

namespace ringfort::tls {
namespace {

constexpr std::uint16_t all_suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xcca9};
constexpr std::uint16_t new_suite = 0x1301; // TLS_AES_128_GCM_SHA256
constexpr std::uint16_t old_suite = 0xc02b; // ECDHE-ECDSA-AES128-GCM-SHA256

using Room = std::array<std::byte, Channel::received_record_bytes_max + 64>;

struct Ends {
  explicit Ends(std::uint16_t suite_id, const ChannelLimits& limits = {})
      : suite(*suite_of(suite_id)) {
    const TrafficKeys keys{.receive = keys_of(1), .send = keys_of(2)};
    server.emplace(*Channel::create(*library, keys, limits));
    client.emplace(*Channel::create(*library, keys, limits, Side::client));
    peer.emplace(*Channel::create(*library, {.receive = keys.send, .send = keys.receive}, limits));
    raw_peer.emplace(*RecordCipher::create(*library, RecordCipher::Direction::seal, keys.receive));
  }

  DirectionKeys keys_of(int seed) {
    std::array<std::byte, 48> secret;
    secret.fill(static_cast<std::byte>(seed));
    if (suite.version == Version::tls_1_3) {
      return *keys_of_secret(*library, suite, Bytes(secret).first(suite.hash_bytes));
    }
    DirectionKeys keys{.suite = &suite};
    copy_into(keys.key, Bytes(secret).first(suite.key_bytes));
    copy_into(keys.iv, Bytes(secret).first(nonce_bytes));
    return keys;
  }

  /// A record of any type, as a peer that keeps no rules could send it; in `room`.
  MutableBytes forge(ContentType type, Bytes content) {
    const auto sealed = raw_peer->seal(type, {&content, 1}, room);
    REQUIRE(sealed);
    return MutableBytes(room).first(*sealed);
  }
  Result<Channel::Received> receive(ContentType type, Bytes content) {
    return server->receive(forge(type, content));
  }

  std::unique_ptr<Library> library = *Library::create();
  const Suite& suite;
  std::optional<Channel> server;
  std::optional<Channel> client; ///< in the server's place
  std::optional<Channel> peer;
  std::optional<RecordCipher> raw_peer;
  Room room{};
};

MutableBytes seal(Channel& channel, Bytes data, Room& room) {
  const auto sealed = channel.seal({&data, 1}, room);
  REQUIRE(sealed);
  return MutableBytes(room).first(*sealed);
}

Code code_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

constexpr std::array key_update{std::byte{24}, std::byte{0}, std::byte{0}, std::byte{1},
                                std::byte{0}};
constexpr std::array key_update_requested{std::byte{24}, std::byte{0}, std::byte{0}, std::byte{1},
                                          std::byte{1}};

TEST_CASE("channel: what one end seals the other opens, for every suite and size") {
  Ends ends(GENERATE(from_range(all_suites)));
  INFO(ends.suite.name);
  for (const std::size_t bytes : {0u, 1u, 13u, 4'095u, 4'096u, 5'000u, 16'383u, 16'384u}) {
    const std::string text(bytes, 'x');
    const MutableBytes record = seal(*ends.peer, bytes_of(text), ends.room);
    CHECK(*ends.server->record_bytes(record) == record.size());
    const auto received = ends.server->receive(record);
    REQUIRE(received);
    CHECK(received->kind == Channel::Kind::data);
    CHECK(text_of(received->plaintext) == text);
    CHECK(record.size() <= bytes + Channel::record_overhead_bytes_max);
  }
}

TEST_CASE("channel: one that rested goes on where it was, for every suite") {
  Ends ends(GENERATE(from_range(all_suites)));
  for (const std::string_view text : {"before", "after", "and again"}) {
    for (auto [from, to] : {std::pair{&ends.peer, &ends.server}, {&ends.server, &ends.peer}}) {
      const auto received = (*to)->receive(seal(**from, bytes_of(text), ends.room));
      REQUIRE(received);
      CHECK(text_of(received->plaintext) == text);
    }
    CHECK(ends.server->rest());
    CHECK_FALSE(ends.server->rest()); // It had nothing left to give.
  }
}

TEST_CASE("channel: a byte changed anywhere is tls_record.bad_mac") {
  const std::uint16_t suite = GENERATE(from_range(all_suites));
  for (std::size_t at = record_header_bytes; at < 40; ++at) {
    Ends ends(suite);
    const MutableBytes record = seal(*ends.peer, bytes_of("thirteen byte"), ends.room);
    if (at >= record.size()) break;
    record[at] ^= std::byte{1};
    CHECK(code_of(ends.server->receive(record)) == Code::tls_record_bad_mac);
  }
}

TEST_CASE("channel: a record that comes again is tls_record.bad_mac") {
  Ends ends(GENERATE(from_range(all_suites)));
  const MutableBytes record = seal(*ends.peer, bytes_of("once"), ends.room);
  const std::string copy(text_of(record));
  REQUIRE(ends.server->receive(record));
  copy_into(record, bytes_of(copy));
  CHECK(code_of(ends.server->receive(record)) == Code::tls_record_bad_mac);
}

TEST_CASE("channel: a header that is none is tls_record.malformed") {
  Ends new_ends(new_suite);
  Ends old_ends(old_suite);
  const std::string_view http = "GET / HTTP/1.1\r\n";
  CHECK(code_of(new_ends.server->record_bytes(bytes_of(http))) == Code::tls_record_malformed);
  CHECK(code_of(old_ends.server->record_bytes(bytes_of(http))) == Code::tls_record_malformed);
  // Alerts and handshake messages in clear text exist only before TLS 1.3's keys.
  const auto alert = from_hex("15 03 03 00 1a");
  CHECK(code_of(new_ends.server->record_bytes(alert)) == Code::tls_record_malformed);
  CHECK(old_ends.server->record_bytes(alert));
  CHECK(*new_ends.server->record_bytes(Bytes(alert).first(4)) == 0);
  auto too_short = from_hex("17 03 03 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
  CHECK(code_of(new_ends.server->receive(too_short)) == Code::tls_record_malformed);
}

TEST_CASE("channel: a record too long is tls_record.oversized") {
  Ends ends(GENERATE(from_range(all_suites)));
  CHECK(*ends.server->record_bytes(from_hex("17 03 03 41 00")) == 5 + 0x4100);
  CHECK(code_of(ends.server->record_bytes(from_hex("17 03 03 41 01"))) ==
        Code::tls_record_oversized);
  CHECK(code_of(ends.server->record_bytes(from_hex("17 03 03 ff ff"))) ==
        Code::tls_record_oversized);
  // Within the ciphertext's bound, but with more content than 2^14 bytes.
  const std::string content(16'385, 'x');
  CHECK(code_of(ends.receive(ContentType::application_data, bytes_of(content))) ==
        Code::tls_record_oversized);
}

TEST_CASE("channel: alerts are told apart: an end, a warning, tls_record.peer_alert") {
  Ends ends(GENERATE(from_range(all_suites)));
  const auto canceled = ends.receive(ContentType::alert, from_hex("01 5a"));
  REQUIRE(canceled);
  CHECK(canceled->kind == Channel::Kind::control);
  const auto closed = ends.receive(ContentType::alert, from_hex("01 00"));
  REQUIRE(closed);
  CHECK(closed->kind == Channel::Kind::closed);
  const auto fatal = ends.receive(ContentType::alert, from_hex("02 14"));
  CHECK(code_of(fatal) == Code::tls_record_peer_alert);
  CHECK(fatal.error().detail == 20);
  CHECK(code_of(ends.receive(ContentType::alert, from_hex("01"))) == Code::tls_record_malformed);
}

TEST_CASE("channel: a ClientHello after the handshake is tls_record.renegotiation") {
  Ends ends(GENERATE(from_range(all_suites)));
  const auto refused = ends.receive(ContentType::handshake, from_hex("01 00 00 00"));
  CHECK(code_of(refused) == Code::tls_record_renegotiation);
  CHECK(alert_for(refused.error()) == Alert::no_renegotiation);
}

TEST_CASE("channel: another message after the handshake is tls_record.unexpected_message") {
  Ends ends(GENERATE(from_range(all_suites)));
  const bool is_new = ends.suite.version == Version::tls_1_3;
  for (const std::string_view message : {"", "0e 00 00 00", "14 00 00 00", "18 00 00 01 02",
                                         "18 00 00 01 00 18", "18 00 00 02 00"}) {
    if (message.empty() && is_new) continue; // Below: in TLS 1.3 it has no type at all.
    CHECK(code_of(ends.receive(ContentType::handshake, from_hex(message))) ==
          Code::tls_record_unexpected_message);
  }
  CHECK(code_of(ends.receive(ContentType::change_cipher_spec, from_hex("01"))) ==
        Code::tls_record_unexpected_message);
  if (!is_new) {
    CHECK(code_of(ends.receive(ContentType::handshake, key_update)) ==
          Code::tls_record_unexpected_message);
  }
}

TEST_CASE("channel: a TLS 1.3 record of zeros alone is tls_record.unexpected_message") {
  Ends ends(new_suite);
  CHECK(code_of(ends.receive(ContentType{0}, {})) == Code::tls_record_unexpected_message);
}

TEST_CASE("channel: a KeyUpdate moves the peer's key on; one that asks is answered once") {
  Ends ends(new_suite);
  for (int round = 0; round < 3; ++round) {
    const auto updated = ends.peer->seal_control(ends.room);
    REQUIRE(updated);
    const auto received = ends.server->receive(MutableBytes(ends.room).first(*updated));
    REQUIRE(received);
    CHECK(received->kind == Channel::Kind::control);
    CHECK_FALSE(ends.server->owes_control());
    const MutableBytes record = seal(*ends.peer, bytes_of("after"), ends.room);
    CHECK(text_of(ends.server->receive(record)->plaintext) == "after");
  }
}

TEST_CASE("channel: a KeyUpdate that asks for one is owed an answer, that keeps both in step") {
  Ends ends(new_suite);
  REQUIRE(ends.receive(ContentType::handshake, key_update_requested));
  REQUIRE(ends.server->owes_control());
  const auto sealed = ends.server->seal_control(ends.room);
  REQUIRE(sealed);
  CHECK_FALSE(ends.server->owes_control());
  REQUIRE(ends.peer->receive(MutableBytes(ends.room).first(*sealed)));
  const MutableBytes record = seal(*ends.server, bytes_of("answer"), ends.room);
  CHECK(text_of(ends.peer->receive(record)->plaintext) == "answer");
}

TEST_CASE("channel: KeyUpdates without data between them are tls_record.key_update_flood") {
  Ends ends(new_suite, {.key_updates_without_data_max = 3});
  const auto update = [&] {
    const auto sealed = ends.peer->seal_control(ends.room);
    return ends.server->receive(MutableBytes(ends.room).first(*sealed));
  };
  for (int count = 0; count < 3; ++count) REQUIRE(update());
  REQUIRE(ends.server->receive(seal(*ends.peer, bytes_of("data"), ends.room)));
  for (int count = 0; count < 3; ++count) REQUIRE(update());
  REQUIRE(ends.server->receive(seal(*ends.peer, {}, ends.room))); // An empty record is no data.
  CHECK(code_of(update()) == Code::tls_record_key_update_flood);
}

constexpr std::string_view ticket = "04 00 00 03 61 62 63";

TEST_CASE("channel: a client is told of tickets that are alone in their record") {
  const std::string several = std::string(ticket) + " 04 00 00 00 " + std::string(ticket);
  for (const std::string_view messages : {ticket, std::string_view(several)}) {
    Ends ends(new_suite);
    const auto received =
        ends.client->receive(ends.forge(ContentType::handshake, from_hex(messages)));
    REQUIRE(received);
    CHECK(received->kind == Channel::Kind::ticket);
    CHECK(received->plaintext.empty());
  }
  for (const std::string_view messages :
       {"04 00 00 02 61 62 63", "04 00 00 00 18", "04 00 00 00 18 00 00 01 00", "04 ff ff ff 61"}) {
    Ends ends(new_suite);
    CHECK(code_of(ends.client->receive(ends.forge(ContentType::handshake, from_hex(messages)))) ==
          Code::tls_record_unexpected_message);
  }
}

TEST_CASE("channel: a ticket may be split over records, at any byte, and data follows it") {
  const auto message = from_hex(std::string(ticket) + " " + std::string(ticket));
  for (std::size_t cut = 1; cut < message.size(); ++cut) {
    CAPTURE(cut);
    Ends ends(new_suite);
    for (const Bytes part : {Bytes(message).first(cut), Bytes(message).subspan(cut)}) {
      const auto received = ends.client->receive(ends.forge(ContentType::handshake, part));
      REQUIRE(received);
      CHECK(received->kind == Channel::Kind::ticket);
    }
    const auto data =
        ends.client->receive(ends.forge(ContentType::application_data, bytes_of("data")));
    REQUIRE(data);
    CHECK(data->kind == Channel::Kind::data);
  }
}

TEST_CASE("channel: nothing but its rest follows a part of a ticket") {
  const std::pair<ContentType, std::string_view> others[] = {
      {ContentType::application_data, "61"},
      {ContentType::alert, "01 00"},
      {ContentType::handshake, "62 63 18 00 00 01 00"},
      {ContentType::handshake, ""},
  };
  for (const auto& [type, content] : others) {
    Ends ends(new_suite);
    REQUIRE(ends.client->receive(ends.forge(ContentType::handshake, from_hex("04 00 00 03 61"))));
    CHECK(code_of(ends.client->receive(ends.forge(type, from_hex(content)))) ==
          Code::tls_record_unexpected_message);
  }
}

TEST_CASE("channel: a ticket is nothing for a server, nor in TLS 1.2") {
  Ends newer(new_suite);
  CHECK(code_of(newer.receive(ContentType::handshake, from_hex(ticket))) ==
        Code::tls_record_unexpected_message);
  Ends older(old_suite);
  CHECK(code_of(older.client->receive(older.forge(ContentType::handshake, from_hex(ticket)))) ==
        Code::tls_record_unexpected_message);
}

TEST_CASE("channel: tickets without data between them are tls_record.key_update_flood") {
  Ends ends(new_suite, {.key_updates_without_data_max = 3});
  const auto receive = [&](ContentType type, Bytes content) {
    return ends.client->receive(ends.forge(type, content));
  };
  const std::string two = std::string(ticket) + " " + std::string(ticket);
  REQUIRE(receive(ContentType::handshake, from_hex(two)));
  REQUIRE(receive(ContentType::application_data, bytes_of("data")));
  REQUIRE(receive(ContentType::handshake, from_hex(two)));
  CHECK(code_of(receive(ContentType::handshake, from_hex(two))) ==
        Code::tls_record_key_update_flood);
}

TEST_CASE("channel: a HelloRequest to a client is tls_record.renegotiation") {
  for (const std::uint16_t suite : {new_suite, old_suite}) {
    Ends ends(suite);
    const MutableBytes record = ends.forge(ContentType::handshake, from_hex("00 00 00 00"));
    CHECK(code_of(ends.client->receive(record)) == Code::tls_record_renegotiation);
  }
}

TEST_CASE("channel: TLS 1.3 replaces its own key before the limit") {
  Ends ends(new_suite, {.records_per_key = 4});
  unsigned updates = 0;
  for (int count = 0; count < 20; ++count) {
    if (ends.server->owes_control()) {
      ++updates;
      const auto sealed = ends.server->seal_control(ends.room);
      REQUIRE(sealed);
      REQUIRE(ends.peer->receive(MutableBytes(ends.room).first(*sealed)));
    }
    const MutableBytes record = seal(*ends.server, bytes_of("data"), ends.room);
    const auto received = ends.peer->receive(record);
    REQUIRE(received);
    CHECK(text_of(received->plaintext) == "data");
  }
  CHECK(updates == 4);
}

TEST_CASE("channel: TLS 1.2, which has no other key, ends with tls_record.key_exhausted") {
  Ends ends(old_suite, {.records_per_key = 4});
  for (int count = 0; count < 4; ++count) seal(*ends.server, bytes_of("data"), ends.room);
  const Bytes piece = bytes_of("data");
  CHECK(code_of(ends.server->seal({&piece, 1}, ends.room)) == Code::tls_record_key_exhausted);
  CHECK(ends.server->seal_alert(Alert::close_notify, ends.room)); // The end can still be said.
}

TEST_CASE(
    "channel: a record that has no room is tls_record.crypto_failed, and nothing is written") {
  Ends ends(GENERATE(from_range(all_suites)));
  const Bytes piece = bytes_of("thirteen byte");
  for (std::size_t room = 0; room < 30; ++room) {
    CHECK(code_of(ends.server->seal({&piece, 1}, MutableBytes(ends.room).first(room))) ==
          Code::tls_record_crypto_failed);
  }
  CHECK(ends.room == Room{});
}

TEST_CASE("channel: a key that the kernel seals with is spent after as many records as ours") {
  Ends ends(new_suite, {.records_per_key = 4});
  ends.server->let_kernel_seal(true);
  REQUIRE(ends.server->count_sealed(3));
  CHECK_FALSE(ends.server->owes_control());
  REQUIRE(ends.server->count_sealed(1));
  CHECK(ends.server->owes_control());
  const DirectionKeys before = ends.server->send_keys();
  REQUIRE(ends.server->advance_send_keys());
  CHECK_FALSE(ends.server->owes_control());
  CHECK_FALSE(same_bytes(before.key_bytes(), ends.server->send_keys().key_bytes()));
  CHECK(ends.server->send_keys().sequence == 0);
}

TEST_CASE("channel: where the kernel takes no other keys, the last record is key_exhausted") {
  Ends ends(new_suite, {.records_per_key = 4});
  ends.server->let_kernel_seal(false);
  REQUIRE(ends.server->count_sealed(4));
  CHECK_FALSE(ends.server->owes_control());
  CHECK(code_of(ends.server->count_sealed(1)) == Code::tls_record_key_exhausted);
}

TEST_CASE("channel: a KeyUpdate that the kernel has opened moves the receive keys on") {
  Ends ends(new_suite);
  ends.server->let_kernel_open();
  const DirectionKeys before = ends.server->receive_keys();
  auto message = key_update_requested;
  const auto received = ends.server->receive_opened(ContentType::handshake, message);
  REQUIRE(received);
  CHECK(ends.server->owes_control());
  const auto next = next_generation(*ends.library, before);
  REQUIRE(next);
  CHECK(same_bytes(next->key_bytes(), ends.server->receive_keys().key_bytes()));
}

TEST_CASE("channel: each fault of the record layer has its alert") {
  const auto alert = [](Code code) { return alert_for({.code = code}); };
  CHECK(alert(Code::tls_record_bad_mac) == Alert::bad_record_mac);
  CHECK(alert(Code::tls_record_oversized) == Alert::record_overflow);
  CHECK(alert(Code::tls_record_malformed) == Alert::unexpected_message);
  CHECK(alert(Code::tls_record_unexpected_message) == Alert::unexpected_message);
  CHECK(alert(Code::tls_record_key_update_flood) == Alert::unexpected_message);
  CHECK(alert(Code::tls_record_peer_alert) == Alert::close_notify);
  CHECK(alert(Code::response_stream_no_blocks) == Alert::internal_error);
}

} // namespace
} // namespace ringfort::tls
