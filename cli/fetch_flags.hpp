// fetch_flags — every flag of `ringfort fetch`: name, unit, default, range and help in one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>

#include "cli/identity_flags.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

/// Where a name is, instead of asking a name server.
struct ResolvedName {
  std::string host;
  std::uint16_t port = 0;
  std::string address;
};

struct FetchFlags {
  std::string url;
  std::string method; ///< empty: what the other flags imply
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<std::string> data; ///< text, @FILE, or @- for standard input
  bool expects_continue = false;

  IdentityFlags identity;
  std::string authorities;       ///< a file
  std::string extra_authorities; ///< a file
  std::string revocations;       ///< a file
  bool insecure = false;
  tls::ClientContextOptions tls;

  std::string name_servers; ///< empty: this machine's
  std::vector<ResolvedName> resolved;
  std::optional<Endpoint> connect_to;     ///< of the URL's own origin
  std::optional<std::string> server_name; ///< likewise
  std::string unix_path;                  ///< likewise; empty: by TCP
  std::optional<std::string> proxy;    ///< a URL; empty: none is used; nothing: the environment's
  std::optional<std::string> no_proxy; ///< nothing: the environment's
  std::string proxy_authorities;       ///< a file

  ClientOptions client; ///< its times, and how long its connections serve

  std::string output; ///< a file; empty: standard output
  bool shows_head = false;
  bool head_only = false;
  bool fails = false; ///< at a status from 400 on
  bool json = false;
  bool timing = false;
  bool inspect = false;
  std::uint32_t repeat_count = 1;
  std::uint32_t parallel_count = 1;
  std::uint32_t redirects_max = 0;
  bool follows_to_http = false;
};

/// Borrow: `flags` until the command line has been parsed.
void add_fetch_flags(CLI::App& app, FetchFlags& flags);

/// What single flags cannot say: which of them need each other. Empty: all is well.
std::string contradiction_of(const FetchFlags& flags);

} // namespace ringfort::cli
