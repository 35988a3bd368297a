#include "cli/nearest.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace ringfort::cli {

namespace {

std::size_t edits(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row;
  for (std::size_t j = 0; j <= other.size(); ++j) row.push_back(j);
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < other.size(); ++j) {
      const std::size_t replaced = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row[other.size()];
}

} // namespace

std::string nearest(std::string_view wrong, std::span<const std::string> names) {
  std::string best;
  std::size_t best_edits = std::max<std::size_t>(3, wrong.size() / 2);
  for (const std::string& name : names) {
    const std::size_t count = edits(wrong, name);
    if (count >= best_edits) continue;
    best_edits = count;
    best = name;
  }
  return best;
}

} // namespace ringfort::cli
