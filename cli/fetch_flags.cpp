#include "cli/fetch_flags.hpp"

#include <CLI/CLI.hpp>

#include "cli/flag_kinds.hpp"
#include "cli/host_and_port.hpp"
#include "cli/tls_flags.hpp"

namespace ringfort::cli {

namespace {

std::optional<std::pair<std::string, std::string>> parse_field(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) return {};
  std::string_view value = text.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(blanks), value.size()));
  value = value.substr(0, value.find_last_not_of(blanks) + 1);
  return std::pair{std::string(text.substr(0, colon)), std::string(value)};
}

/// NAME:PORT:ADDRESS.
std::optional<ResolvedName> parse_resolved(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first + 1);
  if (first == text.npos || first == 0 || second == text.npos) return {};
  const auto port = parse_port(text.substr(first + 1, second - first - 1));
  const std::string_view address = without_brackets(text.substr(second + 1));
  if (!port || address.empty()) return {};
  return ResolvedName{
      .host = std::string(text.substr(0, first)), .port = *port, .address = std::string(address)};
}

/// A flag that may be given several times; each is parsed and kept.
template <class Value>
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<Value>& target,
                      std::optional<Value> (*parse_one)(std::string_view), const std::string& form,
                      const std::string& help) {
  return app
      .add_option_function<std::vector<std::string>>(
          name,
          [&target, name, parse_one, form](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              auto value = parse_one(text);
              if (!value) refuse(name, text, form);
              target.push_back(std::move(*value));
            }
          },
          help)
      ->type_name(form)
      ->allow_extra_args(false);
}

void add_request_flags(CLI::App& app, FetchFlags& flags) {
  app.add_option("url", flags.url, "http:// or https://; user:password@ becomes Authorization")
      ->type_name("URL")
      ->required();
  app.add_option("--method", flags.method, "GET, or POST with --data, unless it is said")
      ->type_name("METHOD");
  add_list(app, "--header", flags.fields, &parse_field, "NAME: VALUE",
           "one more field; host may be said too");
  app.add_option("--data", flags.data,
                 "the request's body: text, @FILE, or @- for standard input, which goes in chunks")
      ->type_name("TEXT|@FILE|@-");
  app.add_flag("--expect-continue", flags.expects_continue,
               "send a body that is streamed only once the server wants it");
  app.add_flag("--head", flags.head_only, "ask with HEAD, and print the answer's head");
}

void add_trust_flags(CLI::App& app, FetchFlags& flags) {
  app.add_option("--cacert", flags.authorities,
                 "who is believed (PEM), instead of this machine's store and of "
                 "RINGFORT_EXTRA_CA_FILE")
      ->type_name("FILE");
  app.add_option("--extra-cacert", flags.extra_authorities, "who is believed besides (PEM)")
      ->type_name("FILE");
  app.add_option("--crl", flags.revocations,
                 "revocation lists (PEM), one for each authority of a chain")
      ->type_name("FILE");
  app.add_option("--pin", flags.tls.pins,
                 "SHA-256 of a public key that the chain has to have, base64; again for another")
      ->type_name("BASE64")
      ->allow_extra_args(false);
  app.add_flag("--insecure", flags.insecure, "believe anybody, whoever that is");
  add_identity_flags(app, flags.identity);
  add_tls_flags(app, flags.tls);
}

void add_place_flags(CLI::App& app, FetchFlags& flags) {
  add_list(app, "--resolve", flags.resolved, &parse_resolved, "NAME:PORT:ADDRESS",
           "where this name is, instead of asking; again for another");
  app.add_option("--name-servers", flags.name_servers,
                 "whom to ask for addresses, instead of those of /etc/resolv.conf")
      ->type_name("ADDRESS[:PORT][,...]");
  app.add_option_function<std::string>(
         "--connect-to",
         [&flags](const std::string& text) {
           flags.connect_to = parse_host_and_port(text);
           if (!flags.connect_to) refuse("--connect-to", text, "ADDRESS:PORT");
         },
         "connect there instead of to the URL's host; the name stays what is proved")
      ->type_name("ADDRESS:PORT");
  app.add_option_function<std::string>(
         "--servername", [&flags](const std::string& text) { flags.server_name = text; },
         "the name that is asked for and proved instead of the URL's; empty: none is asked for")
      ->type_name("NAME");
  app.add_option("--unix-socket", flags.unix_path,
                 "connect to this socket instead; @NAME for an abstract one")
      ->type_name("PATH");
}

