// route_flags — what one [[route]] of a settings file says: which requests have servers of their
// own.
#pragma once

#include <string>

#include "cli/upstream_flags.hpp"

namespace ringfort::cli {

struct RouteFlags {
  std::string name; ///< of the host; empty: every other one
  std::string path; ///< as a Router's pattern; empty: every other one
  UpstreamFlags upstreams;

  /// "api.example.org/v1/", "*/v1/", "api.example.org/".
  std::string text() const;
};

/// Borrow: `flags` until what they stand for has been parsed.
void add_route_flags(CLI::App& app, RouteFlags& flags);

/// What single flags cannot say. Empty: all is well.
std::string contradiction_of(const RouteFlags& flags);

} // namespace ringfort::cli
