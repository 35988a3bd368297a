// escaped — a peer's bytes, so that they can be shown to a person.
#pragma once

#include <string>
#include <string_view>

namespace ringfort::cli {

/// Printable ASCII as it is, but for the backslash; every other byte as "\x1b".
std::string escaped(std::string_view text);

} // namespace ringfort::cli
