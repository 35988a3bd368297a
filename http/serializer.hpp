// serializer — heads and chunks written into space that is given.
//
// content-length, transfer-encoding and connection are the engine's: a head that brings its own is
// refused, so that framing on the wire can never contradict the body that follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

#include "http/date.hpp"
#include "http/field_lines.hpp"
#include "http/framing.hpp"

namespace ringfort::http {

struct ResponseHead {
  int status = 200; ///< 200..599; 101 with a protocol
  std::span<const Field> fields = {};
  const DateLine* date = nullptr; ///< left out when null, or when the fields have one
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0; ///< of a length framing
  bool close = false;               ///< connection: close
  bool keep_alive = false;          ///< connection: keep-alive, as an HTTP/1.0 client needs it said
  std::string_view protocol = {};   ///< that 101 switches to
};

/// Writes response heads. Where: one shard.
class HeadWriter {
public:
  /// `fields_bytes_max` bounds the lines of the fields of one head.
  explicit HeadWriter(std::size_t fields_bytes_max) : lines_(fields_bytes_max) {}

  /// Writes status line and fields, with the empty line, and answers their length.
  /// Errors: handler.bad_response: status out of range, a name that is no token, a value with a
  ///         control byte, a field that is the engine's, or a head longer than `out`.
  Result<std::size_t> write(MutableBytes out, const ResponseHead& head) noexcept;
  /// The same of an interim answer: 100, or 102 to 199; nothing but its fields.
  Result<std::size_t> write_interim(MutableBytes out, int status,
                                    std::span<const Field> fields) noexcept;

private:
  Result<std::size_t> write_checked(MutableBytes out, const ResponseHead& head) noexcept;

  FieldLines lines_;
};

/// The longest chunk-size line: 16 hexadecimal digits and CRLF.
inline constexpr std::size_t chunk_size_bytes_max = 18;
/// Room for the last chunk with as many trailers as are ever taken.
inline constexpr std::size_t last_chunk_bytes_max = 16'384 + 64;

/// Writes the line before a chunk of `bytes` (RFC 9112 section 7.1) and answers its length.
std::size_t write_chunk_size(MutableBytes out, std::uint64_t bytes) noexcept;

/// Writes the last chunk, trailers and the empty line.
/// Errors: `refused`, as above: handler.bad_response, or call.bad_request when it ends a request.
Result<std::size_t> write_last_chunk(MutableBytes out, std::span<const Field> trailers,
                                     Code refused = Code::handler_bad_response) noexcept;

} // namespace ringfort::http
