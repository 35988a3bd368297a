// replay — what repeats a simulated run, told even when its engine aborts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::sim {

/// The line that runs one seed of what a program's tag names.
std::string replay_line(std::uint64_t seed, std::string_view program, std::string_view tag);

/// What was found in a run, one a line, below what repeats it.
std::string findings_text(const std::string& replay, const std::vector<std::string>& findings);

/// From here on an abort prints this text.
void tell_on_abort(const std::string& replay);

} // namespace ringfort::sim
