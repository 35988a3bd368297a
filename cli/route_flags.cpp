#include "cli/route_flags.hpp"

#include <CLI/CLI.hpp>

namespace ringfort::cli {

std::string RouteFlags::text() const {
  return (name.empty() ? "*" : name) + (path.empty() ? "/" : path);
}

void add_route_flags(CLI::App& app, RouteFlags& flags) {
  app.add_option("--name", flags.name, "the host that is asked for");
  app.add_option("--path", flags.path, "of the target: /a/ for all below, /a for that alone");
  add_upstream_flags(app, flags.upstreams);
}

std::string contradiction_of(const RouteFlags& flags) {
  if (flags.upstreams.urls.empty()) return "upstream is needed";
  if (!flags.path.empty() && !flags.path.starts_with('/')) {
    return "path " + flags.path + ": expected a slash at its front";
  }
  return contradiction_of(flags.upstreams);
}

} // namespace ringfort::cli
