// percent — percent-decoding of a path (RFC 3986 section 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringfort::cli {

/// The path of an origin-form target, without its query, decoded. Empty: malformed, or it holds a
/// NUL.
std::optional<std::string> decoded_path(std::string_view target);

} // namespace ringfort::cli
