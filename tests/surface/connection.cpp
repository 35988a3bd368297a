#include "tests/surface/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringfort/check.hpp>

namespace ringfort::surface {

namespace {

int connected_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  RINGFORT_CHECK(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return descriptor;
}

} // namespace

Connection::Connection(std::uint16_t port) : Connection(Accepted{connected_to(port)}) {}

Connection::Connection(Accepted end) : descriptor_(end.descriptor) {
  // An end that never answers fails the test instead of holding it up for ever.
  constexpr timeval patience{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  constexpr int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection::Connection(std::uint16_t port, const peer::ClientOptions& options) : Connection(port) {
  tls_ = std::make_unique<peer::Client>(options);
}

Connection::~Connection() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Connection::handshake_step() {
  flush();
  if (tls_->secured()) return true;
  std::array<char, 16'384> memory;
  const ssize_t bytes = ::recv(descriptor_, memory.data(), memory.size(), MSG_DONTWAIT);
  if (bytes > 0) tls_->deliver(bytes_of({memory.data(), static_cast<std::size_t>(bytes)}));
  flush();
  return tls_->secured();
}

void Connection::flush() {
  if (tls_ == nullptr) return;
  const std::string outgoing = tls_->take_outgoing();
  if (!outgoing.empty()) send_in_clear(outgoing);
}

void Connection::send_in_clear(std::string_view bytes) {
  (void)!::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void Connection::send_urgent(char byte) {
  (void)!::send(descriptor_, &byte, 1, MSG_OOB | MSG_NOSIGNAL);
}

void Connection::end_sending() { ::shutdown(descriptor_, SHUT_WR); }

void Connection::send(std::string_view text) {
  if (tls_ == nullptr) return send_in_clear(text);
  flush();
  while (!tls_->secured() && receive()) {}
  tls_->write(text);
  flush();
}

bool Connection::receive() {
  std::array<char, 65'536> memory;
  ssize_t bytes = 0;
  do { // A call with a time limit is not restarted after an interruption (signal(7)).
    bytes = ::recv(descriptor_, memory.data(), memory.size(), 0);
  } while (bytes < 0 && errno == EINTR);
  if (bytes <= 0) return false;
  const std::string_view arrived(memory.data(), static_cast<std::size_t>(bytes));
  if (tls_ == nullptr) {
    text_ += arrived;
    return true;
  }
  tls_->deliver(bytes_of(arrived));
  flush();
  text_ += tls_->news();
  return tls_->failure().empty() && !tls_->closed();
}

std::string Connection::read_until(std::string_view text) {
  while (text_.find(text) == std::string::npos && receive()) {}
  const std::size_t found = text_.find(text);
  const std::size_t bytes = found == std::string::npos ? text_.size() : found + text.size();
  std::string taken = text_.substr(0, bytes);
  text_.erase(0, bytes);
  return taken;
}

std::string Connection::read_bytes(std::size_t bytes) {
  while (text_.size() < bytes && receive()) {}
  std::string taken = text_.substr(0, bytes);
  text_.erase(0, taken.size());
  return taken;
}

std::string Connection::read_to_end() {
  while (receive()) {}
  return std::exchange(text_, {});
}

void Connection::wait_for_end() {
  pollfd gone{.fd = descriptor_, .events = POLLRDHUP, .revents = 0};
  (void)::poll(&gone, 1, 60'000);
}

bool Connection::was_reset() {
  errno = 0;
  while (receive()) errno = 0;
  return errno == ECONNRESET;
}

void Connection::reset() {
  constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(descriptor_, -1));
}

} // namespace ringfort::surface
