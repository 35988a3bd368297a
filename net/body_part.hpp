// body_part — one record's worth of a body on its way out, with the head that waited for it.
#pragma once

#include <algorithm>
#include <array>

#include "http/serializer.hpp"
#include "net/transport.hpp"

namespace ringfort::net {

/// Takes from the front of `rest` what fits one record behind a head of so many bytes, as a chunk
/// too.
inline Bytes take_part(std::size_t head_bytes, Bytes& rest) noexcept {
  constexpr std::size_t part_bytes_max =
      tls::Channel::plaintext_bytes_max - http::chunk_size_bytes_max - 2;
  const std::size_t room_bytes = part_bytes_max - std::min(head_bytes, part_bytes_max - 1);
  const Bytes part = rest.first(std::min(rest.size(), room_bytes));
  rest = rest.subspan(part.size());
  return part;
}

/// Sends head and part; either may be empty. Errors: as Transport::send().
inline Result<> send_part(Transport& transport, Bytes head, Bytes part, bool chunked) noexcept {
  std::array<std::byte, http::chunk_size_bytes_max> size_line;
  const bool frames = chunked && !part.empty();
  const std::size_t line_bytes = frames ? http::write_chunk_size(size_line, part.size()) : 0;
  const std::array pieces{head, Bytes(size_line).first(line_bytes), part,
                          frames ? bytes_of("\r\n") : Bytes{}};
  return transport.send(pieces);
}

} // namespace ringfort::net
