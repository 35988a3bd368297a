// authority — what may stand in a Host field and in the authority of a target (RFC 3986 section
// 3.2, RFC 9110 section 7.2).
#pragma once

#include <string_view>

namespace ringfort::http {

/// host [":" port], where host is a registered name, an IPv4 address or a bracketed IP literal.
/// An empty text is valid: a request may have no authority.
bool valid_authority(std::string_view text) noexcept;

/// The authority inside an absolute-form target ("http://host:1/x" -> "host:1"); empty for the
/// other forms.
std::string_view authority_of_target(std::string_view target) noexcept;

} // namespace ringfort::http
