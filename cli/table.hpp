// table — a JSON value as a person reads it in a terminal.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace ringfort::cli {

/// A list of objects is a table with a line for each, under the names of the first one's members;
/// an object is a line for each member; a string is itself. Strings within are escaped.
std::string text_of(const nlohmann::ordered_json& value);

} // namespace ringfort::cli
