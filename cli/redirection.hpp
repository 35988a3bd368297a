// redirection — where an answer sends its reader (RFC 9110 section 15.4), as text.
#pragma once

#include <string>
#include <string_view>

#include <ringfort/client.hpp>

namespace ringfort::cli {

/// "https://example.org:443", "http://[::1]:8080".
std::string origin_of(const Url& url);

/// True for the statuses whose Location is another place of what was asked for.
bool is_redirection(int status) noexcept;

/// The method to go on with: POST becomes GET after 301 and 302, and all but HEAD after 303.
std::string_view method_after(int status, std::string_view method) noexcept;

/// The URL that `reference` is for a reader of `base` (RFC 3986 section 5.2).
std::string resolved_url(const Url& base, std::string_view reference);

} // namespace ringfort::cli
