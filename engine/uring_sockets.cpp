// uring_sockets — the ring's socket calls outside the hot path: plain system calls.
#include "engine/uring_ring.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/connect_failure.hpp"

namespace ringfort::engine {

namespace {

/// Closes on the way out unless released.
class Descriptor {
public:
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const noexcept { return value_; }
  int release() noexcept { return std::exchange(value_, -1); }

private:
  int value_;
};

/// What the kernel takes of a connection beyond what is on its way (tcp(7)); without it some 4 MiB,
/// which no credit of ours counts.
constexpr int unsent_bytes_max = 131'072;

std::unexpected<Error> listen_failure(int error_number) noexcept {
  switch (error_number) {
  case EADDRINUSE: return fail(Code::listen_address_in_use, error_number);
  case EACCES:
  case EPERM: return fail(Code::listen_not_permitted, error_number);
  default: return fail(Code::listen_failed, error_number);
  }
}

bool set_option(int descriptor, int level, int name, int value) noexcept {
  return ::setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/// Of the socket itself. Empty, with errno set, when it is none.
std::optional<int> socket_option(int descriptor, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) != 0) return {};
  return value;
}

int tcp_socket(const SocketAddress& address) noexcept {
  return ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
}

/// Of each connection: what is accepted inherits it from the listener.
bool set_connection_options(int descriptor) noexcept {
  return set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) &&
         set_option(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes_max);
}

} // namespace

Result<int> UringRing::listen(const SocketAddress& address, int backlog) noexcept {
  Descriptor listener(tcp_socket(address));
  const bool ready = listener.get() >= 0 &&
                     set_option(listener.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
                     set_option(listener.get(), SOL_SOCKET, SO_REUSEPORT, 1) &&
                     set_connection_options(listener.get()) &&
                     ::bind(listener.get(), address.data(), address.size()) == 0 &&
                     ::listen(listener.get(), backlog) == 0;
  if (!ready) return listen_failure(errno);
  return listener.release();
}

Result<int> UringRing::adopt_listener(int descriptor) noexcept {
  const auto type = socket_option(descriptor, SO_TYPE);
  if (!type) return fail(Code::listen_not_a_socket, errno);
  const int family = socket_option(descriptor, SO_DOMAIN).value_or(AF_UNSPEC);
  const bool is_tcp = *type == SOCK_STREAM && (family == AF_INET || family == AF_INET6) &&
                      socket_option(descriptor, SO_PROTOCOL) == IPPROTO_TCP;
  if (!is_tcp) return fail(Code::listen_wrong_socket_type);
  if (socket_option(descriptor, SO_ACCEPTCONN) != 1) return fail(Code::listen_not_listening);
  Descriptor listener(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  // Where it does not block, kernels have ended an accept instead of arming it.
  const int flags = listener.get() < 0 ? -1 : ::fcntl(listener.get(), F_GETFL);
  const bool ready = flags >= 0 && ::fcntl(listener.get(), F_SETFL, flags & ~O_NONBLOCK) == 0 &&
                     set_connection_options(listener.get());
  if (!ready) return listen_failure(errno);
  return listener.release();
}

// The socket blocks, and another process may take the connection in between: then the time-out,
// which is the kernel's shortest and means nothing to a ring, ends the wait.
int UringRing::accept_waiting(int listener) noexcept {
  pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) != 1) return -1;
  constexpr timeval shortest{.tv_sec = 0, .tv_usec = 1};
  if (::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &shortest, sizeof shortest) != 0) return -1;
  return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
}

Result<> UringRing::check_free(const SocketAddress& address) noexcept {
  const Descriptor socket(tcp_socket(address));
  const bool free = socket.get() >= 0 && set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
                    ::bind(socket.get(), address.data(), address.size()) == 0;
  if (!free) return listen_failure(errno);
  return {};
}

Result<int> UringRing::open_socket(const SocketAddress& address) noexcept {
  Descriptor socket(tcp_socket(address));
  if (socket.get() < 0 || !set_connection_options(socket.get())) return connect_failure(errno);
  return socket.release();
}

Result<int> UringRing::open_unix_socket() noexcept {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return connect_failure(errno);
  return socket;
}

Result<std::pair<int, int>> UringRing::open_pair() noexcept {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return connect_failure(errno);
  return std::pair{ends[0], ends[1]};
}

SocketAddress UringRing::bound_address(int descriptor) noexcept {
  SocketAddress address;
  socklen_t size = SocketAddress::capacity();
  (void)::getsockname(descriptor, address.data(), &size);
  return address;
}

SocketAddress UringRing::peer_address(int descriptor) noexcept {
  SocketAddress address;
  socklen_t size = SocketAddress::capacity();
  (void)::getpeername(descriptor, address.data(), &size);
  return address;
}

// The plain call: IORING_OP_SHUTDOWN always goes to a worker thread.
void UringRing::shutdown_write(int descriptor) noexcept { (void)::shutdown(descriptor, SHUT_WR); }

void UringRing::close(int descriptor) noexcept { ::close(descriptor); }

void UringRing::reset(int descriptor) noexcept {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  ::close(descriptor);
}

} // namespace ringfort::engine
