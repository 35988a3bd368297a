// status — reason phrases of RFC 9110 section 15 and of the registry.
#pragma once

#include <string_view>

namespace ringfort::http {

/// The registered phrase, or the class's name for a status without one.
std::string_view reason_phrase(int status) noexcept;

/// A status that a final response may have: 200 to 599.
constexpr bool valid_final_status(int status) noexcept { return status >= 200 && status <= 599; }

/// And an interim one; 101 is none, because it switches protocols.
constexpr bool valid_interim_status(int status) noexcept {
  return status >= 100 && status <= 199 && status != 101;
}

} // namespace ringfort::http
