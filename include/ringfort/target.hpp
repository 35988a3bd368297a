// target — the parts of a request target (RFC 9112 section 3.2), and what percent-encoding hides.
#pragma once

#include <optional>
#include <string_view>

#include <ringfort/arena.hpp>

namespace ringfort {

/// The path of an origin or absolute form, without its query: "/" when an absolute form has none,
/// empty for the authority and asterisk forms.
/// Borrow: valid as long as `target`.
std::string_view path_of(std::string_view target) noexcept;

/// What follows the first question mark; empty when there is none.
/// Borrow: valid as long as `target`.
std::string_view query_of(std::string_view target) noexcept;

/// The bytes that percent-encoded text stands for; a plus sign stays one. Nothing when an escape is
/// malformed, or when the arena has no room.
/// Borrow: `text` itself when nothing in it is encoded, else as long as the arena.
/// Cost:   as many bytes of the arena as `text` has, when something is encoded.
std::optional<std::string_view> percent_decoded(std::string_view text, Arena& arena) noexcept;

} // namespace ringfort
