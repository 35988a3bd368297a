// name_folder — a folder of identities, one for each server name: NAME.pem is the chain and
// NAME.key its key. "_.example.org.pem", or "*.example.org.pem", is for "*.example.org".
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cli/complaints.hpp"
#include "cli/identity_flags.hpp"

namespace ringfort::cli {

/// Tells one version of a pair of files from the next.
struct Stamp {
  std::int64_t chain_changed_ns = 0;
  std::int64_t key_changed_ns = 0;
  std::uint64_t chain_file = 0; ///< inode: a file that was moved here may be older
  std::uint64_t key_file = 0;

  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

/// How files are called whose names are not what NamedFiles expects: stems, by pattern.
using Spellings = std::map<std::string, std::string, std::less<>>;

struct NameFolder {
  std::map<std::string, Stamp> stamps; ///< by pattern: lower case, without a final dot
  Spellings spellings;                 ///< of a few of them
};

/// Empty after a complaint: the folder cannot be read, a chain has no key beside it, or two are for
/// the same name.
std::optional<NameFolder> scan_name_folder(const std::string& folder, Complaints& complaints);

/// Says that a folder holds no name.
void warn_of_empty(const std::string& folder);

/// Where a pattern's files lie in a folder.
struct NamedFiles {
  NamedFiles(const std::string& folder, const Spellings& spellings, std::string_view pattern);
  std::string text() const { return chain + ", " + key; }

  std::string chain;
  std::string key;
};

/// The pair as flags would name it. The pass phrase is everybody's.
IdentityFlags flags_of(const NamedFiles& pair, const IdentityFlags& all);

} // namespace ringfort::cli
