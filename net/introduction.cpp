#include "net/introduction.hpp"

#include <array>
#include <charconv>

#include <ringfort/certificate.hpp>

#include "net/server_connection.hpp"

namespace ringfort::net {

namespace {

/// What `\` and a letter, or two hexadecimal digits, stand for (RFC 4514 section 2.4); moves past
/// them.
char unescaped(std::string_view text, std::size_t& at) noexcept {
  unsigned value = 0;
  const std::string_view digits = text.substr(at, 2);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  const bool is_byte = digits.size() == 2 && parsed.ptr == digits.data() + 2;
  at += is_byte ? 2 : 1;
  return is_byte ? static_cast<char>(value) : digits.front();
}

} // namespace

std::string common_name_of(std::string_view subject) {
  constexpr std::string_view name = "CN=";
  std::string part;
  for (std::size_t at = 0; at <= subject.size();) {
    const char letter = at < subject.size() ? subject[at] : ',';
    ++at;
    if (letter == '\\' && at < subject.size()) {
      part.push_back(unescaped(subject, at));
    } else if (letter != ',' && letter != '+') {
      part.push_back(letter);
    } else if (part.starts_with(name)) {
      return part.substr(name.size());
    } else {
      part.clear();
    }
  }
  return {};
}

namespace {

void put_preface(Destination& server, ProxyHeader version, const ProxyStatement& statement) {
  std::array<std::byte, proxy_header_bytes_max> room;
  server.preface = text_of(Bytes(room).first(write_proxy_header(room, version, statement)));
}

} // namespace

Destination introduced_alone(const Destination& server, ProxyHeader version) {
  Destination own = server;
  if (version != ProxyHeader::none) put_preface(own, version, {});
  return own;
}

Destination introduced(const Destination& server, ExchangeState& exchange, ProxyHeader version) {
  const ConnectionFacts& facts = exchange.facts();
  ProxyStatement statement{
      .ends = exchange.ends(), .protocol = facts.protocol, .server_name = facts.server_name};
  std::string common_name;
  if (facts.encrypted) {
    statement.tls = ProxyTls{.version = facts.version, .suite = facts.suite};
    if (const tls::ClientCertificate* const client = facts.client_certificate) {
      common_name = common_name_of(client->facts.subject);
      statement.tls->shows_certificate = true;
      statement.tls->believed = client->verdict.accepts;
      statement.tls->common_name = common_name;
    }
  }
  Destination own = server;
  put_preface(own, version, statement);
  own.owner = facts.id;
  return own;
}

} // namespace ringfort::net
