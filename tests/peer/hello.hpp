// hello — a client's first bytes, made by OpenSSL, and the same in other records.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/peer/client.hpp"

namespace ringfort::peer {

inline std::string hello_for(std::string name, std::vector<std::string> protocols = {"http/1.1"}) {
  ClientOptions options;
  options.server_name = std::move(name);
  options.protocols = std::move(protocols);
  Client client(options);
  client.deliver(Bytes());
  return client.take_outgoing();
}

/// The handshake bytes of a hello, in records of `record_bytes`.
inline std::string in_records(const std::string& hello, std::size_t record_bytes) {
  constexpr std::size_t record_header_bytes = 5;
  std::string records;
  for (std::size_t at = record_header_bytes; at < hello.size(); at += record_bytes) {
    const std::string piece = hello.substr(at, record_bytes);
    records += {'\x16', '\x03', '\x01', static_cast<char>(piece.size() >> 8),
                static_cast<char>(piece.size())};
    records += piece;
  }
  return records;
}

} // namespace ringfort::peer
