#include "net/options.hpp"

#include <algorithm>
#include <array>

#include "net/bound.hpp"

namespace ringfort::net {

namespace {

constexpr std::uint32_t page_bytes = 4'096;

} // namespace

Result<> check(const EngineOptions& options) noexcept {
  constexpr std::int64_t kib = 1'024;
  constexpr std::int64_t gib = kib * kib * kib;
  const std::array engine_bounds{
      Bound{options.shards, 0, 1'024},
      Bound{options.pin_threads, 0, 1},
      Bound{options.ring_entries, 64, 16'384, true},
      Bound{options.receive_buffer_count, 16, 32'768, true},
      Bound{options.receive_buffer_bytes, 1'024, 65'536},
      Bound{options.block_count, 16, 4'194'304},
      Bound{static_cast<std::int64_t>(options.record_layer), 0, 3},
      Bound{static_cast<std::int64_t>(options.memory_bytes_max), 0, 1'024 * gib},
      Bound{options.pipe_count, 0, 65'536},
  };
  if (auto checked = check_all(engine_bounds, 1); !checked) return checked;
  const Limits& limits = options.limits;
  const std::array limit_bounds{
      Bound{limits.connections_max, 1, 1'000'000},
      Bound{limits.connections_per_peer_max, 0, 1'000'000},
      Bound{limits.accepts_per_s_max, 0, 1'000'000},
      Bound{limits.requests_per_connection_max, 0, UINT32_MAX},
      Bound{limits.pipelined_requests_max, 0, UINT32_MAX},
      Bound{limits.header_bytes_max, 256, 16 * kib},
      Bound{limits.target_bytes_max, 1, 16 * kib},
      Bound{limits.fields_max, 1, 256},
      Bound{limits.trailer_bytes_max, 0, 16 * kib},
      Bound{limits.chunk_extension_bytes_max, 0, kib * kib},
      Bound{limits.receive_credit_bytes, 16 * kib, 16 * kib * kib},
      Bound{limits.send_credit_bytes, 16 * kib, 16 * kib * kib},
      Bound{limits.unread_body_bytes_max, 0, UINT32_MAX},
      Bound{limits.body_bytes_max, 0, gib},
      timeout_or_off(limits.first_byte_timeout),
      timeout(limits.proxy_header_timeout),
      timeout(limits.handshake_timeout),
      timeout(limits.head_timeout),
      timeout_or_off(limits.request_timeout),
      timeout(limits.body_idle_timeout),
      timeout(limits.unread_body_timeout),
      timeout_or_off(limits.handler_timeout),
      timeout_or_off(limits.tunnel_idle_timeout),
      timeout(limits.write_timeout),
      timeout(limits.keep_alive_timeout),
      timeout(limits.linger_timeout),
      timeout_or_off(limits.drain_idle_timeout),
      Bound{limits.rate_bytes_per_s_min, 0, 1'000'000'000},
      Bound{limits.handshakes_max, 1, 1'000'000},
      Bound{limits.handshake_steps_max, 1, 65'536},
  };
  if (auto checked = check_all(limit_bounds, 101); !checked) return checked;
  const std::uint64_t most = memory_bytes_max(options);
  if (options.memory_bytes_max == 0 || most <= options.memory_bytes_max) return {};
  constexpr std::uint64_t mib = 1'024 * 1'024;
  return fail(Code::config_memory_exceeded, static_cast<std::int32_t>(most / mib + 1));
}

// What stands for each connection and handshake was measured, and is rounded up: docs/memory.md.
std::uint64_t memory_bytes_max(const EngineOptions& options) noexcept {
  constexpr std::uint64_t per_connection = 4'096;
  constexpr std::uint64_t per_handshake = 65'536;
  constexpr std::uint64_t fixed = 16 * 1'024 * 1'024;
  const Limits& limits = options.limits;
  const std::uint64_t handshakes = std::min(limits.handshakes_max, limits.connections_max);
  return fixed + std::uint64_t{options.receive_buffer_count} * options.receive_buffer_bytes +
         std::uint64_t{options.block_count} * engine::LoopOptions{}.block_bytes +
         std::uint64_t{exchange_block_count(options)} * exchange_block_bytes(limits) +
         limits.connections_max * per_connection + handshakes * per_handshake;
}

engine::LoopOptions loop_options(const EngineOptions& options) noexcept {
  constexpr std::uint32_t completion_entries_max = 65'536;
  engine::LoopOptions loop;
  loop.ring.submission_entries = options.ring_entries;
  loop.ring.completion_entries = std::min(options.ring_entries * 8, completion_entries_max);
  loop.ring.buffer_count = options.receive_buffer_count;
  loop.ring.buffer_bytes = options.receive_buffer_bytes;
  loop.block_count = options.block_count;
  return loop;
}

std::uint32_t exchange_block_bytes(const Limits& limits) noexcept {
  constexpr std::uint32_t handler_bytes = 12'288;
  const auto fields_bytes = static_cast<std::uint32_t>(limits.fields_max * sizeof(Field));
  const std::uint32_t bytes =
      limits.header_bytes_max + limits.trailer_bytes_max + fields_bytes + handler_bytes;
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

std::uint32_t exchange_block_count(const EngineOptions& options) noexcept {
  return std::min(options.limits.connections_max, options.block_count);
}

} // namespace ringfort::net
