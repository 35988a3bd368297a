// host_name — a server name in the one form that is compared: lower case, without the final dot.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace ringfort::tls {

/// A normalised name, or nothing when the text is no host name: labels of 1 to 63 letters, digits,
/// hyphens and underscores, 253 bytes together (RFC 1123 section 2.1, RFC 5890 for A-labels), and
/// not an IPv4 address (RFC 6066 section 3).
class HostName {
public:
  explicit HostName(std::string_view text) noexcept;

  explicit operator bool() const noexcept { return bytes_ > 0; }
  std::string_view text() const noexcept { return {text_.data(), bytes_}; }
  /// The name with its first label replaced by "*": "*.example.org". Empty when there is only one.
  /// It overwrites text().
  std::string_view as_wildcard() noexcept;

private:
  static constexpr std::size_t bytes_max = 253;

  std::size_t bytes_ = 0;
  std::array<char, bytes_max> text_;
};

/// A host name, or "*." and one, in the form that names are compared in; empty when it is neither.
/// Allocates.
std::string normalised_pattern(std::string_view pattern);

} // namespace ringfort::tls
