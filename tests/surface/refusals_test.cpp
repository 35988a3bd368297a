// What an engine refuses to be made of, or to listen on: options, kernels, addresses. A kernel that
// says no is played by a seccomp filter in a process of its own.
#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/engine.hpp>

namespace ringfort::surface {
namespace {

EngineOptions small_options() {
  EngineOptions options;
  options.shards = 1;
  options.block_count = 64;
  options.limits.connections_max = 64;
  return options;
}

ServiceFactory silent() {
  return [](Shard&) { return service([](Exchange&) {}); };
}

// ---------------------------------------------------------------------------- options

struct Wrong {
  std::int32_t position;
  std::function<void(EngineOptions&)> spoil;
};

TEST_CASE("options: each field out of its range is config.invalid, and says which one it is") {
  using std::chrono::milliseconds;
  const std::array wrong{
      Wrong{1, [](EngineOptions& options) { options.shards = 1'025; }},
      Wrong{3, [](EngineOptions& options) { options.ring_entries = 100; }},
      Wrong{3, [](EngineOptions& options) { options.ring_entries = 32; }},
      Wrong{4, [](EngineOptions& options) { options.receive_buffer_count = 8; }},
      Wrong{5, [](EngineOptions& options) { options.receive_buffer_bytes = 1'023; }},
      Wrong{6, [](EngineOptions& options) { options.block_count = 0; }},
      Wrong{101, [](EngineOptions& options) { options.limits.connections_max = 0; }},
      Wrong{102,
            [](EngineOptions& options) { options.limits.connections_per_peer_max = 1'000'001; }},
      Wrong{103, [](EngineOptions& options) { options.limits.accepts_per_s_max = 1'000'001; }},
      Wrong{106, [](EngineOptions& options) { options.limits.header_bytes_max = 255; }},
      Wrong{107, [](EngineOptions& options) { options.limits.target_bytes_max = 0; }},
      Wrong{108, [](EngineOptions& options) { options.limits.fields_max = 257; }},
      Wrong{109, [](EngineOptions& options) { options.limits.trailer_bytes_max = 16'385; }},
      Wrong{110,
            [](EngineOptions& options) { options.limits.chunk_extension_bytes_max = 1'048'577; }},
      Wrong{111, [](EngineOptions& options) { options.limits.receive_credit_bytes = 16'383; }},
      Wrong{112, [](EngineOptions& options) { options.limits.send_credit_bytes = 1u << 25; }},
      Wrong{114, [](EngineOptions& options) { options.limits.body_bytes_max = 1'073'741'825; }},
      Wrong{115,
            [](EngineOptions& options) { options.limits.first_byte_timeout = milliseconds(-1); }},
      Wrong{116, [](EngineOptions& options) { options.limits.proxy_header_timeout = {}; }},
      Wrong{117, [](EngineOptions& options) { options.limits.handshake_timeout = {}; }},
      Wrong{118, [](EngineOptions& options) { options.limits.head_timeout = {}; }},
      Wrong{119,
            [](EngineOptions& options) {
              options.limits.request_timeout = milliseconds(86'400'001);
            }},
      Wrong{120, [](EngineOptions& options) { options.limits.body_idle_timeout = {}; }},
      Wrong{121, [](EngineOptions& options) { options.limits.unread_body_timeout = {}; }},
      Wrong{122, [](EngineOptions& options) { options.limits.handler_timeout = milliseconds(-1); }},
      Wrong{123,
            [](EngineOptions& options) { options.limits.tunnel_idle_timeout = milliseconds(-1); }},
      Wrong{124, [](EngineOptions& options) { options.limits.write_timeout = {}; }},
      Wrong{125,
            [](EngineOptions& options) { options.limits.keep_alive_timeout = milliseconds(-1); }},
      Wrong{
          126,
          [](EngineOptions& options) { options.limits.linger_timeout = milliseconds(86'400'001); }},
      Wrong{127,
            [](EngineOptions& options) { options.limits.drain_idle_timeout = milliseconds(-1); }},
      Wrong{128,
            [](EngineOptions& options) { options.limits.rate_bytes_per_s_min = 1'000'000'001; }},
      Wrong{129, [](EngineOptions& options) { options.limits.handshakes_max = 0; }},
      Wrong{130, [](EngineOptions& options) { options.limits.handshake_steps_max = 65'537; }}};
  for (const Wrong& row : wrong) {
    EngineOptions options = small_options();
    row.spoil(options);
    const auto engine = Engine::create(options);
    REQUIRE_FALSE(engine);
    CHECK(engine.error().code == Code::config_invalid);
    CHECK(engine.error().detail == row.position);
  }
  CHECK(Engine::create(small_options()));
}

TEST_CASE("options: what a shard may hold is config.memory_exceeded beyond memory_bytes_max") {
  constexpr std::uint64_t mib = 1'024 * 1'024;
  EngineOptions options = small_options();
  const auto bound = (*Engine::create(options))->memory_bytes_max();
  options.memory_bytes_max = bound;
  CHECK(Engine::create(options));
  options.memory_bytes_max = bound - 1;
  const auto refused = Engine::create(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::config_memory_exceeded);
  CHECK(static_cast<std::uint64_t>(refused.error().detail) == bound / mib + 1);
  options.limits.connections_max /= 2;
  CHECK(Engine::create(options));
}

// ---------------------------------------------------------------------------- addresses

Code listen_fault(const Endpoint& endpoint) {
  const auto engine = Engine::create(small_options());
  REQUIRE(engine);
  const auto bound = (*engine)->serve_plain(endpoint, silent());
  REQUIRE_FALSE(bound);
  return bound.error().code;
}

TEST_CASE("listen: what is no address is listen.address_invalid") {
  for (const char* host : {"", "localhost", "256.0.0.1", "::1::", "127.0.0.1:80", "[::1"}) {
    CHECK(listen_fault({.host = host, .port = 0}) == Code::listen_address_invalid);
  }
}

TEST_CASE("listen: another socket's address is listen.address_in_use, and nothing is taken over") {
  const auto first = Engine::create(small_options());
  REQUIRE(first);
  const auto bound = (*first)->serve_plain({.port = 0}, silent());
  REQUIRE(bound);
  CHECK(listen_fault({.port = bound->port}) == Code::listen_address_in_use);
}

TEST_CASE("listen: an address that is not this machine's is listen.failed") {
  CHECK(listen_fault({.host = "192.0.2.1", .port = 0}) == Code::listen_failed);
}

TEST_CASE("listen: IPv4, IPv6 and any address are taken, and say their port") {
  for (const char* host : {"127.0.0.1", "::1", "[::1]", "0.0.0.0", "::"}) {
    const auto engine = Engine::create(small_options());
    REQUIRE(engine);
    const auto bound = (*engine)->serve_plain({.host = host, .port = 0}, silent());
    REQUIRE(bound);
    CHECK(bound->port != 0);
  }
}

// ---------------------------------------------------------------------------- kernels that say no

/// From here on `call` answers `error_number` in this process.
bool deny(long call, int error_number) {
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K,
                           SECCOMP_RET_ERRNO | static_cast<unsigned>(error_number)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// The fault that `attempt` ends with in a process where `call` is denied.
Code fault_when_denied(long call, int error_number,
                       const std::function<Result<Endpoint>()>& attempt) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!deny(call, error_number)) ::_exit(255);
    const auto result = attempt();
    ::_exit(result ? 254 : static_cast<int>(result.error().code));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) < static_cast<int>(fault_count));
  return static_cast<Code>(WEXITSTATUS(status));
}

Result<Endpoint> attempt() {
  const auto engine = Engine::create(small_options());
  if (!engine) return std::unexpected(engine.error());
  return (*engine)->serve_plain({.port = 0}, silent());
}

TEST_CASE("kernel: io_uring_setup denied is ring.refused") {
  CHECK(fault_when_denied(SYS_io_uring_setup, EPERM, attempt) == Code::ring_refused);
  CHECK(fault_when_denied(SYS_io_uring_setup, EACCES, attempt) == Code::ring_refused);
}

TEST_CASE("kernel: a kernel without io_uring, or without what is needed, is ring.kernel_too_old") {
  CHECK(fault_when_denied(SYS_io_uring_setup, ENOSYS, attempt) == Code::ring_kernel_too_old);
  CHECK(fault_when_denied(SYS_io_uring_setup, EINVAL, attempt) == Code::ring_kernel_too_old);
}

TEST_CASE("kernel: memory that cannot be had is ring.no_memory") {
  CHECK(fault_when_denied(SYS_io_uring_setup, ENOMEM, attempt) == Code::ring_no_memory);
}

TEST_CASE("kernel: a bind that is denied is listen.not_permitted") {
  CHECK(fault_when_denied(SYS_bind, EACCES, attempt) == Code::listen_not_permitted);
}

} // namespace
} // namespace ringfort::surface
