// name_server — a scripted name server on loopback (RFC 1035), driven by its test between turns.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/socket_address.hpp"
#include "tests/unit/engine/loopback.hpp"

namespace ringfort::net {

/// What the server does with queries for one name.
struct NameScript {
  enum class Way : std::uint8_t {
    answers,
    is_silent,
    sends_junk,       ///< datagrams that are no messages
    answers_over_tcp, ///< over UDP it says that the answer did not fit
  } way = Way::answers;
  unsigned response_code = 0; ///< RFC 1035 section 4.1.1; 2: SERVFAIL, 3: NXDOMAIN
  std::vector<std::string> addresses = {};
  std::uint32_t ttl_s = 60;
  std::string alias_of = {}; ///< a CNAME to this name is in front of them, with that TTL, too
  unsigned held_type = 0;    ///< records of this type are told of after release()
};

/// Types of records (RFC 1035 section 3.2.2, RFC 3596 section 2.1).
constexpr unsigned type_a = 1;
constexpr unsigned type_aaaa = 28;

class NameServer {
public:
  NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer();

  /// "127.0.0.1:40000".
  std::string address() const { return listener_.address().text(); }
  /// Who is not scripted does not exist.
  void script(std::string_view name, NameScript script) { scripts_[std::string(name)] = script; }
  /// Answers what has come. Does not wait.
  void serve();
  /// Answers what was held.
  void release();
  bool holds() const noexcept { return !held_.empty(); }
  /// That came so far, for A and AAAA records together.
  unsigned query_count(std::string_view name) const;

private:
  struct Held {
    std::string message;
    engine::SocketAddress peer;
  };

  void serve_datagrams();
  bool is_held(std::string_view query) const;
  void send(const Held& answer);
  void serve_connections();
  /// The message that answers `query`; empty: none does.
  std::string answer(std::string_view query, bool over_tcp);

  engine::LoopbackListener listener_; ///< over TCP, on the same port
  int datagrams_;
  std::vector<int> connections_;
  std::vector<Held> held_;
  std::map<std::string, NameScript, std::less<>> scripts_;
  std::map<std::string, unsigned, std::less<>> query_counts_;
};

} // namespace ringfort::net
