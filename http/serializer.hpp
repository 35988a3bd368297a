// serializer — heads and chunks written into space that is given.
//
// content-length, transfer-encoding and connection are the engine's: a head that brings its own is
// refused, so that framing on the wire can never contradict the body that follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

#include "http/framing.hpp"

namespace ringfort::http {

struct ResponseHead {
  int status = 200; ///< 200..599
  std::span<const Field> fields = {};
  std::string_view date = {}; ///< left out when empty, or when the fields have one
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0; ///< of a length framing
  bool close = false;               ///< connection: close
  bool keep_alive = false;          ///< connection: keep-alive, as an HTTP/1.0 client needs it said
};

/// Writes status line and fields, with the empty line, and answers their length.
/// Errors: handler.bad_response: status out of range, a name that is no token, a value with a
///         control byte, a field that is the engine's, or a head longer than `out`.
Result<std::size_t> write_response_head(MutableBytes out, const ResponseHead& head) noexcept;

/// The longest chunk-size line: 16 hexadecimal digits and CRLF.
inline constexpr std::size_t chunk_size_bytes_max = 18;

/// Writes the line before a chunk of `bytes` (RFC 9112 section 7.1) and answers its length.
std::size_t write_chunk_size(MutableBytes out, std::uint64_t bytes) noexcept;

/// Writes the last chunk, trailers and the empty line.
/// Errors: handler.bad_response, as above.
Result<std::size_t> write_last_chunk(MutableBytes out, std::span<const Field> trailers) noexcept;

} // namespace ringfort::http
