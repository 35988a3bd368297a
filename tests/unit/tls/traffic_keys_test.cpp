// Known answers for keys and records, from the traces of RFC 8448 section 3.
#include "tls/traffic_keys.hpp"

#include <numeric>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"
#include "tests/unit/tls/hex.hpp"
#include "tls/record_cipher.hpp"

namespace ringfort::tls {
namespace {

constexpr std::string_view client_secret = "9e 40 64 6c e7 9a 7f 9d c0 5a f8 88 9b ce 65 52 87 5a "
                                           "fa 0b 06 df 00 87 f7 92 eb b7 c1 75 04 a5";
constexpr std::string_view server_secret = "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 "
                                           "b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43";
constexpr std::string_view client_data_record = "17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe "
                                                "82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab 3f"
                                                "2b 98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b "
                                                "62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d ea e6"
                                                "3a ee bb 21 69 49 15 e4";
constexpr std::string_view server_data_record = "17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad "
                                                "36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b 36"
                                                "e3 0e fa f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8 "
                                                "fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54"
                                                "0d d0 32 e1 67 c2 95 5d";
constexpr std::string_view client_alert_record =
    "17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3";
constexpr std::string_view server_alert_record =
    "17 03 03 00 13 b5 8f d6 71 66 eb f5 99 d2 47 20 cf be 7e fa 7a 88 64 a9";

struct Vectors {
  std::unique_ptr<Library> library = *Library::create();
  const Suite& suite = *suite_of(0x1301);

  DirectionKeys keys(std::string_view secret) {
    auto derived = keys_of_secret(*library, suite, from_hex(secret));
    REQUIRE(derived);
    return *derived;
  }
};

/// The 50 bytes that both sides of the trace send: 00 to 31.
std::vector<std::byte> trace_data() {
  std::vector<std::byte> data(50);
  for (std::size_t index = 0; index < data.size(); ++index) {
    data[index] = static_cast<std::byte>(index);
  }
  return data;
}

TEST_CASE("traffic keys: key and iv of both sides as in RFC 8448") {
  Vectors vectors;
  const DirectionKeys client = vectors.keys(client_secret);
  CHECK(
      same_bytes(client.key_bytes(), from_hex("17 42 2d da 59 6e d5 d9 ac d8 90 e3 c6 3f 50 51")));
  CHECK(same_bytes(client.iv, from_hex("5b 78 92 3d ee 08 57 90 33 e5 23 d9")));
  CHECK(client.sequence == 0);
  const DirectionKeys server = vectors.keys(server_secret);
  CHECK(
      same_bytes(server.key_bytes(), from_hex("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56")));
  CHECK(same_bytes(server.iv, from_hex("cf 78 2b 88 dd 83 54 9a ad f1 e9 84")));
}

TEST_CASE("traffic keys: records are sealed as in RFC 8448") {
  Vectors vectors;
  auto client = RecordCipher::create(*vectors.library, RecordCipher::Direction::seal,
                                     vectors.keys(client_secret));
  REQUIRE(client);
  std::array<std::byte, 128> out;
  const auto data = trace_data();
  const Bytes whole(data);
  auto sealed = client->seal(ContentType::application_data, {&whole, 1}, out);
  REQUIRE(sealed);
  CHECK(same_bytes(Bytes(out).first(*sealed), from_hex(client_data_record)));
  const auto alert = from_hex("01 00");
  const Bytes close_notify(alert);
  sealed = client->seal(ContentType::alert, {&close_notify, 1}, out);
  REQUIRE(sealed);
  CHECK(same_bytes(Bytes(out).first(*sealed), from_hex(client_alert_record)));
}

TEST_CASE("traffic keys: records are opened as in RFC 8448") {
  Vectors vectors;
  DirectionKeys keys = vectors.keys(server_secret);
  keys.sequence = 1; // Its first record was a ticket.
  auto server = RecordCipher::create(*vectors.library, RecordCipher::Direction::open, keys);
  REQUIRE(server);
  auto record = from_hex(server_data_record);
  auto opened = server->open(record);
  REQUIRE(opened);
  CHECK(opened->type == ContentType::application_data);
  CHECK(same_bytes(opened->plaintext, trace_data()));
  record = from_hex(server_alert_record);
  opened = server->open(record);
  REQUIRE(opened);
  CHECK(opened->type == ContentType::alert);
  CHECK(same_bytes(opened->plaintext, from_hex("01 00")));
}

TEST_CASE("traffic keys: pieces of any size make the same record as the whole") {
  Vectors vectors;
  const auto data = trace_data();
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    auto client = RecordCipher::create(*vectors.library, RecordCipher::Direction::seal,
                                       vectors.keys(client_secret));
    REQUIRE(client);
    std::array<std::byte, 128> out;
    const std::array pieces{Bytes(data).first(cut), Bytes(), Bytes(data).subspan(cut)};
    const auto sealed = client->seal(ContentType::application_data, pieces, out);
    REQUIRE(sealed);
    CHECK(same_bytes(Bytes(out).first(*sealed), from_hex(client_data_record)));
  }
}

TEST_CASE("traffic keys: a secret of the wrong length is tls_handshake.keys_unavailable") {
  Vectors vectors;
  const auto secret = from_hex(client_secret);
  const auto derived = keys_of_secret(*vectors.library, vectors.suite, Bytes(secret).first(31));
  REQUIRE_FALSE(derived);
  CHECK(derived.error().code == Code::tls_handshake_keys_unavailable);
  const auto old = keys_of_block(*suite_of(0xc02b), secret); // 32 bytes where it takes 40
  REQUIRE_FALSE(old);
  CHECK(old.error().code == Code::tls_handshake_keys_unavailable);
}

TEST_CASE("traffic keys: each generation differs from the one before, and is a function of it") {
  Vectors vectors;
  const DirectionKeys first = vectors.keys(client_secret);
  const auto second = next_generation(*vectors.library, first);
  const auto again = next_generation(*vectors.library, first);
  REQUIRE(second);
  REQUIRE(again);
  CHECK_FALSE(same_bytes(first.key_bytes(), second->key_bytes()));
  CHECK(same_bytes(second->key_bytes(), again->key_bytes()));
  CHECK(second->sequence == 0);
}

} // namespace
} // namespace ringfort::tls
