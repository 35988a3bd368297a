#include "tls/file.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>

namespace ringfort::tls {

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(Code::tls_context_unreadable, EISDIR);
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::tls_context_unreadable, errno);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

} // namespace ringfort::tls
