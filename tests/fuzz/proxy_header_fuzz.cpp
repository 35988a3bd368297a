// A proxy's header: any bytes. What is known of one does not change with the bytes that follow, nor
// with how it was cut, and the addresses that were read are those that a header made of them says.
// The first byte chooses: even: as they are, odd: behind the signature of version 2.
#include <algorithm>
#include <array>
#include <vector>

#include <ringfort/check.hpp>

#include "net/proxy_header.hpp"
#include "net/proxy_header_form.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace ringfort;

using Read = Result<net::ProxyClaim>;

/// In memory of exactly its size, so that a read beyond it is seen.
Read read(Bytes input) {
  const std::vector<std::byte> exact(input.begin(), input.end());
  Read claim = net::read_proxy_header(exact);
  if (claim && fuzz::planted()) claim->bytes *= 2;
  return claim;
}

bool same(const net::ProxyClaim& one, const net::ProxyClaim& other) {
  if (one.ends.has_value() != other.ends.has_value()) return false;
  return !one.ends || (one.ends->source == other.ends->source &&
                       one.ends->destination == other.ends->destination);
}

void check_pieces(Bytes input, const Read& whole) {
  const bool known = whole && whole->bytes > 0;
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    const Read part = read(input.first(cut));
    if (!part) RINGFORT_CHECK(!whole);
    if (part && part->bytes > 0) RINGFORT_CHECK(known && whole->bytes == part->bytes);
    if (part && part->bytes == 0 && known) RINGFORT_CHECK(cut < whole->bytes);
    if (!part || part->bytes > 0) return;
    net::ProxyHeaderReader reader;
    RINGFORT_CHECK(reader.receive(input.first(cut))->consumed_bytes == cut);
    const auto rest = reader.receive(input.subspan(cut));
    RINGFORT_CHECK(rest.has_value() == whole.has_value());
    if (!known) continue;
    RINGFORT_CHECK(cut + rest->consumed_bytes == whole->bytes);
    RINGFORT_CHECK(rest->claim && same(*rest->claim, *whole));
  }
}

void check_written(const net::ConnectionEnds& ends) {
  for (const ProxyHeader version : {ProxyHeader::v1, ProxyHeader::v2}) {
    std::array<std::byte, net::proxy_header_bytes_max> room;
    const std::size_t bytes = net::write_proxy_header(room, version, {.ends = ends});
    const auto again = net::read_proxy_header(Bytes(room).first(bytes));
    RINGFORT_CHECK(again && again->bytes == bytes && again->ends);
    RINGFORT_CHECK(again->ends->source.ipv6_bytes() == ends.source.ipv6_bytes());
    RINGFORT_CHECK(again->ends->destination.ipv6_bytes() == ends.destination.ipv6_bytes());
    RINGFORT_CHECK(again->ends->source.port() == ends.source.port());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  if (bytes < 1 || bytes > 1'024) return 0;
  const Bytes content = std::as_bytes(std::span(data, bytes)).subspan(1);
  std::vector<std::byte> input;
  if (data[0] % 2 == 1) {
    const Bytes signature = bytes_of(net::proxy_form::signature);
    input.assign(signature.begin(), signature.end());
  }
  input.insert(input.end(), content.begin(), content.end());
  const Read whole = read(input);
  if (whole) RINGFORT_CHECK(whole->bytes <= input.size());
  check_pieces(input, whole);
  if (whole && whole->ends) check_written(*whole->ends);
  return 0;
}