void add_proxy_flags(CLI::App& app, FetchFlags& flags) {
  app.add_option_function<std::string>(
         "--proxy", [&flags](const std::string& text) { flags.proxy = text; },
         "go through it: http:// or https://, user:password@ if it wants to know; empty: through "
         "none, whatever https_proxy, http_proxy and all_proxy say")
      ->type_name("URL");
  app.add_option_function<std::string>(
         "--no-proxy", [&flags](const std::string& text) { flags.no_proxy = text; },
         "whom to reach directly, instead of what no_proxy says: names and all below them, "
         "networks, *")
      ->type_name("HOST[:PORT][,...]");
  app.add_option("--proxy-cacert", flags.proxy_authorities,
                 "who is believed to be an https:// proxy (PEM), instead of this machine's store")
      ->type_name("FILE");
}

void add_time_flags(CLI::App& app, ClientOptions& client) {
  constexpr DurationRange at_all;
  constexpr DurationRange or_off{std::chrono::milliseconds(0)};
  add_duration(app, "--timeout", client.call_timeout, or_off, "all phases together; 0s: off");
  add_duration(app, "--pending-timeout", client.pending_timeout, at_all, "for a free connection");
  add_duration(app, "--resolve-timeout", client.resolve_timeout, at_all,
               "for the name's addresses");
  add_duration(app, "--connect-timeout", client.connect_timeout, at_all,
               "over all those addresses");
  add_duration(app, "--proxy-timeout", client.proxy_timeout, at_all,
               "for a proxy's TLS and its tunnel");
  add_duration(app, "--handshake-timeout", client.handshake_timeout, at_all, "for TLS");
  add_duration(app, "--write-timeout", client.write_timeout, at_all,
               "without a byte taken by the server");
  add_duration(app, "--answer-timeout", client.answer_timeout, at_all,
               "from the request's end to the answer's head");
  add_duration(app, "--body-idle-timeout", client.body_idle_timeout, at_all,
               "between two pieces of the answer's body");
  add_duration(app, "--idle-timeout", client.idle_timeout, at_all,
               "how long a connection is kept for the next call");
  add_duration(app, "--connection-age-max", client.connection_age_max, or_off,
               "how old a connection may be that is used again; 0s: off");
}

void add_answer_flags(CLI::App& app, FetchFlags& flags) {
  app.add_option("-o,--output", flags.output, "where the body goes, instead of standard output")
      ->type_name("FILE");
  app.add_flag("--include", flags.shows_head, "the answer's head before its body");
  app.add_flag("--fail", flags.fails, "a status from 400 on is a failure, and its body is dropped");
  add_number(app, "--follow", flags.redirects_max, {0, 20}, &parse_count,
             "redirections that are followed");
  app.add_flag("--follow-to-http", flags.follows_to_http, "even from https:// to http://");
  add_number(app, "--repeat", flags.repeat_count, {1, 1'000'000}, &parse_count,
             "calls, over one client: connections and sessions are used again");
  add_number(app, "--calls-per-connection-max", flags.client.calls_per_connection_max,
             {0, 1'000'000}, &parse_count, "of these over one connection; 0: any number");
  add_number(app, "--parallel", flags.parallel_count, {1, 64}, &parse_count,
             "of these at the same time; needs --json");
  app.add_flag("--json", flags.json,
               "for each call a line of what is known of it, instead of the body");
  app.add_flag("--timing", flags.timing, "how long each phase took, on standard error");
  app.add_flag("--inspect", flags.inspect, "who answered, and over what, on standard error");
}

} // namespace

void add_fetch_flags(CLI::App& app, FetchFlags& flags) {
  add_request_flags(app, flags);
  add_answer_flags(app, flags);
  add_trust_flags(app, flags);
  add_place_flags(app, flags);
  add_proxy_flags(app, flags);
  add_time_flags(app, flags.client);
}

std::string contradiction_of(const FetchFlags& flags) {
  const std::string found = contradiction_of(flags.identity);
  if (!found.empty()) return found;
  if (flags.identity.certs.size() + (flags.identity.pkcs12.empty() ? 0 : 1) > 1) {
    return "a client shows one certificate: leave out the others";
  }
  if (flags.insecure && !flags.tls.pins.empty()) return "--insecure and --pin exclude each other";
  if (!flags.unix_path.empty() && (flags.proxy || flags.connect_to)) {
    return "--unix-socket excludes --connect-to and --proxy";
  }
  if (flags.head_only && flags.data) return "--head and --data exclude each other";
  if (flags.expects_continue && !(flags.data && flags.data->starts_with('@'))) {
    return "--expect-continue needs --data @FILE or @-";
  }
  if (flags.repeat_count > 1 && flags.data == "@-") {
    return "standard input can be sent once: leave out --repeat";
  }
  if (flags.repeat_count > 1 && !flags.output.empty()) return "--repeat and -o exclude each other";
  if (flags.parallel_count > 1 && !flags.json) return "--parallel needs --json: bodies would mix";
  if (flags.follows_to_http && flags.redirects_max == 0) return "--follow-to-http needs --follow";
  return {};
}

} // namespace ringfort::cli
