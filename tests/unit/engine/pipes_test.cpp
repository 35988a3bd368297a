// Pipes between two sockets: whose they are, what becomes of what lies in one, and when none is to
// be had.
#include "engine/pipes.hpp"

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/engine/loopback.hpp"

namespace ringfort::engine {
namespace {

/// A pair of sockets: `near` is the pipes', `far` the test's.
struct Pair {
  explicit Pair(Ring& ring) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    near = ends[0];
    far = ends[1];
    ring.set_nonblocking(near);
  }
  ~Pair() {
    ::close(near);
    ::close(far);
  }
  void say(const std::string& text) const {
    REQUIRE(::write(far, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::string hear() const {
    std::string room(100, '\0');
    const ssize_t count = ::recv(far, room.data(), room.size(), MSG_DONTWAIT);
    room.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return room;
  }

  int near;
  int far;
};

/// The same by TCP, on loopback.
struct TcpPair {
  explicit TcpPair(Ring& ring) {
    const LoopbackListener listener;
    far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(far, listener.address().data(), listener.address().size()) == 0);
    near = listener.accept();
    REQUIRE(near >= 0);
    constexpr int on = 1;
    REQUIRE(::setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    ring.set_nonblocking(near);
  }
  ~TcpPair() {
    ::close(near);
    if (far >= 0) ::close(far);
  }
  void say(std::string_view text, int flags = 0) const {
    REQUIRE(::send(far, text.data(), text.size(), flags) == static_cast<ssize_t>(text.size()));
  }
  void wait_for(short events) const {
    pollfd one{.fd = near, .events = events, .revents = 0};
    REQUIRE(::poll(&one, 1, 10'000) == 1);
  }

  int near = -1;
  int far = -1;
};

bool broken_pipe_is_pending() {
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  return sigismember(&pending, SIGPIPE) == 1;
}

std::unique_ptr<Ring> make_ring() {
  return *Ring::create({.submission_entries = 8, .completion_entries = 64, .buffer_count = 4});
}

std::size_t open_descriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

TEST_CASE("pipes: bytes of one socket go to another, as far as they are asked for") {
  const auto ring = make_ring();
  Pipes pipes(*ring, 1);
  const Pair from(*ring);
  const Pair to(*ring);
  Pipe pipe = pipes.try_take();
  REQUIRE(pipe);
  CHECK(pipe.fill(*ring, from.near, 10) == -EAGAIN);
  from.say("seven, eight");
  CHECK(pipe.fill(*ring, from.near, 5) == 5);
  CHECK(pipe.held_bytes() == 5);
  CHECK(pipe.drain(*ring, to.near) == 5);
  CHECK(pipe.held_bytes() == 0);
  CHECK(to.hear() == "seven");
  CHECK(pipe.fill(*ring, from.near, 100) == 7);
  CHECK(pipe.drain(*ring, to.near) == 7);
  CHECK(to.hear() == ", eight");
  REQUIRE(::shutdown(from.far, SHUT_WR) == 0);
  CHECK(pipe.fill(*ring, from.near, 100) == 0);
}

TEST_CASE("pipes: a socket that is gone is an errno, and what was for it stays until the end") {
  const auto ring = make_ring();
  Pipes pipes(*ring, 1);
  const Pair from(*ring);
  Pair to(*ring);
  Pipe pipe = pipes.try_take();
  from.say("lost");
  CHECK(pipe.fill(*ring, from.near, 100) == 4);
  REQUIRE(::shutdown(to.near, SHUT_WR) == 0);
  CHECK(pipe.drain(*ring, to.near) == -EPIPE); // And no signal.
  CHECK(pipe.held_bytes() == 4);
  CHECK_FALSE(broken_pipe_is_pending());
}

TEST_CASE("pipes: of a socket that breaks when it has taken some no signal comes either") {
  const auto ring = make_ring();
  Pipes pipes(*ring, 1);
  const TcpPair from(*ring);
  TcpPair to(*ring);
  Pipe pipe = pipes.try_take();
  // More pieces than the kernel sends at a time: the first send is answered by a reset, which the
  // second one meets.
  constexpr std::int64_t pieces = 60;
  const std::string piece(1'448, 'x');
  for (std::int64_t count = 0; count < pieces; ++count) from.say(piece);
  from.wait_for(POLLIN);
  ::close(std::exchange(to.far, -1));
  to.wait_for(POLLRDHUP);
  std::int64_t filled = 0;
  while (pipe.held_bytes() < piece.size() * pieces) {
    filled = pipe.fill(*ring, from.near, Pipes::pipe_bytes);
    REQUIRE((filled > 0 || filled == -EAGAIN));
  }
  const auto held = static_cast<std::int64_t>(pipe.held_bytes());
  const std::int64_t drained = pipe.drain(*ring, to.near);
  CHECK(drained < held);
  CHECK_FALSE(broken_pipe_is_pending());
  CHECK(pipe.drain(*ring, to.near) < 0);
  CHECK_FALSE(broken_pipe_is_pending());
}

TEST_CASE("pipes: urgent data stops a splice, as if nothing were there, and a copy goes past it") {
  const auto ring = make_ring();
  Pipes pipes(*ring, 1);
  const TcpPair from(*ring);
  const Pair to(*ring);
  Pipe pipe = pipes.try_take();
  const auto pass_on = [&] {
    CHECK(pipe.drain(*ring, to.near) > 0);
    return to.hear();
  };
  from.say("before");
  from.say("!", MSG_OOB);
  from.say("after");
  from.wait_for(POLLIN);
  while (pipe.fill(*ring, from.near, 100) == -EAGAIN) {}
  CHECK(pass_on() == "before");
  from.wait_for(POLLIN);
  CHECK(pipe.fill(*ring, from.near, 100) == -EAGAIN);
  REQUIRE(::shutdown(from.far, SHUT_WR) == 0);
  from.wait_for(POLLRDHUP);
  CHECK(pipe.fill(*ring, from.near, 100) == 0); // Which is not true.
  CHECK(pipe.fill_by_copy(*ring, from.near) == 5);
  CHECK(pass_on() == "after");
  CHECK(pipe.fill(*ring, from.near, 100) == 0);
  CHECK(pipe.fill_by_copy(*ring, from.near) == 0);
}

TEST_CASE("pipes: as many are out as there may be, and one that is empty serves again") {
  const auto ring = make_ring();
  const std::size_t before = open_descriptors();
  {
    Pipes pipes(*ring, 2);
    std::optional<Pipe> one(pipes.try_take());
    Pipe other = pipes.try_take();
    CHECK(*one);
    CHECK(other);
    CHECK_FALSE(pipes.try_take());
    CHECK(pipes.in_use_count() == 2);
    one.reset();
    CHECK(pipes.in_use_count() == 1);
    const std::size_t open = open_descriptors();
    const Pipe again = pipes.try_take();
    CHECK(again);
    CHECK(open_descriptors() == open);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("pipes: what is left in one is nobody else's") {
  const auto ring = make_ring();
  Pipes pipes(*ring, 1);
  const Pair from(*ring);
  const std::size_t before = open_descriptors();
  {
    Pipe left = pipes.try_take();
    from.say("secret");
    CHECK(left.fill(*ring, from.near, 100) == 6);
  }
  CHECK(open_descriptors() == before);
  Pipe fresh = pipes.try_take();
  CHECK(fresh.held_bytes() == 0);
  CHECK(fresh.fill(*ring, from.near, 100) == -EAGAIN);
}

TEST_CASE("pipes: without descriptors none is to be had, and none is missing later") {
  const auto ring = make_ring();
  Pipes pipes(*ring, 1);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const bool taken = static_cast<bool>(pipes.try_take());
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK_FALSE(taken);
  CHECK(pipes.in_use_count() == 0);
  CHECK(pipes.try_take());
}

} // namespace
} // namespace ringfort::engine
