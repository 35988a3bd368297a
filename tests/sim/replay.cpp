#include "tests/sim/replay.hpp"

#include <array>
#include <csignal>
#include <cstdio>

#include <unistd.h>

namespace ringfort::sim {

namespace {

char told_on_abort[128];

void on_abort(int) {
  constexpr char words[] = "aborted; repeat with ";
  for (const std::string_view text : {std::string_view(words), std::string_view(told_on_abort)}) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) break;
  }
}

} // namespace

std::string replay_line(std::uint64_t seed, std::string_view program, std::string_view tag) {
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%llx", static_cast<unsigned long long>(seed));
  std::string line("RINGFORT_SIM_SEED=0x");
  line.append(digits.data()).append(" ").append(program);
  return line.append(" '[").append(tag).append("]'");
}

std::string findings_text(const std::string& replay, const std::vector<std::string>& findings) {
  std::string text = "repeat with " + replay;
  for (const std::string& finding : findings) text += "\n  " + finding;
  return text;
}

void tell_on_abort(const std::string& replay) {
  std::snprintf(told_on_abort, sizeof told_on_abort, "%s\n", replay.c_str());
  std::signal(SIGABRT, on_abort);
}

} // namespace ringfort::sim
