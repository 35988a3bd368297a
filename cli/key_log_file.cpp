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

/// None after a complaint.
Descriptor open_private(const std::string& path, Complaints& complaints) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Descriptor opened(::open(path.c_str(), flags, S_IRUSR | S_IWUSR));
  std::string objection;
  if (opened) {
    objection = objection_to(opened.get());
  } else {
    objection = errno == ELOOP ? "it is a symbolic link" : std::strerror(errno);
  }
  if (objection.empty()) return opened;
  complaints.add("--key-log " + path, std::move(objection));
  return {};
}

} // namespace

std::unique_ptr<KeyLogFile> KeyLogFile::open(const std::string& path, Complaints& complaints) {
  Descriptor opened = open_private(path, complaints);
  if (!opened) return nullptr;
  std::cerr << "ringfort: WARNING: --key-log: the secrets of every connection go to " << path
            << ": whoever reads it reads the traffic" << std::endl;
  return std::unique_ptr<KeyLogFile>(new KeyLogFile(path, std::move(opened)));
}

// The number stays and its file changes in one step (dup(2)): no shard writes in between.
void KeyLogFile::reopen(Complaints& complaints) const {
  const Descriptor opened = open_private(path_, complaints);
  if (!opened || ::dup3(opened.get(), file_.get(), O_CLOEXEC) >= 0) return;
  complaints.add("--key-log " + path_, std::strerror(errno));
}

// One call, at the end of the file: lines of two shards never mix.
void KeyLogFile::write(std::string_view line) noexcept {
  char end = '\n';
  const std::array pieces{iovec{const_cast<char*>(line.data()), line.size()}, iovec{&end, 1}};
  (void)!::writev(file_.get(), pieces.data(), static_cast<int>(pieces.size()));
}

} // namespace ringfort::cli
