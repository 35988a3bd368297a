// bytes — views of memory that somebody else owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ringfort {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// The bytes of a text, without a terminator.
/// Borrow: valid as long as `text`.
inline Bytes bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

/// The same bytes seen as text. No encoding is checked.
/// Borrow: valid as long as `bytes`.
inline std::string_view text_of(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Copies `source` to the front of `target` and returns what is left of `target`.
/// `target` must be at least as long; an empty source is allowed to be null.
inline MutableBytes copy_into(MutableBytes target, Bytes source) noexcept {
  if (!source.empty()) std::memcpy(target.data(), source.data(), source.size());
  return target.subspan(source.size());
}

} // namespace ringfort
