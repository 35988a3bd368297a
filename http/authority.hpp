// authority — what may stand in a Host field and in the authority of a target (RFC 3986 section
// 3.2, RFC 9110 section 7.2).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ringfort::http {

/// host [":" port], where host is a registered name, an IPv4 address or a bracketed IPv6 address,
/// without a zone.
/// An empty text is valid: a request may have no authority.
bool valid_authority(std::string_view text) noexcept;

/// valid_authority() for texts that are mostly the same one: what was valid is known again.
/// Where: one shard.
class AuthorityCheck {
public:
  /// Cost: a comparison when the text is that of the last call and not longer than 64 bytes.
  bool valid(std::string_view text) noexcept;

private:
  std::array<char, 64> known_;
  std::size_t known_bytes_ = 0;
};

/// The authority inside an absolute-form target ("http://host:1/x" -> "host:1"); empty for the
/// other forms.
std::string_view authority_of_target(std::string_view target) noexcept;

} // namespace ringfort::http
