// status — reason phrases of RFC 9110 section 15 and of the registry.
#pragma once

#include <string_view>

namespace ringfort::http {

/// The registered phrase, or the class's name for a status without one.
std::string_view reason_phrase(int status) noexcept;

/// A status that a final response may have: 200 to 599.
constexpr bool valid_final_status(int status) noexcept { return status >= 200 && status <= 599; }

} // namespace ringfort::http
