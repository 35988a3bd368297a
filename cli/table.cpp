#include "cli/table.hpp"

#include <algorithm>
#include <vector>

#include "cli/escaped.hpp"

namespace ringfort::cli {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

std::string cell_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  return text.empty() ? "-" : escaped(text);
}

std::string lines_of(const Json& object) {
  std::string text;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_array()) {
      text.append(name).append(": ").append(cell_of(value)).append("\n");
      continue;
    }
    for (const Json& one : value) text.append(name).append(": ").append(cell_of(one)).append("\n");
  }
  return text;
}

std::string columns_of(const Json& list) {
  std::vector<Row> rows(1);
  for (const auto& [name, value] : list.front().items()) rows.front().push_back(name);
  for (const Json& object : list) {
    Row row;
    for (const auto& [name, value] : object.items()) row.push_back(cell_of(value));
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      text.append(row[column]);
      const bool last = column + 1 == row.size();
      text.append(last ? 0 : widths[column] - row[column].size() + 2, ' ');
    }
    text.append("\n");
  }
  return text;
}

} // namespace

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return lines_of(value);
  return value.empty() ? "none\n" : columns_of(value);
}

} // namespace ringfort::cli
