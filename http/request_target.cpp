#include "http/request_target.hpp"

#include <cstring>

#include "http/letters.hpp"

namespace ringfort::http {

namespace {

/// Of an authority that is valid: a port that is written, and not 0.
bool names_port(std::string_view authority) noexcept {
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == authority.size()) return false;
  const std::string_view port = authority.substr(colon + 1);
  return all_are(port, digit_letter) && port.find_first_not_of('0') != std::string_view::npos;
}

} // namespace

std::optional<Code> target_fault(Method method, std::string_view target,
                                 AuthorityCheck& authorities) noexcept {
  if (method == Method::connect) {
    const bool good = !target.empty() && authorities.valid(target) && names_port(target);
    return good ? std::nullopt : std::optional(Code::http_parse_bad_target);
  }
  const bool has_fragment =
      !target.empty() && std::memchr(target.data(), '#', target.size()) != nullptr;
  if (has_fragment) return Code::http_parse_bad_target;
  if (target.starts_with('/')) return {};
  if (target.starts_with('*')) {
    const bool may = method == Method::options || method == Method::other;
    return may && target.size() == 1 ? std::nullopt : std::optional(Code::http_parse_bad_target);
  }
  const std::string_view authority = authority_of_target(target);
  if (authority.empty()) return Code::http_parse_bad_target;
  return authorities.valid(authority) ? std::nullopt : std::optional(Code::http_parse_bad_host);
}

} // namespace ringfort::http
