// serve_flags — every flag of `ringfort serve`: name, unit, default, range and help in one place.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <ringfort/engine.hpp>
#include <ringfort/tls.hpp>

#include "cli/file_flags.hpp"
#include "cli/handlers.hpp"
#include "cli/hop_flags.hpp"
#include "cli/identity_flags.hpp"
#include "cli/log_flags.hpp"
#include "cli/route_flags.hpp"
#include "cli/session_flags.hpp"
#include "cli/upstream_flags.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct ServeFlags {
  std::vector<Endpoint> listen;
  std::vector<std::string> listen_passed; ///< names of sockets that are passed; empty: all of them
  bool plain = false;
  IdentityFlags identity;
  std::string names; ///< a folder of identities by server name
  bool watch = false;
  std::string admin;
  SessionFlags sessions;
  FileFlags files;
  LogFlags logs;
  Handler handler = Handler::welcome;
  UpstreamFlags upstreams;
  std::vector<RouteFlags> routes; ///< of a settings file
  HopFlags hops;
  bool is_proxy = false; ///< what it serves is what others answer
  EngineOptions engine;
  tls::ContextOptions tls;
  std::chrono::milliseconds drain_grace{10'000};
  std::chrono::milliseconds handover_timeout{30'000};
  bool check = false;
  bool print_metrics = false;
  bool allocator_stats = false;

  /// Whether it opens connections: a proxy may pass all of them through.
  bool answers() const noexcept { return !is_proxy || !upstreams.urls.empty() || !routes.empty(); }
};

/// Borrow: `flags` until the command line has been parsed.
void add_serve_flags(CLI::App& app, ServeFlags& flags);
/// Those of `ringfort proxy`, which serves what others answer.
void add_proxy_flags(CLI::App& app, ServeFlags& flags);

/// What single flags cannot say: which of them need each other. Empty: all is well.
std::string contradiction_of(const ServeFlags& flags);

/// "127.0.0.1:8443", "[::1]:8443", "8443"; empty when it is none of them.
std::optional<Endpoint> parse_endpoint(std::string_view text);
/// The name of "systemd:NAME", the empty one of "systemd". Digits are a name too: asked first.
std::optional<std::string_view> parse_passed(std::string_view text);

} // namespace ringfort::cli
