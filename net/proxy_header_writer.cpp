// How a PROXY header is written: version 1 as a line, version 2 with what is known of TLS.
#include <algorithm>
#include <charconv>

#include "net/proxy_header.hpp"
#include "net/proxy_header_form.hpp"

namespace ringfort::net {

namespace {

using proxy_form::Family;
using proxy_form::Field;

/// Appends to a stretch of memory as long as there is room.
class Writer {
public:
  explicit Writer(MutableBytes room) noexcept : room_(room) {}

  std::size_t written() const noexcept { return at_; }
  std::size_t left() const noexcept { return room_.size() - at_; }

  void put(Bytes bytes) noexcept {
    copy_into(room_.subspan(at_), bytes);
    at_ += bytes.size();
  }
  void put(std::string_view text) noexcept { put(bytes_of(text)); }
  void number(std::size_t value, unsigned bytes) noexcept {
    while (bytes-- > 0) room_[at_++] = static_cast<std::byte>(value >> 8 * bytes & 0xff);
  }
  void number_at(std::size_t place, std::size_t value) noexcept {
    Writer(room_.subspan(place)).number(value, 2);
  }
  /// One that does not fit is left out.
  void field(Field type, std::string_view text) noexcept {
    if (text.empty() || text.size() + proxy_form::field_head_bytes > left()) return;
    number(static_cast<std::size_t>(type), 1);
    number(text.size(), 2);
    put(text);
  }

private:
  MutableBytes room_;
  std::size_t at_ = 0;
};

/// Both ends in one family, as a header has them: IPv4 alone where both are.
Family family_of(const ConnectionEnds& ends) noexcept {
  if (!ends.source.is_set() || !ends.destination.is_set()) return Family::unspecified;
  return ends.source.is_ipv4() && ends.destination.is_ipv4() ? Family::tcp4 : Family::tcp6;
}

std::size_t write_line(MutableBytes room, const ConnectionEnds& ends) noexcept {
  const Family family = family_of(ends);
  Writer line(room);
  line.put(proxy_form::word);
  if (family == Family::unspecified) {
    line.put("UNKNOWN\r\n");
    return line.written();
  }
  line.put(family == Family::tcp4 ? "TCP4 " : "TCP6 ");
  for (const engine::SocketAddress* end : {&ends.source, &ends.destination}) {
    engine::SocketAddress::Text text;
    const auto address = engine::SocketAddress::of(
        Bytes(end->ipv6_bytes()).last(proxy_form::address_bytes(family)), 0);
    line.put(address.write_host_text(text));
    line.put(" ");
  }
  std::array<char, 5> digits;
  for (const engine::SocketAddress* end : {&ends.source, &ends.destination}) {
    const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), end->port());
    line.put(std::string_view(digits.data(), done.ptr));
    line.put(end == &ends.source ? " " : "\r\n");
  }
  return line.written();
}

/// PP2_TYPE_SSL: who shook hands, whether a certificate is believed, and what was settled.
void write_tls(Writer& header, const ProxyTls& tls) noexcept {
  constexpr std::size_t client_and_verdict_bytes = 1 + 4;
  constexpr unsigned spoke_tls = 1;
  constexpr unsigned showed_certificate = 2 | 4; // On this connection, and in its session.
  const std::size_t bytes = client_and_verdict_bytes + 3 * proxy_form::field_head_bytes +
                            tls.version.size() + tls.suite.size() + tls.common_name.size();
  if (bytes + proxy_form::field_head_bytes > header.left()) return;
  header.number(static_cast<std::size_t>(Field::tls), 1);
  const std::size_t length_at = header.written();
  header.number(0, 2);
  header.number(spoke_tls | (tls.shows_certificate ? showed_certificate : 0U), 1);
  header.number(tls.shows_certificate && tls.believed ? 0 : 1, 4);
  header.field(Field::tls_version, tls.version);
  header.field(Field::tls_suite, tls.suite);
  header.field(Field::tls_common_name, tls.common_name);
  header.number_at(length_at, header.written() - length_at - 2);
}

} // namespace

std::size_t write_proxy_header(MutableBytes room, ProxyHeader version,
                               const ProxyStatement& statement) noexcept {
  if (version == ProxyHeader::v1) return write_line(room, statement.ends);
  constexpr std::size_t version_and_local = 0x20;
  const ConnectionEnds& ends = statement.ends;
  const Family family = family_of(ends);
  Writer header(room.first(proxy_header_bytes_max));
  header.put(proxy_form::signature);
  header.number(version_and_local | (family != Family::unspecified ? 1 : 0), 1);
  header.number(static_cast<std::size_t>(family), 1);
  header.number(0, 2);
  if (family != Family::unspecified) {
    for (const engine::SocketAddress* end : {&ends.source, &ends.destination}) {
      header.put(Bytes(end->ipv6_bytes()).last(proxy_form::address_bytes(family)));
    }
    header.number(ends.source.port(), 2);
    header.number(ends.destination.port(), 2);
  }
  header.field(Field::protocol, statement.protocol);
  header.field(Field::server_name, statement.server_name);
  if (statement.tls) write_tls(header, *statement.tls);
  header.number_at(proxy_form::length_at, header.written() - proxy_form::head_bytes);
  return header.written();
}

} // namespace ringfort::net
