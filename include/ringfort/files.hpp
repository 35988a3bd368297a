// files — the regular files below one directory, and nothing outside it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <ringfort/error.hpp>
#include <ringfort/exchange.hpp>
#include <ringfort/service.hpp>
#include <ringfort/task.hpp>

namespace ringfort {

namespace net {
class FileRoot;
}

struct FileOptions {
  std::string index = "index.html"; ///< of a directory, one name; empty: directories are 404
  std::string cache_control;        ///< the field's value, with files and with 304; empty: none
  bool dot_files = false;           ///< serve names that begin with a dot, not only .well-known
  bool precompressed = true;        ///< send NAME.br or NAME.gz to who would rather have that
};

/// Answers GET and HEAD with files: conditions, ranges, precompressed siblings; docs/files.md says
/// how. Symbolic links are followed as long as they stay below the directory and are relative
/// (openat2(2), RESOLVE_BENEATH); what is no regular file is not there.
/// Where: any thread; all shards may share one.
class Files {
public:
  /// Opens `directory` once: what is later put in its place under its name is not looked at.
  /// Errors: config.root_unusable, config.invalid (detail: 1-based position in FileOptions).
  static Result<Files> open(const std::string& directory, FileOptions options = {}) noexcept;

  Files(Files&& other) noexcept;
  Files& operator=(Files&& other) noexcept;
  ~Files();

  /// Answers with the file of `path`, which is a target's path or its end, percent-encoded and
  /// without a slash in front: RouteParameters::rest(), for instance.
  /// Borrow: the files, which may be moved, until the exchange has ended.
  /// Cost:   openat2, fstat, close; two calls more for each precompressed sibling that is wanted;
  ///         reads of 64 KiB or less as the peer takes them, from the page cache; for what is not
  ///         there the shard waits. No allocation up to 8 KiB of file,
  ///         one of 64 KiB or less for more.
  Task<> serve(Exchange& exchange, std::string_view path) const;

  /// Answers with the file of the whole path of the target. Borrow: the files, which
  /// may be moved, as long as the service.
  std::unique_ptr<Service> service() const;

private:
  explicit Files(std::unique_ptr<const net::FileRoot> root) noexcept;

  std::unique_ptr<const net::FileRoot> root_;
};

} // namespace ringfort
