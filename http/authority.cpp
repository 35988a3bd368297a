#include "http/authority.hpp"

#include <algorithm>

namespace ringfort::http {

namespace {

bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }

bool is_name_letter(char letter) noexcept {
  const bool alphabetic = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
  return alphabetic || is_digit(letter) ||
         std::string_view("-._~!$&'()*+,;=%").find(letter) != std::string_view::npos;
}

bool is_literal_letter(char letter) noexcept { return is_name_letter(letter) || letter == ':'; }

} // namespace

bool valid_authority(std::string_view text) noexcept {
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    const std::string_view literal = text.substr(1, end - 1);
    if (!std::all_of(literal.begin(), literal.end(), is_literal_letter)) return false;
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    if (!std::all_of(name.begin(), name.end(), is_name_letter)) return false;
    if (name.empty() && !text.empty()) return false;
    port = text.substr(colon);
  }
  if (port.empty()) return true;
  if (port.front() != ':' || port.size() > 6) return false;
  return std::all_of(port.begin() + 1, port.end(), is_digit);
}

std::string_view authority_of_target(std::string_view target) noexcept {
  if (target.empty() || target.front() == '/' || target.front() == '*') return {};
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string_view rest = target.substr(scheme_end + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

} // namespace ringfort::http
