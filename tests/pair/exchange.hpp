// exchange — two ends that say something to each other, whichever of them are ours.
#pragma once

#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/pair/client.hpp"
#include "tests/pair/server.hpp"

namespace ringfort::tls {

inline bool failed(const std::string& openssl_reason) noexcept { return !openssl_reason.empty(); }
inline bool failed(const std::optional<Error>& failure) noexcept { return failure.has_value(); }

/// Text both ways, over more than one record.
template <class Server, class Client>
void exchange(Server& server, Client& client, std::size_t cut_bytes = SIZE_MAX) {
  const std::string up(40'000, 'u');
  const std::string down(50'000, 'd');
  const std::size_t received_up = server.received().size();
  const std::size_t received_down = client.received().size();
  client.write(up);
  converse(server, client, cut_bytes);
  REQUIRE_FALSE(failed(server.failure()));
  CHECK(server.received().substr(received_up) == up);
  server.write(down);
  converse(server, client, cut_bytes);
  REQUIRE_FALSE(failed(client.failure()));
  CHECK(client.received().substr(received_down) == down);
}

} // namespace ringfort::tls
