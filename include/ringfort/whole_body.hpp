// whole_body — a request's body in one piece, for handlers that cannot use it before its end.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <ringfort/exchange.hpp>
#include <ringfort/task.hpp>

namespace ringfort {

/// A gathered body. Borrow: bytes() and text() as long as this object, and its exchange, live.
class WholeBody {
public:
  WholeBody() noexcept = default;
  /// Of a body that arrived in one piece.
  explicit WholeBody(Bytes piece) noexcept : bytes_(piece) {}
  explicit WholeBody(std::vector<std::byte> gathered) noexcept
      : own_(std::move(gathered)), bytes_(own_) {}
  WholeBody(WholeBody&&) noexcept = default;
  WholeBody& operator=(WholeBody&&) noexcept = default;

  Bytes bytes() const noexcept { return bytes_; }
  std::string_view text() const noexcept { return text_of(bytes_); }

private:
  std::vector<std::byte> own_; // Moved, it keeps its place.
  Bytes bytes_;
};

/// Reads the whole body, of `bytes_max` bytes at most, or of Limits::body_bytes_max. Before
/// anything else was read of it.
/// A failed body needs no answer of the handler's own: what is unanswered when it returns is
/// answered with the failure's status, 413 for a body that is too large, and the connection closes.
/// Errors: request_stream.body_too_large: at once, when content-length says so; else BodyReader's;
///         handler.no_memory.
/// Cost:   no copy and no allocation for a body that arrives in one piece; else one copy and an
///         allocation that grows with what has arrived.
Task<Result<WholeBody>> whole_body(Exchange& exchange, std::size_t bytes_max);
Task<Result<WholeBody>> whole_body(Exchange& exchange);

} // namespace ringfort
