// target — a request target taken apart.
#include <ringfort/target.hpp>

#include "http/percent.hpp"

namespace ringfort {

std::string_view path_of(std::string_view target) noexcept {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.starts_with('/')) return target;
  constexpr std::string_view before_authority = "://";
  const std::size_t scheme_end = target.find(before_authority);
  if (scheme_end == std::string_view::npos) return {};
  const std::size_t path = target.find('/', scheme_end + before_authority.size());
  return path == std::string_view::npos ? "/" : target.substr(path);
}

std::string_view query_of(std::string_view target) noexcept {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

std::optional<std::string_view> percent_decoded(std::string_view text, Arena& arena) noexcept {
  if (!text.contains('%')) return text;
  auto* space = static_cast<char*>(arena.allocate(text.size(), 1));
  if (space == nullptr) return {};
  std::size_t bytes = 0;
  http::PercentReader reader(text);
  while (!reader.ended()) space[bytes++] = reader.next();
  if (reader.malformed()) return {};
  return std::string_view(space, bytes);
}

} // namespace ringfort
