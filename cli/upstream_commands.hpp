// upstream_commands — what a proxy tells at its admin socket of the servers behind it, and does
// with them.
#pragma once

#include "cli/admin.hpp"

namespace ringfort::cli {

class UpstreamRows;

/// None where nobody is asked. Borrow: the rows, until the admin's end.
void add_upstream_commands(Admin& admin, UpstreamRows& upstreams);

} // namespace ringfort::cli
