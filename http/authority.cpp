#include "http/authority.hpp"

#include <algorithm>

#include <arpa/inet.h>

#include "http/letters.hpp"
#include "http/percent.hpp"
#include "http/words.hpp"

namespace ringfort::http {

namespace {

bool valid_port(std::string_view text) noexcept {
  if (text.empty()) return true;
  const bool number =
      text.front() == ':' && text.size() <= 6 && all_are(text.substr(1), digit_letter);
  if (!number) return false;
  constexpr int port_max = 65'535;
  int port = 0; // None after the colon is allowed (RFC 3986 section 3.2.3).
  for (const char digit : text.substr(1)) port = port * 10 + (digit - '0');
  return port <= port_max;
}

bool valid_literal(std::string_view text) noexcept {
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos) return false;
  const std::string_view address = text.substr(1, end - 1);
  char terminated[INET6_ADDRSTRLEN] = {};
  if (address.size() >= sizeof terminated || address.contains('\0')) return false;
  address.copy(terminated, address.size());
  in6_addr parsed;
  return ::inet_pton(AF_INET6, terminated, &parsed) == 1 && valid_port(text.substr(end + 1));
}

bool valid_name(std::string_view text) noexcept {
  if (text.empty() || !all_are(text, host_letter)) return false;
  if (!text.contains('%')) return true;
  PercentReader reader(text);
  while (!reader.ended()) (void)reader.next();
  return !reader.malformed();
}

} // namespace

bool valid_authority(std::string_view text) noexcept {
  if (text.empty()) return true;
  if (text.front() == '[') return valid_literal(text);
  const std::size_t name_bytes = std::min(text.rfind(':'), text.size());
  return valid_name(text.substr(0, name_bytes)) && valid_port(text.substr(name_bytes));
}

bool AuthorityCheck::valid(std::string_view text) noexcept {
  if (text.empty()) return true;
  if (same_text(text, {known_.data(), known_bytes_})) return true;
  if (!valid_authority(text)) return false;
  if (text.size() <= known_.size()) known_bytes_ = text.copy(known_.data(), known_.size());
  return true;
}

std::string_view authority_of_target(std::string_view target) noexcept {
  if (target.empty() || target.front() == '/' || target.front() == '*') return {};
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string_view rest = target.substr(scheme_end + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

} // namespace ringfort::http
