// file_watch — tells when files in some folders have changed and come to rest (inotify(7)).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/descriptor.hpp"
#include "cli/polling_thread.hpp"

namespace ringfort::cli {

class FileWatch {
public:
  /// Calls `changed` in a thread of its own, once for changes that follow each other closely.
  /// False, with errno set, when a folder cannot be watched.
  bool start(const std::vector<std::string>& folders, std::function<void()> changed);

private:
  void wait() const;
  bool settle() const;

  Descriptor events_;
  std::function<void()> changed_;
  PollingThread thread_; ///< ends before what it uses
};

} // namespace ringfort::cli
