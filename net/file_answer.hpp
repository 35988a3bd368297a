// file_answer — what is answered for a path: which file, which of its bytes, or why not.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include <ringfort/exchange.hpp>

#include "http/byte_ranges.hpp"
#include "http/multipart.hpp"
#include "net/file_root.hpp"

namespace ringfort::net {

/// A response that was begun, and what of the file it still needs.
struct FileAnswer {
  OpenFile file;
  std::array<http::ByteRange, http::ranges_max> ranges{};
  std::size_t range_count = 0;                ///< none: of an empty file, or for HEAD
  std::optional<http::MultipartRanges> parts; ///< around the ranges, when they are several

  std::span<const http::ByteRange> all() const noexcept { return {ranges.data(), range_count}; }
};

/// Begins the response and says what to write; nothing when it is answered already, with an error,
/// a redirect or 304.
/// Borrow: `answer` as long as the exchange's root.
std::optional<BodyWriter> begin_file(Exchange& exchange, const FileRoot& root,
                                     std::string_view path, FileAnswer& answer);

} // namespace ringfort::net
