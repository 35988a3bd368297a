// content_type — media types by the ending of a file's name.
#pragma once

#include <string_view>

namespace ringfort::http {

struct ContentType {
  std::string_view ending; ///< behind the last dot, in lower case
  std::string_view type;   ///< with a charset where the format itself does not say one
  bool compressed = false; ///< the format is: nobody keeps it compressed once more
};

/// By the ending after the last dot of the last part, whatever its case; application/octet-stream
/// where it is not known.
const ContentType& content_type_of(std::string_view path) noexcept;

} // namespace ringfort::http
