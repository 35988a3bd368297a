// file_handler — regular files below one directory, and nothing outside it.
#pragma once

#include <memory>
#include <string>

#include <ringfort/error.hpp>
#include <ringfort/service.hpp>

#include "cli/descriptor.hpp"

namespace ringfort::cli {

/// An open directory; closed with the last handler that shares it.
class RootDirectory {
public:
  explicit RootDirectory(Descriptor opened) noexcept : opened_(std::move(opened)) {}

  int descriptor() const noexcept { return opened_.get(); }

private:
  Descriptor opened_;
};

/// Null, with errno set, when `path` is not a directory that can be read.
std::shared_ptr<const RootDirectory> open_root(const std::string& path);

/// GET and HEAD of files; a directory is answered with its index.html. Symbolic links are followed
/// below the root only (openat2(2), RESOLVE_BENEATH).
std::unique_ptr<Service> make_file_service(std::shared_ptr<const RootDirectory> root);

} // namespace ringfort::cli
