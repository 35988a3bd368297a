// The hello, read before OpenSSL sees it: real ones, cut and split in every way, and broken ones.
#include "tls/client_hello.hpp"

#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/hello.hpp"

namespace ringfort::tls {
namespace {

using peer::hello_for;
using peer::in_records;

Code code_of(const std::string& bytes) {
  const auto read = read_client_hello(bytes_of(bytes));
  REQUIRE_FALSE(read);
  return read.error().code;
}

TEST_CASE("hello: the server name is read exactly as sent, and what follows is left alone") {
  for (const std::string name : {"localhost", "Api.Local.", "x"}) {
    const std::string hello = hello_for(name);
    const auto read = read_client_hello(bytes_of(hello + "more"));
    REQUIRE(read);
    CHECK(read->bytes == hello.size());
    CHECK(read->server_name() == name);
  }
}

TEST_CASE("hello: a client that sends no name has an empty one") {
  const std::string hello = hello_for("");
  const auto read = read_client_hello(bytes_of(hello));
  REQUIRE(read);
  CHECK(read->bytes == hello.size());
  CHECK(read->server_name().empty());
}

TEST_CASE("hello: any part of one asks for more") {
  const std::string hello = hello_for("localhost");
  for (std::size_t bytes = 0; bytes < hello.size(); ++bytes) {
    const auto read = read_client_hello(bytes_of(hello.substr(0, bytes)));
    REQUIRE(read);
    CHECK(read->bytes == 0);
  }
}

TEST_CASE("hello: records of any size carry it, and each prefix of them asks for more") {
  const std::string hello = hello_for("api.local");
  for (const std::size_t record_bytes : {1UL, 2UL, 7UL, 64UL}) {
    const std::string records = in_records(hello, record_bytes);
    const auto read = read_client_hello(bytes_of(records));
    REQUIRE(read);
    CHECK(read->bytes == records.size());
    CHECK(read->server_name() == "api.local");
    for (std::size_t bytes = 0; bytes < records.size(); ++bytes) {
      const auto part = read_client_hello(bytes_of(records.substr(0, bytes)));
      REQUIRE(part);
      REQUIRE(part->bytes == 0);
    }
  }
}

TEST_CASE("hello: a byte changed anywhere is a name, a wait or tls_handshake.malformed") {
  const std::string hello = hello_for("localhost");
  for (std::size_t at = 5; at < hello.size(); ++at) {
    for (const int change : {1, 0x80, 0xff}) {
      std::string changed = hello;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const auto read = read_client_hello(bytes_of(changed));
      if (!read) CHECK(read.error().code == Code::tls_handshake_malformed);
      if (read && read->bytes > 0) CHECK(read->bytes == hello.size());
    }
  }
}

TEST_CASE("hello: another message, an empty record and wrong lengths are tls_handshake.malformed") {
  const std::string hello = hello_for("localhost");
  std::string finished = hello;
  finished[5] = 20;
  CHECK(code_of(finished) == Code::tls_handshake_malformed);
  CHECK(code_of(std::string("\x16\x03\x01\x00\x00", 5)) == Code::tls_handshake_malformed);
  std::string mixed = in_records(hello, 64);
  mixed[5 + 64] = 23;
  CHECK(code_of(mixed) == Code::tls_handshake_malformed);
  const std::size_t name_at = hello.find("localhost");
  std::string long_name = hello;
  long_name[name_at - 1] = 50;
  CHECK(code_of(long_name) == Code::tls_handshake_malformed);
  std::string no_name = hello;
  no_name[name_at - 1] = 0;
  CHECK(code_of(no_name) == Code::tls_handshake_malformed);
}

/// With an extension of so many zeros behind the others (RFC 7685).
std::string padded(std::string hello, std::size_t zeros) {
  const auto number_at = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(hello[at])) * 256 +
           static_cast<std::uint8_t>(hello[at + 1]);
  };
  const auto put = [&](std::size_t at, std::size_t number) {
    hello[at] = static_cast<char>(number >> 8);
    hello[at + 1] = static_cast<char>(number);
  };
  std::size_t at = 5 + 4 + 2 + 32;
  at += 1 + static_cast<std::size_t>(static_cast<std::uint8_t>(hello[at])); // session id
  at += 2 + number_at(at);                                                  // suites
  at += 1 + static_cast<std::size_t>(static_cast<std::uint8_t>(hello[at])); // compression
  put(at, number_at(at) + 4 + zeros);
  put(7, number_at(7) + 4 + zeros);
  hello += std::string("\0\x15", 2) + static_cast<char>(zeros >> 8) + static_cast<char>(zeros);
  return hello + std::string(zeros, '\0');
}

TEST_CASE("hello: a whole one of more than 16 KiB is tls_handshake.oversized_hello too") {
  const std::string fits = in_records(padded(hello_for("a.example"), 15'000), 8'000);
  const auto read = read_client_hello(bytes_of(fits));
  REQUIRE(read);
  CHECK(read->bytes == fits.size());
  CHECK(code_of(in_records(padded(hello_for("a.example"), 17'000), 8'000)) ==
        Code::tls_handshake_oversized_hello);
}

TEST_CASE("hello: more than 16 KiB without an end is tls_handshake.oversized_hello") {
  std::string endless("\x16\x03\x01\x3f\xff\x01\x00\xff\xff", 9);
  endless += std::string(34, 'x') + '\0' + "\x7f\xff"; // 32,767 bytes of cipher suites
  endless.resize(hello_bytes_max - 1, 'x');
  REQUIRE(read_client_hello(bytes_of(endless)));
  endless += 'x';
  CHECK(code_of(endless) == Code::tls_handshake_oversized_hello);
}

} // namespace
} // namespace ringfort::tls
