// identity_flags — who the program is on the wire: certificates, keys and their pass phrase.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ringfort/tls.hpp>

#include "cli/complaints.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct IdentityFlags {
  std::vector<std::string> certs; ///< one for each key
  std::vector<std::string> keys;
  std::string pkcs12;
  std::string pass_phrase_file;
  std::string pass_phrase_env;

  bool none() const noexcept { return certs.empty() && keys.empty() && pkcs12.empty(); }
  /// The files, for messages.
  std::string text() const;
};

/// Borrow: `flags` until the command line has been parsed.
void add_identity_flags(CLI::App& app, IdentityFlags& flags);

/// What is missing or too much among them. Empty: all is well.
std::string contradiction_of(const IdentityFlags& flags);

/// A file's text. Empty after a complaint, of `when_empty` for a file that is there but holds
/// nothing.
std::optional<std::string> read_text(const std::string& path, Code when_empty,
                                     Complaints& complaints);

/// The same into `text`, which no path at all leaves alone. False after a complaint.
bool read_into(std::string& text, const std::string& path, Code when_empty, Complaints& complaints);

/// The first line of the file, or the variable's value; "" when neither flag was given.
/// Empty after a complaint.
std::optional<std::string> pass_phrase_of(const IdentityFlags& flags, Complaints& complaints);

/// Reads all identities, each checked alone, so that what is wrong is said of its own file.
/// Empty after a complaint.
std::optional<std::vector<tls::Identity>> load(const IdentityFlags& flags, Complaints& complaints);

} // namespace ringfort::cli
