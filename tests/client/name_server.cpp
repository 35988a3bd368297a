#include "tests/client/name_server.hpp"

#include <array>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

namespace ringfort::net {

namespace {

constexpr std::size_t header_bytes = 12;
constexpr unsigned type_cname = 5;
constexpr unsigned class_internet = 1;
constexpr unsigned flag_response = 0x8180; ///< and recursion, wanted and available
constexpr unsigned flag_truncated = 0x0200;
constexpr unsigned pointer_to_question = 0xc000 | header_bytes;
constexpr unsigned name_unknown = 3; ///< the response code NXDOMAIN

void put_16(std::string& message, unsigned value) {
  message += static_cast<char>(value >> 8);
  message += static_cast<char>(value & 0xff);
}

std::string encoded(std::string_view name) {
  std::string labels;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    labels += static_cast<char>(label.size());
    labels += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return labels + '\0';
}

unsigned type_of(std::string_view question) {
  return static_cast<std::uint8_t>(question[question.find('\0') + 2]);
}

std::string decoded(std::string_view labels) {
  std::string name;
  while (!labels.empty() && labels.front() != 0) {
    const auto size = static_cast<std::size_t>(labels.front());
    name.append(name.empty() ? "" : ".").append(labels.substr(1, size));
    labels.remove_prefix(1 + size);
  }
  return name;
}

void put_record(std::string& message, std::string_view owner, unsigned type, std::uint32_t ttl_s,
                std::string_view data) {
  message += owner;
  put_16(message, type);
  put_16(message, class_internet);
  put_16(message, ttl_s >> 16);
  put_16(message, ttl_s & 0xffff);
  put_16(message, static_cast<unsigned>(data.size()));
  message += data;
}

/// The data of a record of that type; empty when the address is of the other family.
std::string data_of(const std::string& address, unsigned type) {
  std::array<char, 16> data{};
  if (::inet_pton(type == type_a ? AF_INET : AF_INET6, address.c_str(), data.data()) != 1)
    return {};
  return {data.data(), type == type_a ? 4u : 16u};
}

} // namespace

NameServer::NameServer()
    : datagrams_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const engine::SocketAddress& address = listener_.address();
  REQUIRE(::bind(datagrams_, address.data(), address.size()) == 0);
}

NameServer::~NameServer() {
  for (const int connection : connections_) ::close(connection);
  ::close(datagrams_);
}

void NameServer::serve() {
  serve_datagrams();
  serve_connections();
}

void NameServer::serve_datagrams() {
  std::array<char, 512> query;
  engine::SocketAddress peer;
  while (true) {
    socklen_t size = engine::SocketAddress::capacity();
    const auto bytes = ::recvfrom(datagrams_, query.data(), query.size(), 0, peer.data(), &size);
    if (bytes < 0) return;
    const std::string_view text(query.data(), static_cast<std::size_t>(bytes));
    const Held told{.message = answer(text, false), .peer = peer};
    if (told.message.empty()) continue;
    if (is_held(text))
      held_.push_back(told);
    else
      send(told);
  }
}

bool NameServer::is_held(std::string_view query) const {
  const std::string_view question = query.substr(header_bytes);
  const auto found = scripts_.find(decoded(question));
  return found != scripts_.end() && found->second.held_type == type_of(question);
}

void NameServer::send(const Held& answer) {
  const std::string& message = answer.message;
  REQUIRE(::sendto(datagrams_, message.data(), message.size(), 0, answer.peer.data(),
                   answer.peer.size()) > 0);
}

void NameServer::release() {
  for (const Held& answer : std::exchange(held_, {})) send(answer);
}

// A query is short: it comes as one segment, behind its length (RFC 1035 section 4.2.2).
void NameServer::serve_connections() {
  if (const int connection = listener_.accept(); connection >= 0) {
    connections_.push_back(connection);
  }
  for (const int connection : connections_) {
    std::array<char, 1'024> text;
    const auto bytes = ::recv(connection, text.data(), text.size(), MSG_DONTWAIT);
    std::string_view queries(text.data(), bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
    while (queries.size() > 2) {
      const std::size_t size =
          static_cast<std::uint8_t>(queries[0]) * 256u + static_cast<std::uint8_t>(queries[1]);
      const std::string message = answer(queries.substr(2, size), true);
      std::string framed;
      put_16(framed, static_cast<unsigned>(message.size()));
      framed += message;
      REQUIRE(::send(connection, framed.data(), framed.size(), MSG_NOSIGNAL) > 0);
      queries.remove_prefix(2 + size);
    }
  }
}

std::string NameServer::answer(std::string_view query, bool over_tcp) {
  REQUIRE(query.size() > header_bytes);
  const std::string name = decoded(query.substr(header_bytes));
  const std::size_t question_bytes = name.size() + 2 + 4;
  const std::string_view question = query.substr(header_bytes, question_bytes);
  const unsigned type = type_of(question);
  ++query_counts_[name];
  const auto found = scripts_.find(name);
  const NameScript script =
      found == scripts_.end() ? NameScript{.response_code = name_unknown} : found->second;
  if (script.way == NameScript::Way::is_silent) return {};
  if (script.way == NameScript::Way::sends_junk) return "no message";

  std::string records;
  unsigned record_count = 0;
  std::string owner;
  put_16(owner, pointer_to_question);
  if (!script.alias_of.empty()) {
    put_record(records, owner, type_cname, script.ttl_s, encoded(script.alias_of));
    owner = encoded(script.alias_of);
    ++record_count;
  }
  for (const std::string& address : script.addresses) {
    const std::string data = data_of(address, type);
    if (data.empty()) continue;
    put_record(records, owner, type, script.ttl_s, data);
    ++record_count;
  }
  const bool cut = script.way == NameScript::Way::answers_over_tcp && !over_tcp;
  std::string message(query.substr(0, 2));
  put_16(message, flag_response | (cut ? flag_truncated : 0) | script.response_code);
  for (const unsigned count : {1u, cut ? 0 : record_count, 0u, 0u}) put_16(message, count);
  message += question;
  return cut ? message : message + records;
}

unsigned NameServer::query_count(std::string_view name) const {
  const auto found = query_counts_.find(name);
  return found == query_counts_.end() ? 0 : found->second;
}

} // namespace ringfort::net
