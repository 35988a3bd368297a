#include "tests/client/script.hpp"

#include <array>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringfort::client {

namespace {

std::pair<int, std::uint16_t> bound_socket() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const place = reinterpret_cast<sockaddr*>(&address);
  if (::bind(descriptor, place, size) != 0 || ::getsockname(descriptor, place, &size) != 0) {
    throw std::runtime_error("no socket on loopback");
  }
  return {descriptor, ntohs(address.sin_port)};
}

} // namespace

Guest::~Guest() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Guest::receive() {
  std::array<char, 65'536> room;
  const ssize_t bytes = ::recv(descriptor_, room.data(), room.size(), 0);
  if (bytes <= 0) return false;
  text_.append(room.data(), static_cast<std::size_t>(bytes));
  return true;
}

std::string Guest::read_until(std::string_view text) {
  while (text_.find(text) == text_.npos) {
    if (!receive()) return std::exchange(text_, {});
  }
  const std::size_t end = text_.find(text) + text.size();
  std::string read = text_.substr(0, end);
  text_.erase(0, end);
  return read;
}

std::string Guest::read_to_end() {
  while (receive()) {}
  return std::exchange(text_, {});
}

void Guest::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t bytes = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
    if (bytes <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(bytes));
  }
}

void Guest::reset() {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  ::close(std::exchange(descriptor_, -1));
}

Script::Script(unsigned connections, std::function<void(Guest&)> act) {
  std::tie(listener_, port_) = bound_socket();
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(listener_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::listen(listener_, 64) != 0) throw std::runtime_error("nobody can listen on loopback");
  thread_ = std::thread([this, connections, patience, act = std::move(act)] {
    for (unsigned count = 0; count < connections; ++count) {
      const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) return;
      ::setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      Guest guest(accepted);
      act(guest);
    }
  });
}

void Script::wait() { thread_.join(); }

Script::~Script() {
  ::shutdown(listener_, SHUT_RDWR); // Ends a wait for one more connection.
  if (thread_.joinable()) thread_.join();
  ::close(listener_);
}

std::uint16_t free_port() {
  const auto [descriptor, port] = bound_socket();
  ::close(descriptor);
  return port;
}

} // namespace ringfort::client
