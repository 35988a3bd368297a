// log_file — lines on their way into a file, from shards that must not wait for a disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "cli/descriptor.hpp"
#include "cli/complaints.hpp"
#include "cli/log_line.hpp"

namespace ringfort::cli {

/// Where: write() from any thread. What is written comes in its order, by a thread of its own.
class LogFile {
public:
  /// Appends to the file, or makes it with mode 0640; "-" is standard error. `flag` is who asked.
  /// Empty after a complaint, which is among `complaints`.
  static std::unique_ptr<LogFile> open(const std::string& flag, const std::string& path,
                                       LogFormat format, Complaints& complaints);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() { finish(); }

  LogFormat format() const noexcept { return format_; }
  /// Takes a line without its newline; or drops it, and counts it, when 1 MiB waits to be written.
  /// Cost: a short lock and a copy.
  void write(std::string_view line);
  /// Opens its path again, as after a rotation; keeps what it has when that fails.
  void reopen();
  /// Writes what waits, and ends.
  void finish();
  std::uint64_t dropped_lines() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
  static constexpr std::size_t waiting_bytes_max = 1'024 * 1'024;

  LogFile(std::string path, Descriptor file, LogFormat format);
  void run();
  void put(std::string_view lines);
  std::string told_drops();

  const std::string path_;
  const LogFormat format_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::string waiting_;
  bool reopens_ = false;
  bool ends_ = false;

  Descriptor file_; // From here on the thread's own.
  std::uint64_t told_dropped_ = 0;
  std::atomic<std::uint64_t> dropped_{0};
  std::jthread thread_;
};

} // namespace ringfort::cli
