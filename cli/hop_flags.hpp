// hop_flags — flags about the hops around this one: proxies in front, and servers that connections
// are passed through to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/engine.hpp>

#include "cli/upstream_flags.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct HopFlags {
  std::vector<std::string> passthroughs; ///< "[NAME][/PROTOCOL]=HOST:PORT", "HOST:PORT"
  bool takes_headers = false;            ///< PROXY headers, of trusted proxies
  bool trusted_proxies_only = false;

  bool has_default_route() const;
};

/// Of a server and of a proxy. Borrow: the flags until the command line has been parsed.
void add_header_flags(CLI::App& app, HopFlags& flags, UpstreamFlags& upstreams);
/// Of a proxy alone, likewise.
void add_passthrough_flags(CLI::App& app, HopFlags& flags);

/// What single flags cannot say. `asks_upstreams`: there are some, of these flags or of routes.
/// Empty: all is well.
std::string contradiction_of(const HopFlags& flags, const UpstreamFlags& upstreams,
                             bool asks_upstreams);

/// Once there is no contradiction.
ListenOptions listen_options_of(const HopFlags& flags, const UpstreamFlags& upstreams);

/// What is passed through to whom: a line for each server.
std::string passed_spans(const PassthroughOptions& options);

} // namespace ringfort::cli
