#include "cli/hop_flags.hpp"

#include <algorithm>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/flag_kinds.hpp"
#include "cli/host_and_port.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view unix_mark = "unix:";

struct Passthrough {
  std::string name;     ///< empty: every other one
  std::string protocol; ///< empty: whichever
  Destination server;
};

/// "10.0.0.9:443", "[::1]:443", "host:443", "unix:PATH".
std::optional<Destination> parse_server(std::string_view text) {
  if (text.starts_with(unix_mark)) {
    if (text.size() == unix_mark.size()) return {};
    return Destination{.host = {}, .unix_path = std::string(text.substr(unix_mark.size()))};
  }
  auto place = parse_host_and_port(text);
  if (!place) return {};
  return Destination{.host = std::move(place->host), .port = place->port};
}

/// "10.0.0.9:443", "a.example=10.0.0.9:443", "a.example/h2=...", "/acme-tls/1=...".
std::optional<Passthrough> parse_passthrough(std::string_view text) {
  const std::size_t equals = text.find('=');
  const bool chosen = equals != text.npos && !text.starts_with(unix_mark);
  auto server = parse_server(chosen ? text.substr(equals + 1) : text);
  const std::string_view choice = chosen ? text.substr(0, equals) : "";
  const std::size_t slash = choice.find('/'); // Protocols have slashes too, names none.
  const bool says_protocol = slash != choice.npos;
  const std::string_view protocol = says_protocol ? choice.substr(slash + 1) : "";
  const std::string_view name = choice.substr(0, slash);
  const std::string_view host = name.starts_with("*.") ? name.substr(2) : name;
  if (!server || (chosen && choice.empty()) || (says_protocol && protocol.empty())) return {};
  if (!name.empty() && !is_host_name(host)) return {};
  return Passthrough{
      .name = one_spelling(name), .protocol = std::string(protocol), .server = std::move(*server)};
}

std::string text_of(const Destination& server) {
  if (!server.unix_path.empty()) return std::string(unix_mark) + server.unix_path;
  const bool v6 = server.host.contains(':');
  return (v6 ? '[' + server.host + ']' : server.host) + ':' + std::to_string(server.port);
}

} // namespace

bool HopFlags::has_default_route() const {
  return std::ranges::any_of(passthroughs, [](const std::string& text) {
    const auto passthrough = parse_passthrough(text);
    return passthrough && passthrough->name.empty() && passthrough->protocol.empty();
  });
}

void add_header_flags(CLI::App& app, HopFlags& flags, UpstreamFlags& upstreams) {
  app.add_option_function<std::vector<std::string>>(
         "--proxy-protocol",
         [&flags, &upstreams](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             if (text == "in") {
               flags.takes_headers = true;
             } else if (text == "out" || text == "out-v1") {
               upstreams.header = text == "out" ? ProxyHeader::v2 : ProxyHeader::v1;
             } else {
               refuse("--proxy-protocol", text, "one of in|out|out-v1");
             }
           }
         },
         "in: each connection of a --trusted-proxy begins with a PROXY header, which says for whom "
         "it speaks; out: a proxy says so to the servers behind it; may be given for both")
      ->type_name("in|out|out-v1")
      ->allow_extra_args(false);
  app.add_flag("--trusted-proxies-only", flags.trusted_proxies_only,
               "with --proxy-protocol in: who is no --trusted-proxy is reset");
}

void add_passthrough_flags(CLI::App& app, HopFlags& flags) {
  app.add_option("--passthrough", flags.passthroughs,
                 "a server that has every byte of the connections for NAME (SNI; *.NAME for any "
                 "label before it), of those alone that offer PROTOCOL (ALPN) where one is said, "
                 "which are not opened here; without NAME, of all that nothing else serves; again "
                 "for another one; unix:PATH too")
      ->type_name("[NAME][/PROTOCOL]=HOST:PORT")
      ->allow_extra_args(false);
}

std::string contradiction_of(const HopFlags& flags, const UpstreamFlags& upstreams,
                             bool asks_upstreams) {
  for (const std::string& text : flags.passthroughs) {
    if (!parse_passthrough(text)) {
      return "--passthrough " + text +
             ": expected a host and a port, with NAME=, *.NAME=, NAME/PROTOCOL= or /PROTOCOL= "
             "before it or not";
    }
  }
  if (flags.takes_headers && upstreams.trusted_proxies.empty()) {
    return "--proxy-protocol in needs --trusted-proxy: of whom headers are believed";
  }
  if (flags.trusted_proxies_only && !flags.takes_headers) {
    return "--trusted-proxies-only needs --proxy-protocol in";
  }
  if (upstreams.header != ProxyHeader::none && flags.passthroughs.empty() && !asks_upstreams) {
    return "--proxy-protocol out is for a proxy: there are no servers behind this one";
  }
  if (!flags.passthroughs.empty() && upstreams.balance == Balance::target_hash) {
    return "--passthrough and --balance target-hash exclude each other: no target is seen";
  }
  return {};
}

ListenOptions listen_options_of(const HopFlags& flags, const UpstreamFlags& upstreams) {
  ListenOptions options;
  if (flags.takes_headers) options.proxy_headers_from = upstreams.trusted_proxies;
  options.refuses_others = flags.trusted_proxies_only;
  PassthroughOptions& through = options.passthrough;
  through.header = upstreams.header;
  through.balance = upstreams.balance;
  through.failures_max = upstreams.failures_max;
  through.ejection_time = upstreams.ejection_time;
  through.slow_start = upstreams.slow_start;
  through.connect_timeout = upstreams.client.connect_timeout;
  for (const std::string& text : flags.passthroughs) {
    Passthrough one = parse_passthrough(text).value();
    PassthroughRoute wanted{.name = std::move(one.name)};
    if (!one.protocol.empty()) wanted.protocols.push_back(std::move(one.protocol));
    auto route = std::ranges::find_if(through.routes, [&](const PassthroughRoute& other) {
      return other.name == wanted.name && other.protocols == wanted.protocols;
    });
    if (route == through.routes.end()) {
      route = through.routes.insert(route, std::move(wanted));
    }
    route->servers.push_back(std::move(one.server));
  }
  // The first that fits has a connection: those for one protocol go before those for any.
  std::ranges::stable_partition(
      through.routes, [](const PassthroughRoute& route) { return !route.protocols.empty(); });
  return options;
}

std::string passed_spans(const PassthroughOptions& options) {
  std::string lines;
  for (const PassthroughRoute& route : options.routes) {
    for (const Destination& server : route.servers) {
      lines.append("public client");
      if (!route.name.empty()) lines.append(" of ").append(route.name);
      for (const std::string& protocol : route.protocols) lines.append(" by ").append(protocol);
      lines.append(" -> ").append(text_of(server)).append(" - HTTPS (passed through)\n");
    }
  }
  return lines;
}

} // namespace ringfort::cli
