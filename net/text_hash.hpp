// text_hash — of a string and of a view of it the same, so that tables are asked without a copy.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace ringfort::net {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

} // namespace ringfort::net
