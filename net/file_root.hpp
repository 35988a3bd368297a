// file_root — a directory that files are opened below, and the files.
#pragma once

#include <cstdint>
#include <ctime>
#include <utility>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/files.hpp>

namespace ringfort::net {

/// What was found under a name, open for reading; closed with its owner.
class OpenFile {
public:
  enum class Kind : std::uint8_t {
    regular,
    directory,
    absent,    ///< nothing, or nothing that is served: a device, a pipe, a way out of the root
    forbidden, ///< this process may not read it
    no_room,   ///< descriptors or memory are spent
  };

  OpenFile() noexcept = default;
  /// Takes what openat2(2) answered, with errno when that is negative.
  explicit OpenFile(int opened) noexcept;
  OpenFile(OpenFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), kind_(other.kind_), size_(other.size_),
        modified_(other.modified_) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    kind_ = other.kind_;
    size_ = other.size_;
    modified_ = other.modified_;
    return *this;
  }
  ~OpenFile();

  Kind kind() const noexcept { return kind_; }
  std::uint64_t size() const noexcept { return size_; } ///< when it was opened
  const timespec& modified() const noexcept { return modified_; }

  /// As many bytes as there are; fewer than asked for at the end, none when reading fails.
  std::size_t read(MutableBytes out, std::uint64_t offset) const noexcept;

private:
  int descriptor_ = -1;
  Kind kind_ = Kind::absent;
  std::uint64_t size_ = 0;
  timespec modified_{};
};

/// Where: any thread.
class FileRoot {
public:
  /// Takes the descriptor of a directory.
  FileRoot(int descriptor, FileOptions options) noexcept
      : descriptor_(descriptor), options_(std::move(options)) {}
  FileRoot(const FileRoot&) = delete;
  FileRoot& operator=(const FileRoot&) = delete;
  ~FileRoot();

  const FileOptions& options() const noexcept { return options_; }
  /// `path` is relative; "" is the directory itself.
  OpenFile open(const char* path) const noexcept;

private:
  int descriptor_;
  FileOptions options_;
};

} // namespace ringfort::net
