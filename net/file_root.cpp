#include "net/file_root.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::net {

namespace {

OpenFile::Kind kind_of(int error) noexcept {
  switch (error) {
  case EACCES:
  case EPERM: return OpenFile::Kind::forbidden;
  case EMFILE:
  case ENFILE:
  case ENOMEM: return OpenFile::Kind::no_room;
  default: return OpenFile::Kind::absent;
  }
}

int open_beneath(int root, const char* path) noexcept {
  open_how how{};
  // Without O_NONBLOCK opening a FIFO would hold up the shard.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

} // namespace

OpenFile::OpenFile(int opened) noexcept : descriptor_(opened) {
  struct stat status {};
  if (opened < 0 || ::fstat(opened, &status) != 0) {
    kind_ = kind_of(errno);
    return;
  }
  kind_ = S_ISREG(status.st_mode)   ? Kind::regular
          : S_ISDIR(status.st_mode) ? Kind::directory
                                    : Kind::absent;
  size_ = static_cast<std::uint64_t>(status.st_size);
  modified_ = status.st_mtim;
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t OpenFile::read(MutableBytes out, std::uint64_t offset) const noexcept {
  ssize_t bytes = 0;
  do {
    bytes = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
  } while (bytes < 0 && errno == EINTR);
  return bytes < 0 ? 0 : static_cast<std::size_t>(bytes);
}

FileRoot::~FileRoot() { ::close(descriptor_); }

OpenFile FileRoot::open(const char* path) const noexcept {
  const char* const relative = *path == '\0' ? "." : path;
  int opened = open_beneath(descriptor_, relative);
  // A name above was changed while ".." of a link was followed: openat2(2) asks to try again.
  for (int again = 0; opened < 0 && errno == EAGAIN && again < 8; ++again) {
    opened = open_beneath(descriptor_, relative);
  }
  return OpenFile(opened);
}

} // namespace ringfort::net
