// nearest — which known name a mistyped one was meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ringfort::cli {

/// The name with the fewest edits from `wrong`; empty when none is near (Levenshtein).
std::string nearest(std::string_view wrong, std::span<const std::string> names);

} // namespace ringfort::cli
