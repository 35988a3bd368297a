// inspection — what a running program tells at its admin socket.
#pragma once

#include <string>

#include <ringfort/engine.hpp>

#include "cli/admin.hpp"

namespace ringfort::cli {

class ServedNames;

/// Adds the commands that ask and change nothing. `urls` is where the program listens; `names` is
/// null for clear text. Borrow: until the admin's end.
void add_inspection(Admin& admin, Engine& engine, const std::string& urls, ServedNames* names);

} // namespace ringfort::cli
