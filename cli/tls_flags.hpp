// tls_flags — the flags of a TLS policy, which servers and clients share.
#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include <ringfort/tls.hpp>

#include "cli/flag_kinds.hpp"

namespace ringfort::cli {

/// Of tls::ContextOptions or tls::ClientContextOptions. Borrow: `tls` until the command line has
/// been parsed.
template <class Options>
void add_tls_flags(CLI::App& app, Options& tls) {
  using Version = decltype(tls.version_min);
  const std::map<std::string, Version> versions{{"1.2", Version::tls_1_2},
                                                {"1.3", Version::tls_1_3}};
  add_choice(app, "--tls-min", tls.version_min, versions, "1.2", "lowest TLS version");
  add_choice(app, "--tls-max", tls.version_max, versions, "1.3", "highest TLS version");
  app.add_option("--suites", tls.suites, "AEAD suites of both versions, in order of preference")
      ->type_name("NAME[:NAME]...");
  app.add_option("--groups", tls.groups, "key-exchange groups, in order of preference")
      ->type_name("NAME[:NAME]...")
      ->capture_default_str();
  app.add_option("--signatures", tls.signatures, "signature schemes, in order of preference")
      ->type_name("NAME[:NAME]...")
      ->capture_default_str();
}

} // namespace ringfort::cli
