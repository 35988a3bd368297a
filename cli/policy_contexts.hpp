// policy_contexts — contexts made of what all names share, the policy, and the identities of one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringfort/names.hpp>

#include "cli/complaints.hpp"
#include "cli/name_folder.hpp"

namespace ringfort::cli {

/// Everything but identities.
using Policy = std::shared_ptr<const tls::ContextOptions>;

/// Empty after a complaint about `about`.
std::optional<tls::Context> make_context(const tls::ContextOptions& policy,
                                         std::vector<tls::Identity> identities,
                                         const std::string& about, Complaints& complaints);

/// Reads a name's files in the folder when a client asks for it: what is wrong then is that
/// handshake's failure.
std::shared_ptr<const tls::ContextSource> make_source(Policy policy, std::string folder,
                                                      Spellings spellings, std::string pass_phrase);

/// Says on standard error what clients will not like. `pattern` is what they ask for; empty: any.
void warn_of(const tls::Context& context, const std::string& about, const std::string& pattern);

} // namespace ringfort::cli
