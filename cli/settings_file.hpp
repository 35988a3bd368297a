// settings_file — flags from a file in TOML, and what only a file can say.
//
// A key is a flag without its dashes: `listen = ["0.0.0.0:443"]` is --listen 0.0.0.0:443. What the
// command line says too is taken from there. Paths are those of the working directory, as in flags.
#pragma once

#include <vector>

#include "cli/route_flags.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

/// Adds --config to a command; it has to be the command's first flag, and is read when the others
/// have been. `routes` takes each [[route]]; null: the command knows none.
/// Borrow: both until the command line has been parsed. Throws CLI::FileError then, for a file that
/// cannot be used: where, why, and what was probably meant.
void add_config_flag(CLI::App& app, std::vector<RouteFlags>* routes);

} // namespace ringfort::cli
