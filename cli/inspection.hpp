// inspection — what a running program tells at its admin socket.
#pragma once

#include <string>

#include <ringfort/engine.hpp>

#include "cli/admin.hpp"

namespace ringfort::cli {

class Reloads;
class ServedNames;

/// What there is to look at.
struct Inspected {
  Engine& engine;
  const Reloads& reloads;
  ServedNames* names; ///< null for clear text
  std::string urls;   ///< where the program listens
  std::string spans;  ///< what is protected between whom: a line for each hop
};

/// Adds the commands that ask and change nothing. Borrow: what is looked at, until the admin's end.
void add_inspection(Admin& admin, const Inspected& inspected);

} // namespace ringfort::cli
