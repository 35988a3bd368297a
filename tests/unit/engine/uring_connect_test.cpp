// The kernel's ring, connecting and waiting for events: what whoever reaches out relies on.
#include <array>
#include <cerrno>
#include <memory>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "engine/connect_failure.hpp"
#include "engine/uring_ring.hpp"
#include "tests/unit/engine/loopback.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace ringfort::engine {
namespace {

using namespace std::chrono_literals;

/// A started ring, and an operation on it.
struct Bench {
  Bench() {
    ring = *UringRing::create({.submission_entries = 8,
                               .completion_entries = 64,
                               .buffer_count = 2,
                               .buffer_bytes = 1'024});
    REQUIRE(ring->start());
  }
  /// The result of the operation under way, or of the one that this asks to end.
  int result() {
    while (operation.op.armed()) {
      REQUIRE(ring->submit_and_wait(1, 1s));
      std::array<Harvested, 16> batch;
      const std::size_t count = ring->harvest(batch);
      for (std::size_t index = 0; index < count; ++index) {
        batch[index].op->complete(batch[index].completion);
      }
    }
    return operation.seen.back().result;
  }
  /// Hands over what is queued, and what completes at once is left to be harvested.
  void submit() { REQUIRE(ring->submit_and_wait(0, 0ns)); }

  std::unique_ptr<UringRing> ring;
  Recorder operation;
};

int option_of(int descriptor, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(descriptor, IPPROTO_TCP, name, &value, &size) == 0);
  return value;
}

TEST_CASE("uring: a connect to a listener ends with 0, over IPv4 and IPv6") {
  for (const char* host : {"127.0.0.1", "::1"}) {
    Bench bench;
    const LoopbackListener listener(host);
    const int socket = *bench.ring->open_socket(listener.address());
    bench.ring->connect(bench.operation.op, socket, listener.address());
    CHECK(bench.result() == 0);
    CHECK(bench.ring->peer_address(socket) == listener.address());
    const int accepted = listener.accept();
    CHECK(accepted >= 0);
    bench.ring->close(accepted);
    bench.ring->close(socket);
  }
}

TEST_CASE("uring: a socket to connect with has the options of those that are accepted") {
  Bench bench;
  const auto address = *SocketAddress::parse("127.0.0.1", 0);
  const int listener = *bench.ring->listen(address, 1);
  const int socket = *bench.ring->open_socket(address);
  for (const int name : {TCP_NODELAY, TCP_NOTSENT_LOWAT}) {
    CHECK(option_of(socket, name) == option_of(listener, name));
  }
  CHECK(option_of(socket, TCP_NODELAY) != 0);
  bench.ring->close(socket);
  bench.ring->close(listener);
}

TEST_CASE("uring: a connect to a port where nobody listens ends with ECONNREFUSED") {
  Bench bench;
  const auto address = refusing_address();
  const int socket = *bench.ring->open_socket(address);
  bench.ring->connect(bench.operation.op, socket, address);
  CHECK(bench.result() == -ECONNREFUSED);
  bench.ring->close(socket);
}

TEST_CASE("uring: a connect that nobody answers waits, and ends with ECANCELED when cancelled") {
  Bench bench;
  const SilentListener silent;
  const int socket = *bench.ring->open_socket(silent.address());
  bench.ring->connect(bench.operation.op, socket, silent.address());
  bench.submit();
  REQUIRE(bench.operation.op.armed());
  bench.ring->cancel(bench.operation.op);
  CHECK(bench.result() == -ECANCELED);
  bench.ring->close(socket);
}

TEST_CASE("uring: without a descriptor there is no socket: connect.descriptors_spent") {
  Bench bench;
  const auto address = *SocketAddress::parse("127.0.0.1", 1);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto socket = bench.ring->open_socket(address);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(socket);
  CHECK(socket.error() == connect_failure(EMFILE).error());
}

TEST_CASE("uring: a poll answers once which events came, and only those asked for") {
  Bench bench;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  bench.ring->poll(bench.operation.op, ends[0], POLLIN);
  bench.submit();
  CHECK(bench.operation.op.armed());
  REQUIRE(::write(ends[1], "x", 1) == 1);
  CHECK(bench.result() == POLLIN);
  bench.ring->poll(bench.operation.op, ends[0], POLLOUT);
  CHECK(bench.result() == POLLOUT);
  CHECK(bench.operation.seen.size() == 2);
  for (const int end : ends) bench.ring->close(end);
}

TEST_CASE("uring: a poll whose descriptor was closed still ends by a cancel") {
  Bench bench;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  bench.ring->poll(bench.operation.op, ends[0], POLLIN);
  bench.submit();
  bench.ring->close(ends[0]);
  bench.ring->cancel(bench.operation.op);
  CHECK(bench.result() == -ECANCELED);
  bench.ring->close(ends[1]);
}

} // namespace
} // namespace ringfort::engine
