// A URL taken apart, as strictly as RFC 3986 has it: what a browser would repair is refused.
#include <algorithm>
#include <charconv>
#include <optional>

#include <ringfort/client.hpp>

#include "http/authority.hpp"
#include "http/letters.hpp"

namespace ringfort {

namespace {

using http::all_are;

constexpr std::string_view before_authority = "://";

/// Whether it is https; nothing for another scheme.
std::optional<bool> encryption_of(std::string_view scheme) noexcept {
  if (same_name(scheme, "https")) return true;
  return same_name(scheme, "http") ? std::optional(false) : std::nullopt;
}

/// What stands before the last "@" is taken from `authority`; nothing is, when there is none.
std::string_view take_user_information(std::string_view& authority) noexcept {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view taken = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  return taken;
}

/// RFC 3986 section 3.2.1. Readers that take other bytes disagree on where the host begins.
bool valid_user_information(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return letter == ':' || http::is(letter, http::host_letter);
  });
}

/// Of an authority that is valid: where its port begins, with the colon, or its end.
std::size_t port_offset(std::string_view authority) noexcept {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t host_end = bracket == std::string_view::npos ? 0 : bracket;
  return std::min(authority.find(':', host_end), authority.size());
}

std::string_view without_brackets(std::string_view host) noexcept {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

/// A port that is empty is the scheme's (RFC 3986 section 3.2.3); 0 is none.
std::uint16_t port_of(std::string_view colon_and_digits, bool encrypted) noexcept {
  std::uint16_t port = encrypted ? 443 : 80;
  if (colon_and_digits.size() > 1) {
    std::from_chars(colon_and_digits.data() + 1, colon_and_digits.data() + colon_and_digits.size(),
                    port);
  }
  return port;
}

} // namespace

Result<Url> parse_url(std::string_view url) noexcept {
  const std::size_t scheme_bytes = url.find(before_authority);
  if (scheme_bytes == std::string_view::npos || !all_are(url, http::visible_letter)) {
    return fail(Code::call_bad_url);
  }
  const auto encrypted = encryption_of(url.substr(0, scheme_bytes));
  if (!encrypted) return fail(Code::call_bad_url);
  std::string_view authority = http::authority_of_target(url);
  std::string_view target = url.substr(scheme_bytes + before_authority.size() + authority.size());
  target = target.substr(0, target.find('#'));
  const std::string_view user_information = take_user_information(authority);
  if (authority.empty() || !http::valid_authority(authority) ||
      !valid_user_information(user_information)) {
    return fail(Code::call_bad_url);
  }
  const std::size_t host_bytes = port_offset(authority);
  const Url made{.encrypted = *encrypted,
                 .host = without_brackets(authority.substr(0, host_bytes)),
                 .port = port_of(authority.substr(host_bytes), *encrypted),
                 .target = target.empty() ? "/" : target,
                 .user_information = user_information};
  return made.port == 0 ? Result<Url>(fail(Code::call_bad_url)) : made;
}

} // namespace ringfort
