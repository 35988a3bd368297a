// file — a file that a person named, read once, whole.
#pragma once

#include <filesystem>
#include <string>

#include <ringfort/error.hpp>

namespace ringfort::tls {

/// Errors: tls_context.unreadable (detail: errno).
Result<std::string> read_file(const std::filesystem::path& path);

} // namespace ringfort::tls
