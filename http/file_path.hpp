// file_path — the path of a target as one below a directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringfort::http {

struct FilePath {
  enum class Kind : std::uint8_t {
    usable,
    malformed, ///< 400: a malformed escape, or a NUL
    absent,    ///< 404: nothing is served under such a name
  };

  Kind kind;
  std::size_t bytes = 0; ///< of the decoded path
};

/// Decodes `path`, which has no slash in front, into `out`. It is absent when a segment is ".",
/// ".." or empty (but the last one), holds an encoded slash, begins with a dot (unless dot files
/// are served, or it is ".well-known", RFC 8615), or when the whole does not fit.
FilePath decode_file_path(std::string_view path, bool dot_files, std::span<char> out) noexcept;

} // namespace ringfort::http
