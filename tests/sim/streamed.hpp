// streamed — handlers that read and write piece by piece, and remember how that ended.
#pragma once

#include <cstdint>
#include <optional>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

namespace ringfort::sim {

/// Reads the whole body, and answers.
struct Reading {
  Result<Bytes>& last;
  Task<> operator()(Exchange& exchange) const;
};

/// Streams `pieces` of 8 KiB.
struct Writing {
  Result<>& last;
  std::size_t pieces = 0;
  std::optional<std::uint64_t> length = {};
  Task<> operator()(Exchange& exchange) const;
};

} // namespace ringfort::sim
