// race_record — the owner of a race to connect, who remembers what he was told.
#pragma once

#include <optional>

#include "net/connect_race.hpp"

namespace ringfort::net {

struct RaceRecord final : ConnectRaceOwner {
  void on_connected(int socket, const engine::SocketAddress& winner) noexcept override {
    descriptor = socket;
    address = winner;
    ++told_count;
  }
  void on_connect_failed(Error why) noexcept override {
    error = why;
    ++told_count;
  }
  void on_race_settled() noexcept override { ++settled_count; }

  int descriptor = -1;
  engine::SocketAddress address;
  std::optional<Error> error;
  unsigned told_count = 0;
  unsigned settled_count = 0;
};

} // namespace ringfort::net
