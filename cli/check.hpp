// check — the subcommand that tells what this machine can do, and what clients will say of an
// identity.
#pragma once

#include <string>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/identity_flags.hpp"

namespace ringfort::cli {

struct CheckFlags {
  IdentityFlags identity;
  std::vector<std::string> names; ///< the hosts that clients will ask for
  std::string folder;             ///< of identities by server name; empty: none
  std::string authorities;        ///< a PEM file; empty: the system's store
};

/// Prints the ring's features, and of each identity chain, dates, names, findings, and a verdict
/// for each name, which in a folder is that of its files. Answers config when a client that asks
/// for one of them would refuse it.
ExitStatus check(const CheckFlags& flags);

} // namespace ringfort::cli
