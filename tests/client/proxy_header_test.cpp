// PROXY headers: both versions, cut in every way, followed by anything, and broken ones.
#include "net/proxy_header.hpp"

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

namespace ringfort::net {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string tcp4_addresses = "\xc0\x00\x02\x01\xc6\x33\x64\x02\xc4\x88\x01\xbb"s;

/// Of version 2: the byte of version and command, that of the family, and what follows the length.
std::string binary(int command, int family, const std::string& rest) {
  std::string header = signature;
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(rest.size() >> 8);
  header += static_cast<char>(rest.size());
  return header + rest;
}

std::string field(int type, const std::string& value) {
  return std::string{static_cast<char>(type), static_cast<char>(value.size() >> 8),
                     static_cast<char>(value.size())} +
         value;
}

Result<ProxyClaim> read(const std::string& bytes) { return read_proxy_header(bytes_of(bytes)); }

Code refused(const std::string& bytes) {
  const auto claim = read(bytes);
  REQUIRE_FALSE(claim);
  return claim.error().code;
}

/// "source>destination", "own" where the connection's own ends count.
std::string ends(const std::string& header) {
  const auto claim = read(header + "more");
  REQUIRE(claim);
  CHECK(claim->bytes == header.size());
  return claim->ends ? claim->ends->source.text() + ">" + claim->ends->destination.text() : "own";
}

const std::array headers{
    "PROXY TCP4 192.0.2.1 198.51.100.2 50312 443\r\n"s,
    "PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"s,
    "PROXY UNKNOWN\r\n"s,
    "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"s,
    binary(0x21, 0x11, tcp4_addresses),
    binary(0x21, 0x11, tcp4_addresses + field(0x02, "a.example") + field(0xea, "")),
    binary(0x21, 0x21, std::string(16, '\x20') + std::string(16, '\0') + "\1\2\3\4"),
    binary(0x21, 0x31, std::string(216, 'p')),
    binary(0x21, 0x00, ""),
    binary(0x20, 0x00, ""),
    binary(0x20, 0x11, tcp4_addresses),
    binary(0x20, 0x7f, "whatever"),
};

TEST_CASE("proxy header: both versions tell both ends, and what follows is left alone") {
  CHECK(ends(headers[0]) == "192.0.2.1:50312>198.51.100.2:443");
  CHECK(ends(headers[1]) == "[2001:db8::1]:0>[::1]:65535");
  CHECK(ends(headers[4]) == "192.0.2.1:50312>198.51.100.2:443");
  CHECK(ends(headers[5]) == "192.0.2.1:50312>198.51.100.2:443");
  CHECK(ends(headers[6]) == "[2020:2020:2020:2020:2020:2020:2020:2020]:258>[::]:772");
}

TEST_CASE("proxy header: who speaks for itself, or of what is no address, tells no ends") {
  for (const std::size_t index : {2U, 3U, 7U, 8U, 9U, 10U, 11U}) {
    INFO(index);
    CHECK(ends(headers[index]) == "own");
  }
}

TEST_CASE("proxy header: any part of one asks for more, and any two parts are one") {
  for (const std::string& header : headers) {
    const auto whole = read(header);
    REQUIRE(whole);
    for (std::size_t cut = 0; cut < header.size(); ++cut) {
      INFO(header << " cut at " << cut);
      const auto part = read(header.substr(0, cut));
      REQUIRE(part);
      CHECK(part->bytes == 0);
      ProxyHeaderReader reader;
      const auto first = reader.receive(bytes_of(header.substr(0, cut)));
      REQUIRE(first);
      CHECK(first->consumed_bytes == cut);
      CHECK_FALSE(first->claim);
      CHECK(reader.begun() == (cut > 0));
      const auto second = reader.receive(bytes_of(header.substr(cut) + "hello"));
      REQUIRE((second && second->claim));
      CHECK(second->consumed_bytes == header.size() - cut);
      CHECK(second->claim->ends.has_value() == whole->ends.has_value());
    }
  }
}

TEST_CASE("proxy header: one that comes byte by byte is one, whatever its length") {
  for (const std::string& header :
       {headers[0], binary(0x21, 0x11, tcp4_addresses + field(0xe0, std::string(505, 'x')))}) {
    ProxyHeaderReader reader;
    for (std::size_t at = 0; at < header.size(); ++at) {
      const auto progress = reader.receive(bytes_of(header).subspan(at, 1));
      REQUIRE(progress);
      CHECK(progress->consumed_bytes == 1);
      CHECK(progress->claim.has_value() == (at + 1 == header.size()));
    }
  }
}

TEST_CASE(
    "proxy header: what begins like none of them is proxy_header.missing, at its first byte") {
  for (const std::string& bytes : {"GET / HTTP/1.1\r\n"s, "\x16\x03\x01"s, "POST"s, "proxy TCP4"s,
                                   "\r\n\r\n\r"s, "PROXY\tTCP4"s, " PROXY"s, "\n"s}) {
    CHECK(refused(bytes) == Code::proxy_header_missing);
  }
}

TEST_CASE("proxy header: a line that is not what version 1 says is proxy_header.malformed") {
  for (const char* line :
       {"TCP4 192.0.2.1 198.51.100.2 50312 443\n", "TCP4 192.0.2.1 198.51.100.2 50312 443 \r\n",
        "TCP4  192.0.2.1 198.51.100.2 50312 443\r\n", "TCP4 192.0.2.1 198.51.100.2 50312\r\n",
        "TCP4 192.0.2.1 198.51.100.2 50312 443 1\r\n", "TCP4 192.0.2.1 ::1 50312 443\r\n",
        "TCP6 192.0.2.1 198.51.100.2 50312 443\r\n", "TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
        "TCP4 192.0.2.1 198.51.100.2 0443 443\r\n", "TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
        "TCP4 192.0.2.01 198.51.100.2 1 443\r\n", "TCP4 a.example 198.51.100.2 1 443\r\n",
        "TCP6 [::1] ::1 1 443\r\n", "UDP4 192.0.2.1 198.51.100.2 1 443\r\n", "\r\n", "tcp4\r\n",
        "UNKNOWNS\r\n", "UNKNOWN \r \r\n", "TCP4\r\n"}) {
    INFO(line);
    CHECK(refused("PROXY "s + line) == Code::proxy_header_malformed);
  }
}

TEST_CASE(
    "proxy header: a binary one of no known version, command or family, or whose parts do not "
    "fill it, is proxy_header.malformed") {
  for (const std::string& header :
       {binary(0x11, 0x11, tcp4_addresses), binary(0x22, 0x11, tcp4_addresses),
        binary(0x21, 0x12, tcp4_addresses), binary(0x21, 0x41, tcp4_addresses),
        binary(0x21, 0x11, tcp4_addresses.substr(1)), binary(0x21, 0x21, std::string(35, 'x')),
        binary(0x21, 0x31, std::string(215, 'x')), binary(0x21, 0x11, tcp4_addresses + "\1"),
        binary(0x21, 0x11, tcp4_addresses + "\1\0"s),
        binary(0x21, 0x11, tcp4_addresses + "\1\0\2x"s),
        binary(0x21, 0x11, tcp4_addresses + field(0x03, "123"))}) {
    CHECK(refused(header) == Code::proxy_header_malformed);
  }
  CHECK(refused(signature + '\x31') == Code::proxy_header_malformed);
}

TEST_CASE(
    "proxy header: one beyond 107 bytes in words, or 536 in binary, is proxy_header.oversized") {
  CHECK(read("PROXY UNKNOWN "s + std::string(91, 'x') + "\r\n")->bytes == 107);
  CHECK(refused("PROXY UNKNOWN "s + std::string(92, 'x') + "\r\n") == Code::proxy_header_oversized);
  CHECK(refused("PROXY "s + std::string(101, 'x')) == Code::proxy_header_oversized);
  CHECK(read("PROXY "s + std::string(100, 'x'))->bytes == 0);
  CHECK(read(binary(0x20, 0, std::string(520, 'x')))->bytes == 536);
  // Its length alone tells.
  CHECK(refused(binary(0x20, 0, std::string(521, 'x')).substr(0, 16)) ==
        Code::proxy_header_oversized);
}

TEST_CASE("proxy header: a checksum has to match, wherever it stands") {
  // Reckoned by another program's CRC32c, of these bytes with zeros in the field's place.
  const std::string before = binary(
      0x21, 0x11, tcp4_addresses + field(0x03, "\xa9\x7e\x4a\x96"s) + field(0x02, "a.example"));
  CHECK(ends(before) == "192.0.2.1:50312>198.51.100.2:443");
  const std::size_t type_at = signature.size() + 4 + tcp4_addresses.size();
  for (std::size_t at = signature.size() + 4; at < before.size(); ++at) {
    if (at == type_at) continue; // It is another field then.
    std::string changed = before;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(read(changed));
  }
  std::string changed = before;
  changed.back() = 'f';
  CHECK(refused(changed) == Code::proxy_header_bad_checksum);
}

ConnectionEnds between(const char* source, const char* destination) {
  return {.source = engine::SocketAddress::parse(source, 50'312).value(),
          .destination = engine::SocketAddress::parse(destination, 443).value()};
}

std::string written(ProxyHeader version, const ProxyStatement& statement) {
  std::array<std::byte, proxy_header_bytes_max> room;
  return std::string(text_of(Bytes(room).first(write_proxy_header(room, version, statement))));
}

TEST_CASE("proxy header: what is written is read again, in one family") {
  struct Row {
    ConnectionEnds ends;
    const char* told;
  };
  const std::array rows{
      Row{between("192.0.2.1", "198.51.100.2"), "192.0.2.1:50312>198.51.100.2:443"},
      Row{between("2001:db8::1", "::1"), "[2001:db8::1]:50312>[::1]:443"},
      Row{between("::ffff:192.0.2.1", "198.51.100.2"), "192.0.2.1:50312>198.51.100.2:443"},
      Row{between("2001:db8::1", "192.0.2.1"), "[2001:db8::1]:50312>[::ffff:192.0.2.1]:443"},
  };
  for (const Row& row : rows) {
    CHECK(ends(written(ProxyHeader::v1, {.ends = row.ends})) == row.told);
    CHECK(ends(written(ProxyHeader::v2, {.ends = row.ends})) == row.told);
  }
  CHECK(written(ProxyHeader::v1, {}) == "PROXY UNKNOWN\r\n");
  CHECK(ends(written(ProxyHeader::v2, {})) == "own");
}

TEST_CASE("proxy header: version 2 says what is known of TLS, in fields") {
  const std::string header =
      written(ProxyHeader::v2, {.ends = between("192.0.2.1", "198.51.100.2"),
                                .protocol = "h2",
                                .server_name = "a.example",
                                .tls = ProxyTls{.version = "TLSv1.3",
                                                .suite = "TLS_AES_128_GCM_SHA256",
                                                .shows_certificate = true,
                                                .believed = true,
                                                .common_name = "someone"}});
  const std::string tls = "\x07\0\0\0\0"s + field(0x21, "TLSv1.3") +
                          field(0x23, "TLS_AES_128_GCM_SHA256") + field(0x22, "someone");
  CHECK(header ==
        binary(0x21, 0x11,
               tcp4_addresses + field(0x01, "h2") + field(0x02, "a.example") + field(0x20, tls)));
  CHECK(written(ProxyHeader::v2, {.tls = ProxyTls{.version = "TLSv1.2"}}) ==
        binary(0x20, 0, field(0x20, "\x01\0\0\0\x01"s + field(0x21, "TLSv1.2"))));
}

TEST_CASE("proxy header: a text that does not fit any more is left out") {
  const std::string header = written(ProxyHeader::v2, {.server_name = std::string(600, 'n'),
                                                       .tls = ProxyTls{.version = "TLSv1.3"}});
  CHECK(header == binary(0x20, 0, field(0x20, "\x01\0\0\0\x01"s + field(0x21, "TLSv1.3"))));
}

} // namespace
} // namespace ringfort::net
