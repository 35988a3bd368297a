// script — a server that says what a test tells it to: on a thread of its own, over loopback.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace ringfort::client {

/// One accepted connection, seen by the script. Every wait ends after some seconds at the latest.
class Guest {
public:
  explicit Guest(int descriptor) noexcept : descriptor_(descriptor) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest();

  /// What came, up to and with `text`; less when the client ended before.
  std::string read_until(std::string_view text);
  std::string read_to_end();
  void send(std::string_view text);
  void reset();

private:
  bool receive();

  int descriptor_;
  std::string text_;
};

class Script {
public:
  /// `act` is called once for each of `connections` connections, one after the other.
  Script(unsigned connections, std::function<void(Guest&)> act);
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script();

  std::uint16_t port() const noexcept { return port_; }
  /// Until it has acted for each of its connections.
  void wait();

private:
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// A port of loopback that nobody listens at.
std::uint16_t free_port();

} // namespace ringfort::client
