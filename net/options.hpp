// options — the bounds of EngineOptions and Limits, and the sizes that follow from them.
#pragma once

#include <cstdint>

#include <ringfort/engine.hpp>

#include "engine/loop.hpp"

namespace ringfort::net {

/// Errors: config.invalid, config.memory_exceeded (details as Engine::create says).
Result<> check(const EngineOptions& options) noexcept;

engine::LoopOptions loop_options(const EngineOptions& options) noexcept;

/// What one shard may hold at most.
std::uint64_t memory_bytes_max(const EngineOptions& options) noexcept;

/// An exchange's block holds its state, a head and fields that had to be copied, the handler's
/// frame and what the handler takes from the arena.
std::uint32_t exchange_block_bytes(const Limits& limits) noexcept;
std::uint32_t exchange_block_count(const EngineOptions& options) noexcept;

} // namespace ringfort::net
