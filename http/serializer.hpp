// serializer — heads, and chunks written into space that is given.
//
// content-length, transfer-encoding and connection are the engine's: a head that brings its own is
// refused, so that framing on the wire can never contradict the body that follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

#include "http/date.hpp"
#include "http/field_lines.hpp"
#include "http/framing.hpp"

namespace ringfort::http {

struct ResponseHead {
  static constexpr std::int64_t undated = INT64_MIN;

  int status = 200; ///< 200..599; 101 with a protocol
  std::span<const Field> fields = {};
  std::int64_t unix_seconds = undated; ///< for the date, unless the fields have one
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0; ///< of a length framing
  bool close = false;               ///< connection: close
  bool keep_alive = false;          ///< connection: keep-alive, as an HTTP/1.0 client needs it said
  std::string_view protocol = {};   ///< that 101 switches to
};

/// Writes response heads, and has the last one at hand: a server says mostly the same again.
/// Where: one shard.
class HeadWriter {
public:
  /// `head_bytes_max` bounds the fields of a head, and the whole of it.
  explicit HeadWriter(std::size_t head_bytes_max)
      : lines_(head_bytes_max), space_(head_bytes_max) {}

  /// Status line and fields, with the empty line.
  /// Borrow: until the next call.
  /// Errors: handler.bad_response: status out of range, a name that is no token, a value with a
  ///         control byte, a field that is the engine's, or a head that is too long.
  /// Cost:   a comparison when the last head said the same.
  [[gnu::always_inline]] Result<Bytes> write(const ResponseHead& head) noexcept {
    const Said said = said_by(head);
    if (head.protocol.empty() && said_ == said && lines_.holds(head.fields)) return written();
    return write_anew(head);
  }
  /// The same of an interim answer: 100, or 102 to 199; nothing but its fields.
  Result<Bytes> write_interim(int status, std::span<const Field> fields) noexcept;

private:
  /// All of a head but its fields and its protocol.
  struct Said {
    std::int64_t unix_seconds = 0;
    std::uint64_t content_length = 0;
    int status = 0;
    BodyFraming framing = BodyFraming::none;
    bool close = false;
    bool keep_alive = false;

    bool operator==(const Said&) const = default;
  };
  static Said said_by(const ResponseHead& head) noexcept {
    return {head.unix_seconds, head.content_length, head.status,
            head.framing,      head.close,          head.keep_alive};
  }
  Bytes written() const noexcept { return Bytes(space_).first(bytes_); }
  Result<Bytes> write_anew(const ResponseHead& head) noexcept;
  Result<Bytes> write_checked(const ResponseHead& head) noexcept;

  FieldLines lines_;
  Date date_;
  std::vector<std::byte> space_;
  std::size_t bytes_ = 0;
  std::optional<Said> said_; ///< what lies there, if that may be said again
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
