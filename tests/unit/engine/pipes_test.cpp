// Pipes between two sockets: whose they are, what becomes of what lies in one, and when none is to
// be had.
#include "engine/pipes.hpp"

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

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
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
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
