#include "cli/log_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::cli {

namespace {

constexpr std::string_view standard_error = "-";

Descriptor open_path(const std::string& path) {
  if (path == standard_error) return Descriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  return Descriptor(::open(path.c_str(), flags, S_IRUSR | S_IWUSR | S_IRGRP));
}

} // namespace

std::unique_ptr<LogFile> LogFile::open(const std::string& flag, const std::string& path,
                                       LogFormat format, Complaints& complaints) {
  Descriptor file = open_path(path);
  if (file) return std::unique_ptr<LogFile>(new LogFile(path, std::move(file), format));
  complaints.add(flag + ' ' + path, std::strerror(errno));
  return nullptr;
}

LogFile::LogFile(std::string path, Descriptor file, LogFormat format)
    : path_(std::move(path)), format_(format), file_(std::move(file)), thread_([this] { run(); }) {}

void LogFile::write(std::string_view line) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() >= waiting_bytes_max) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    was_empty = waiting_.empty();
    waiting_.append(line).push_back('\n');
  }
  if (was_empty) news_.notify_one();
}

void LogFile::reopen() {
  const std::lock_guard lock(mutex_);
  reopens_ = true;
  news_.notify_one();
}

void LogFile::finish() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  news_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void LogFile::run() {
  std::string lines;
  std::unique_lock lock(mutex_);
  while (true) {
    news_.wait(lock, [this] { return !waiting_.empty() || reopens_ || ends_; });
    std::swap(lines, waiting_);
    const bool reopens = std::exchange(reopens_, false);
    const bool ends = ends_;
    lock.unlock();
    put(lines.append(told_drops())); // What came before a rotation belongs to the old file.
    lines.clear();
    if (reopens) {
      if (Descriptor file = open_path(path_)) file_ = std::move(file);
    }
    lock.lock();
    if (ends && waiting_.empty()) return;
  }
}

void LogFile::put(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(file_.get(), lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const auto lost = std::count(lines.begin(), lines.end(), '\n');
      dropped_.fetch_add(static_cast<std::uint64_t>(lost), std::memory_order_relaxed);
      return;
    }
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// A line about the lines that are missing since the last such line; or none.
std::string LogFile::told_drops() {
  const std::uint64_t dropped = dropped_lines();
  std::string line;
  if (dropped == told_dropped_) return line;
  LogLine(format_, line, std::time(nullptr), "warning", "log.dropped")
      .number("lines", dropped - std::exchange(told_dropped_, dropped))
      .end();
  line.push_back('\n');
  return line;
}

} // namespace ringfort::cli
