// Records in the kernel's hands, through the kernel's ring: what an installation answers, and what
// it costs. Those that need a kernel with TLS sockets say so; guests run them (tests/kernel).
#include "engine/uring_ring.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <linux/tls.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/engine/recorder.hpp"

namespace ringfort::engine {
namespace {

using namespace std::chrono_literals;

/// Keys of AES-128-GCM in TLS 1.3, good or of no cipher.
struct Keys {
  explicit Keys(bool good = true) {
    info.info = {.version = TLS_1_3_VERSION,
                 .cipher_type = static_cast<unsigned short>(good ? TLS_CIPHER_AES_GCM_128 : 9)};
  }
  Bytes bytes() const { return std::as_bytes(std::span(&info, 1)); }
  tls12_crypto_info_aes_gcm_128 info{};
};

/// A started ring and a connected pair of TCP sockets: `near` is the ring's, `far` the test's.
struct Bench {
  Bench() {
    ring = *UringRing::create({.submission_entries = 8,
                               .completion_entries = 64,
                               .buffer_count = 4,
                               .buffer_bytes = 1'024});
    REQUIRE(ring->start());
    const int listener = *ring->listen(*SocketAddress::parse("127.0.0.1", 0), 1);
    const SocketAddress address = ring->bound_address(listener);
    far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(far, address.data(), address.size()) == 0);
    near = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(near >= 0);
    ::close(listener);
  }
  ~Bench() {
    ::close(near);
    ::close(far);
  }
  /// Takes completions until none is under way, and then what else the kernel would bring.
  void settle() {
    for (int turns = 0; turns < 100; ++turns) {
      REQUIRE(ring->submit_and_wait(install.op.armed() ? 1 : 0, install.op.armed() ? 1s : 0s));
      std::array<Harvested, 16> batch;
      const std::size_t count = ring->harvest(batch);
      for (std::size_t index = 0; index < count; ++index) {
        batch[index].op->complete(batch[index].completion);
      }
      if (count == 0 && !install.op.armed()) return;
    }
  }
  Completion install_now(const RecordInstall& wanted, int descriptor) {
    if (const auto answer = ring->install_records(install.op, descriptor, wanted)) return *answer;
    settle();
    REQUIRE_FALSE(install.seen.empty());
    return install.seen.back();
  }
  Completion install_now(const RecordInstall& wanted) { return install_now(wanted, near); }
  bool chains() const { return ring->features().socket_options; }
  bool knows_tls() { return install_now({.protocol = true}).result == 0; }

  std::unique_ptr<UringRing> ring;
  int near = -1;
  int far = -1;
  Recorder install;
};

constexpr auto step_number = [](RecordStep step) { return static_cast<std::uint32_t>(step); };

TEST_CASE("uring records: the step that fails is told, and cancels those behind it unseen") {
  // No socket of this kind is protected by any kernel.
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const Keys keys;
  const RecordInstall wanted{
      .protocol = true, .send_keys = keys.bytes(), .receive_keys = keys.bytes()};
  // However full the queue is, a chain is submitted as a whole.
  for (unsigned queued = 0; queued <= 8; ++queued) {
    Bench bench;
    std::array<Recorder, 8> sends;
    for (unsigned index = 0; index < queued; ++index) {
      bench.ring->send(sends[index].op, bench.near, bytes_of("x"));
    }
    const RingCounters& counters = bench.ring->counters();
    const std::uint64_t submissions = counters.submissions;
    const Completion end = bench.install_now(wanted, ends[0]);
    CHECK(end.result < 0);
    CHECK(end.step() == step_number(RecordStep::protocol));
    CHECK(counters.submissions - submissions == (bench.chains() ? 3 : 0));
    CHECK(counters.record_calls == (bench.chains() ? 0 : 1));
    bench.settle();
    CHECK(bench.install.seen.size() == (bench.chains() ? 1 : 0));
    CHECK(counters.stale_completions == 0);
    CHECK(bench.install.leases.none());
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("uring records: both directions go over in one chain, or in three calls", "[records]") {
  if (!Bench().knows_tls()) SKIP("no TLS sockets in this kernel");
  Bench bench;
  const Keys keys;
  const RingCounters& counters = bench.ring->counters();
  const std::uint64_t submissions = counters.submissions;
  const std::uint64_t completions = counters.completions;
  const std::uint64_t enters = counters.enters;
  const RecordInstall wanted{
      .protocol = true, .send_keys = keys.bytes(), .receive_keys = keys.bytes()};
  const auto answer = bench.ring->install_records(bench.install.op, bench.near, wanted);
  CHECK(answer.has_value() != bench.chains());
  REQUIRE(bench.ring->submit_and_wait(bench.chains() ? 1 : 0, 0s)); // The turn's own.
  std::array<Harvested, 16> batch;
  const std::size_t count = bench.ring->harvest(batch);
  REQUIRE(count == (bench.chains() ? 1 : 0));
  if (count > 0) batch[0].op->complete(batch[0].completion);
  const Completion end = answer ? *answer : bench.install.seen.at(0);
  CHECK(end.result == 0);
  CHECK(end.step() == step_number(RecordStep::receive));
  CHECK(counters.enters - enters == 1);
  CHECK(counters.submissions - submissions == (bench.chains() ? 3 : 0));
  CHECK(counters.completions - completions == count);
  CHECK(counters.record_calls == (bench.chains() ? 0 : 3));
  // What is sent from here on is a record.
  REQUIRE(::send(bench.near, "x", 1, MSG_NOSIGNAL) == 1);
  std::array<unsigned char, 64> record{};
  REQUIRE(::recv(bench.far, record.data(), record.size(), 0) == 5 + 1 + 1 + 16);
  CHECK(record[0] == 23);
}

TEST_CASE("uring records: refused keys to send with leave the receive to be asked for by itself",
          "[records]") {
  if (!Bench().knows_tls()) SKIP("no TLS sockets in this kernel");
  Bench bench;
  const Keys good;
  const Keys bad(false);
  const Completion first =
      bench.install_now({.protocol = true, .send_keys = bad.bytes(), .receive_keys = good.bytes()});
  CHECK(first.result == -EINVAL);
  CHECK(first.step() == step_number(RecordStep::send));
  const Completion second = bench.install_now({.receive_keys = good.bytes()});
  CHECK(second.result == 0);
  CHECK(second.step() == step_number(RecordStep::receive));
  CHECK(bench.install.seen.size() == (bench.chains() ? 2 : 0));
  // Without keys it carries bytes as they are.
  REQUIRE(::send(bench.near, "x", 1, MSG_NOSIGNAL) == 1);
  std::array<char, 8> text{};
  CHECK(::recv(bench.far, text.data(), text.size(), 0) == 1);
}

} // namespace
} // namespace ringfort::engine
