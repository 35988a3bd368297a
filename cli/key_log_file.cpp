#include "cli/key_log_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace ringfort::cli {

namespace {

/// Empty: the file may hold secrets.
std::string objection_to(int descriptor) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return std::strerror(errno);
  if (!S_ISREG(facts.st_mode)) return "it is not a plain file";
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) return "others may open it: chmod 600 it";
  if (facts.st_uid != ::geteuid()) return "it belongs to somebody else";
  if (facts.st_nlink != 1) return "it has a second name";
  return {};
}

} // namespace

std::unique_ptr<KeyLogFile> KeyLogFile::open(const std::string& path, ExitStatus& status) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Descriptor opened(::open(path.c_str(), flags, S_IRUSR | S_IWUSR));
  std::string objection;
  std::unique_ptr<KeyLogFile> file;
  if (!opened) {
    objection = errno == ELOOP ? "it is a symbolic link" : std::strerror(errno);
  } else {
    objection = objection_to(opened.get());
    file = std::unique_ptr<KeyLogFile>(new KeyLogFile(std::move(opened)));
  }
  if (objection.empty()) {
    std::cerr << "ringfort: WARNING: --key-log: the secrets of every connection go to " << path
              << ": whoever reads it reads the traffic" << std::endl;
    return file;
  }
  std::cerr << "ringfort: --key-log " << path << ": " << objection << std::endl;
  status = ExitStatus::config;
  return nullptr;
}

// One call, at the end of the file: lines of two shards never mix.
void KeyLogFile::write(std::string_view line) noexcept {
  char end = '\n';
  const std::array pieces{iovec{const_cast<char*>(line.data()), line.size()}, iovec{&end, 1}};
  (void)!::writev(file_.get(), pieces.data(), static_cast<int>(pieces.size()));
}

} // namespace ringfort::cli
