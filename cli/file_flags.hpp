// file_flags — flags of what --root serves.
#pragma once

#include <optional>
#include <string>

#include <ringfort/files.hpp>

#include "cli/exit_status.hpp"

namespace CLI {
class App;
}

namespace ringfort::cli {

struct FileFlags {
  std::string root; ///< empty: no files are served
  FileOptions options;
};

/// Borrow: `flags` until the command line has been parsed.
void add_file_flags(CLI::App& app, FileFlags& flags);

/// The files of these flags, none without a root. False after a complaint.
bool open_files(const FileFlags& flags, std::optional<Files>& files, ExitStatus& status);

} // namespace ringfort::cli
