// name_folder — a folder of identities, one for each server name: NAME.pem is the chain and
// NAME.key its key. "_.example.org.pem" is for "*.example.org".
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cli/exit_status.hpp"

namespace ringfort::cli {

/// Tells one version of a pair of files from the next.
struct Stamp {
  std::int64_t chain_changed_ns = 0;
  std::int64_t key_changed_ns = 0;
  std::uint64_t chain_file = 0; ///< inode: a file that was moved here may be older
  std::uint64_t key_file = 0;

  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

using NameFolder = std::map<std::string, Stamp>; ///< by pattern

/// Empty after a complaint: the folder cannot be read, or a chain has no key beside it.
std::optional<NameFolder> scan_name_folder(const std::string& folder, ExitStatus& status);

/// Where a pattern's files lie in a folder.
struct NamedFiles {
  NamedFiles(const std::string& folder, std::string_view pattern);

  std::string chain;
  std::string key;
};

} // namespace ringfort::cli
