// Replays each case of the files named on the command line whole, byte by byte, and cut in two at
// every place: the events must be those of the file each time; and again, with heads that are known
// by then. Prints TAP, one line a case.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "tests/wire/case_file.hpp"
#include "tests/wire/replay.hpp"

namespace {

using ringfort::http::KnownHeads;
using ringfort::wire::Case;
using Lines = std::vector<std::string>;

bool agrees(const Case& one, const std::vector<std::size_t>& ends, const std::string& how,
            KnownHeads* known_heads = nullptr) {
  const Lines seen = ringfort::wire::replay(one, ends, known_heads);
  if (seen == one.events) return true;
  std::printf("# %s: replayed %s\n", one.name.c_str(), how.c_str());
  for (const std::string& line : one.events) std::printf("#   wanted %s\n", line.c_str());
  for (const std::string& line : seen) std::printf("#   seen   %s\n", line.c_str());
  return false;
}

bool holds(const Case& one) {
  const std::size_t size = one.input.size();
  std::vector<std::size_t> each_byte(size);
  std::iota(each_byte.begin(), each_byte.end(), std::size_t{1});
  if (!agrees(one, {size}, "whole") || !agrees(one, each_byte, "byte by byte")) return false;
  for (std::size_t cut = 1; cut < size; ++cut) {
    if (!agrees(one, {cut, size}, "cut at byte " + std::to_string(cut))) return false;
  }
  return true;
}

/// The same when what came before is known: whole four times, and cut in two at every place.
/// Counts the heads that were.
bool holds_again(const Case& one, std::uint64_t& found_count) {
  const std::size_t size = one.input.size();
  KnownHeads known_heads;
  bool same = true;
  for (int round = 0; round < 4; ++round) {
    same = same && agrees(one, {size}, "whole and again", &known_heads);
  }
  for (std::size_t cut = 1; same && cut < size; ++cut) {
    same = agrees(one, {cut, size}, "again, cut at byte " + std::to_string(cut), &known_heads);
  }
  found_count += known_heads.found_count();
  return same;
}

/// The comparison itself must be able to fail.
bool notices_a_wrong_event(const std::vector<Case>& cases) {
  return std::ranges::all_of(cases, [](Case one) {
    one.events.back() += " ";
    return ringfort::wire::replay(one, {one.input.size()}) != one.events;
  });
}

} // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases;
  for (const char* path : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    auto file = ringfort::wire::read_case_file(path);
    if (!file.problem.empty()) {
      std::printf("Bail out! %s\n", file.problem.c_str());
      return 1;
    }
    cases.insert(cases.end(), file.cases.begin(), file.cases.end());
  }
  std::printf("1..%zu\n", cases.size() + 2);
  std::size_t number = 0;
  bool all = true;
  const auto say = [&](bool held, const std::string& claim) {
    std::printf("%sok %zu - %s\n", held ? "" : "not ", ++number, claim.c_str());
    all = all && held;
  };
  std::uint64_t found_count = 0;
  for (const Case& one : cases) say(holds(one) && holds_again(one, found_count), one.name);
  constexpr std::uint64_t found_count_min = 50;
  say(found_count >= found_count_min,
      "wire: " + std::to_string(found_count) + " heads were known when they came again");
  say(notices_a_wrong_event(cases), "wire: an event that differs is noticed in every case");
  return all ? 0 : 1;
}
