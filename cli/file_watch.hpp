// file_watch — tells when files in some folders have changed and come to rest (inotify(7)).
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace ringfort::cli {

class FileWatch {
public:
  FileWatch() = default;
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch();

  /// Calls `changed` in a thread of its own, once for changes that follow each other closely.
  /// False, with errno set, when a folder cannot be watched.
  bool start(const std::vector<std::string>& folders, std::function<void()> changed);

private:
  void wait() const;
  bool settle() const;

  int events_ = -1;
  int end_ = -1; ///< eventfd(2): the thread shall end
  std::function<void()> changed_;
  std::jthread thread_;
};

} // namespace ringfort::cli
