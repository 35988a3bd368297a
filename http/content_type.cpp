#include "http/content_type.hpp"

#include <algorithm>
#include <array>

#include "http/short_text.hpp"

namespace ringfort::http {

namespace {

constexpr ContentType unknown{"", "application/octet-stream"};

constexpr std::array types{
#define X(ending, type, compressed) ContentType{ending, type, compressed},
#include "http/content_types.def"
#undef X
};
static_assert(std::ranges::is_sorted(types, {}, &ContentType::ending));

constexpr std::size_t ending_bytes_max = std::ranges::max(types, {}, [](const ContentType& row) {
                                           return row.ending.size();
                                         }).ending.size();

} // namespace

const ContentType& content_type_of(std::string_view path) noexcept {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return unknown;
  ShortText<ending_bytes_max> ending;
  for (const char letter : name.substr(dot + 1)) {
    const bool upper = letter >= 'A' && letter <= 'Z';
    const char lower = upper ? static_cast<char>(letter | 0x20) : letter;
    ending.add(std::string_view(&lower, 1));
  }
  const auto row = std::ranges::lower_bound(types, ending.view(), {}, &ContentType::ending);
  const bool known = row != types.end() && row->ending == ending.view() && ending.whole();
  return known ? *row : unknown;
}

} // namespace ringfort::http
