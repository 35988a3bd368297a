// loopback — listening sockets of a test's own: one that takes connections, one that answers none,
// and a port where nobody listens.
#pragma once

#include <cstdint>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "engine/socket_address.hpp"

namespace ringfort::engine {

/// A listener on a port of the kernel's choice, or of the test's.
class LoopbackListener {
public:
  explicit LoopbackListener(std::string_view host = "127.0.0.1", int backlog = 16,
                            std::uint16_t port = 0)
      : address_(*SocketAddress::parse(host, port)),
        descriptor_(::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    socklen_t size = SocketAddress::capacity();
    REQUIRE(::bind(descriptor_, address_.data(), address_.size()) == 0);
    REQUIRE(::listen(descriptor_, backlog) == 0);
    REQUIRE(::getsockname(descriptor_, address_.data(), &size) == 0);
  }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;
  ~LoopbackListener() { ::close(descriptor_); }

  const SocketAddress& address() const noexcept { return address_; }
  int descriptor() const noexcept { return descriptor_; }
  /// The oldest connection that waits; -1 when there is none.
  int accept() const noexcept {
    pollfd one{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&one, 1, 0) != 1) return -1;
    return ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  }

private:
  SocketAddress address_;
  int descriptor_;
};

/// A listener whose queue is full: the kernel drops each SYN, and a connect is never answered.
class SilentListener {
public:
  explicit SilentListener(std::string_view host = "127.0.0.1")
      : listener_(host, 0), filler_(::socket(address().family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(::connect(filler_, address().data(), address().size()) == 0);
  }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  ~SilentListener() { ::close(filler_); }

  const SocketAddress& address() const noexcept { return listener_.address(); }

private:
  LoopbackListener listener_;
  int filler_;
};

/// An address where nobody listens.
inline SocketAddress refusing_address(std::string_view host = "127.0.0.1") {
  return LoopbackListener(host).address();
}

} // namespace ringfort::engine
