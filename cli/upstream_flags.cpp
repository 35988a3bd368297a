#include "cli/upstream_flags.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "cli/flag_kinds.hpp"
#include "cli/identity_flags.hpp"

namespace ringfort::cli {

namespace {

/// http://unix:/path.socket and https://unix:/path.socket are servers on unix sockets.
constexpr std::string_view unix_mark = "://unix:";

void add_trust_flags(CLI::App& app, UpstreamFlags& flags) {
  app.add_option("--upstream-ca", flags.authorities,
                 "who is believed of https:// upstreams (PEM), instead of this machine's store")
      ->type_name("FILE");
  app.add_option_function<std::string>(
         "--upstream-servername", [&flags](const std::string& text) { flags.server_name = text; },
         "the name that they are asked for and prove, instead of their URL's")
      ->type_name("NAME");
  app.add_option("--upstream-cert", flags.cert, "what is shown to those that ask (PEM chain)")
      ->type_name("FILE");
  app.add_option("--upstream-key", flags.key, "its private key (PEM)")->type_name("FILE");
  app.add_flag("--upstream-insecure", flags.insecure, "believe any upstream, whoever that is");
}

void add_time_flags(CLI::App& app, ClientOptions& client) {
  add_duration(app, "--upstream-connect-timeout", client.connect_timeout, {},
               "for an upstream to take a connection");
  add_duration(app, "--upstream-answer-timeout", client.answer_timeout, {},
               "from a request's end to its answer's head");
  add_duration(app, "--upstream-body-idle-timeout", client.body_idle_timeout, {},
               "between two pieces of an answer");
  add_duration(app, "--upstream-idle-timeout", client.idle_timeout, {},
               "how long a connection is kept for the next request");
  add_duration(app, "--upstream-pending-timeout", client.pending_timeout, {},
               "how long a request waits for a connection");
}

std::optional<Destination> parse_upstream(const std::string& text) {
  if (const std::size_t mark = text.find(unix_mark); mark != text.npos) {
    const auto url = parse_url(text.substr(0, mark) + "://localhost/");
    const std::string path = text.substr(mark + unix_mark.size());
    if (!url || path.empty()) return {};
    Destination destination = url->destination();
    destination.unix_path = path;
    return destination;
  }
  const auto url = parse_url(text);
  // A path would have to be put before each target, credentials into each request.
  if (!url || url->target != "/" || !url->user_information.empty()) return {};
  return url->destination();
}

std::optional<tls::ClientContext> trust_of(const UpstreamFlags& flags, Complaints& complaints) {
  tls::ClientContextOptions options;
  if (!read_into(options.authorities_pem, flags.authorities, Code::tls_context_junk_authority,
                 complaints)) {
    return {};
  }
  if (!flags.cert.empty()) {
    auto identity = tls::load_identity(flags.cert, flags.key);
    if (!identity) {
      complaints.add(identity.error(), flags.cert);
      return {};
    }
    options.identity = std::move(*identity);
  }
  options.verifies = !flags.insecure;
  if (flags.insecure) {
    warn("--upstream-insecure",
         "nobody looks at who answers: whoever stands between reads and changes it");
  }
  auto context = tls::ClientContext::create(std::move(options));
  if (context) return std::move(*context);
  complaints.add(context.error(), flags.authorities);
  return {};
}

} // namespace

void add_upstream_flags(CLI::App& app, UpstreamFlags& flags) {
  app.add_option("--upstream", flags.urls,
                 "http:// or https://, host and port of a server behind this one, or "
                 "http://unix:PATH; again for another one")
      ->type_name("URL")
      ->allow_extra_args(false);
  add_trust_flags(app, flags);
  add_choice<Balance>(app, "--balance", flags.balance,
                      {{"round-robin", Balance::round_robin},
                       {"least-outstanding", Balance::least_outstanding},
                       {"peer-hash", Balance::peer_hash},
                       {"target-hash", Balance::target_hash}},
                      "round-robin",
                      "which upstream has a request: by turns, the least busy, or always the same "
                      "one of a client or of a target");
  add_number(app, "--upstream-failures-max", flags.failures_max, {0, 1'000}, &parse_count,
             "connections in a row that an upstream does not take before it is left alone; 0: off");
  add_duration(app, "--ejection-time", flags.ejection_time, {std::chrono::milliseconds(0)},
               "how long it is left alone");
  add_duration(
      app, "--slow-start", flags.slow_start, {std::chrono::milliseconds(0)},
      "until an upstream that has come back has all of its turns, from a tenth of them on; "
      "0s: at once");
  app.add_option("--health-check", flags.health.target,
                 "a path that each upstream is asked for by itself; who does not answer 2xx or 3xx "
                 "has no requests")
      ->type_name("PATH");
  add_duration(app, "--health-interval", flags.health.interval, {}, "between two such questions");
  add_number(app, "--health-failures-max", flags.health.failures_max, {1, 1'000}, &parse_count,
             "in a row, and an upstream has no requests");
  add_number(app, "--health-successes-min", flags.health.successes_min, {1, 1'000}, &parse_count,
             "in a row, and it has them again");
  add_number(app, "--upstream-connections-max", flags.client.connections_per_destination_max,
             {1, 1'000'000}, &parse_count, "to one upstream, of a shard; more requests wait");
  add_number(app, "--upstream-idle-max", flags.client.idle_per_destination_max, {0, 1'000'000},
             &parse_count, "of these, kept for later");
  add_time_flags(app, flags.client);
  app.add_option("--upgrade", flags.upgrades,
                 "a protocol that clients may switch to with an upstream, instead of websocket; "
                 "again for another one")
      ->type_name("PROTOCOL")
      ->allow_extra_args(false);
  app.add_flag("--upstream-host", flags.own_host,
               "Host is the upstream's own name, not what the client asked for");
  app.add_option(
         "--trusted-proxy", flags.trusted_proxies,
         "a proxy before this one, whose Forwarded and X-Forwarded-* are passed on, and its "
         "PROXY headers believed; what others say of the client is dropped; again for "
         "another one")
      ->type_name("CIDR")
      ->allow_extra_args(false);
}

std::string contradiction_of(const UpstreamFlags& flags) {
  for (const std::string& url : flags.urls) {
    if (!parse_upstream(url)) {
      return "--upstream " + url + ": expected http:// or https://, a host and perhaps a port";
    }
  }
  if (flags.cert.empty() != flags.key.empty()) {
    return "--upstream-cert and --upstream-key need each other";
  }
  if (flags.insecure && !flags.authorities.empty()) {
    return "--upstream-insecure and --upstream-ca exclude each other";
  }
  return {};
}

std::optional<Gateway> open_gateway(const UpstreamFlags& flags, Complaints& complaints) {
  if (flags.urls.empty()) return {};
  GatewayOptions options{.upstreams = {}, .client = flags.client};
  for (const std::string& url : flags.urls) {
    options.upstreams.push_back(parse_upstream(url).value());
    if (options.upstreams.back().encrypted)
      options.upstreams.back().server_name = flags.server_name;
  }
  if (std::ranges::any_of(options.upstreams, &Destination::encrypted)) {
    options.client.tls = trust_of(flags, complaints);
    if (!options.client.tls) return {};
  }
  const std::uint64_t all =
      std::uint64_t{options.client.connections_per_destination_max} * flags.urls.size();
  options.client.connections_max =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(all, 1'000'000));
  options.balance = flags.balance;
  options.keeps_host = !flags.own_host;
  options.trusted_proxies = flags.trusted_proxies;
  if (!flags.upgrades.empty()) options.upgrades = flags.upgrades;
  options.failures_max = flags.failures_max;
  options.health = flags.health;
  options.header = flags.header;
  options.ejection_time = flags.ejection_time;
  options.slow_start = flags.slow_start;
  auto gateway = Gateway::create(std::move(options));
  if (gateway) return std::move(*gateway);
  constexpr const char* names[] = {
      "--upstream", "",          "", "", "--trusted-proxy", "--proxy-protocol",
      "",           "--upgrade", "", "", "--health-check",  "--slow-start"};
  const auto position = static_cast<std::size_t>(gateway.error().detail);
  complaints.add({.code = gateway.error().code},
                 position <= std::size(names) ? names[position - 1] : "");
  return {};
}

} // namespace ringfort::cli
