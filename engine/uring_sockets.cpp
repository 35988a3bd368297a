// uring_sockets — the ring's socket calls outside the hot path: plain system calls.
#include "engine/uring_ring.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
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

/// Where a send says MSG_NOSIGNAL, splice(2) cannot: SIGPIPE, which is this thread's alone, is held
/// back and taken, whatever its host does with it.
class BrokenPipeHeld {
public:
  BrokenPipeHeld() noexcept {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGPIPE);
    (void)::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  BrokenPipeHeld(const BrokenPipeHeld&) = delete;
  BrokenPipeHeld& operator=(const BrokenPipeHeld&) = delete;
  ~BrokenPipeHeld() {
    constexpr timespec none{};
    // What its host holds back already is left to it.
    if (came_ && sigismember(&before_, SIGPIPE) == 0)
      (void)::sigtimedwait(&signal_, nullptr, &none);
    (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void may_have_come() noexcept { came_ = true; }

private:
  sigset_t signal_;
  sigset_t before_;
  bool came_ = false;
};

std::int64_t splice_now(int from, int to, std::size_t bytes_max) noexcept {
  constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
  const ssize_t moved = ::splice(from, nullptr, to, nullptr, bytes_max, flags);
  return moved < 0 ? -errno : moved;
}

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

// A pipe that is smaller than asked for would be filled and emptied in so many more calls.
std::optional<PipeEnds> UringRing::open_pipe(std::uint32_t bytes) noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  if (::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(bytes)) < static_cast<int>(bytes)) return {};
  // A pipe has nothing to move to itself; where a filter forbids the call, errno is another one.
  if (splice_now(ends[0], ends[1], 1) != -EINVAL) return {};
  return PipeEnds{read_end.release(), write_end.release()};
}

// splice(2) asks the socket's own flag whether to wait, whatever SPLICE_F_NONBLOCK says.
void UringRing::set_nonblocking(int descriptor) noexcept {
  (void)::fcntl(descriptor, F_SETFL, O_NONBLOCK);
}

std::int64_t UringRing::splice_in(int socket, int write_end, std::size_t bytes_max) noexcept {
  return splice_now(socket, write_end, bytes_max);
}

std::int64_t UringRing::copy_in(int socket, int write_end) noexcept {
  std::array<std::byte, PIPE_BUF> room; // write(2) takes so much whole, or nothing.
  const ssize_t came = ::recv(socket, room.data(), room.size(), MSG_DONTWAIT);
  if (came <= 0) return came < 0 ? -errno : 0;
  return ::write(write_end, room.data(), static_cast<std::size_t>(came)) < 0 ? -errno : came;
}

std::int64_t UringRing::splice_out(int read_end, int socket, std::size_t bytes_max) noexcept {
  BrokenPipeHeld held;
  const std::int64_t moved = splice_now(read_end, socket, bytes_max);
  // A count that is short may be followed by a send that failed.
  if (moved < static_cast<std::int64_t>(bytes_max)) held.may_have_come();
  return moved;
}

void UringRing::close(int descriptor) noexcept { ::close(descriptor); }

void UringRing::reset(int descriptor) noexcept {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  ::close(descriptor);
}

} // namespace ringfort::engine
