// pipes — what lies between two splice(2): a shard's pipes, each with whoever has it.
//
// The bytes in a pipe are the kernel's, pages that one socket received and another one sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/counter.hpp"
#include "engine/ring.hpp"

namespace ringfort::engine {

class Pipes;

/// One taken pipe; goes back when destroyed.
class Pipe {
public:
  Pipe() noexcept = default;
  Pipe(Pipe&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)), ends_(other.ends_),
        held_bytes_(std::exchange(other.held_bytes_, 0)) {}
  Pipe& operator=(Pipe&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(ends_, other.ends_);
    std::swap(held_bytes_, other.held_bytes_);
    return *this;
  }
  inline ~Pipe();

  explicit operator bool() const noexcept { return home_ != nullptr; }
  std::size_t held_bytes() const noexcept { return held_bytes_; }

  /// Moves at most `bytes_max` that a socket has received into it. Answers how many, 0 at the end
  /// of the stream, or -errno (tcp(7)); -EAGAIN: nothing has come, or there is no room.
  std::int64_t fill(Ring& ring, int socket, std::size_t bytes_max) noexcept;
  /// The same, by a copy of some: see RingLike::copy_in. Only when it is empty.
  std::int64_t fill_by_copy(Ring& ring, int socket) noexcept;
  /// Moves as much as a socket takes out of it, when it holds something. Answers likewise.
  std::int64_t drain(Ring& ring, int socket) noexcept;

private:
  friend class Pipes;
  Pipe(Pipes& home, PipeEnds ends) noexcept : home_(&home), ends_(ends) {}

  Pipes* home_ = nullptr;
  PipeEnds ends_{};
  std::size_t held_bytes_ = 0;
};

/// Where: one shard; `in_use_count` may be read from any thread.
class Pipes {
public:
  /// What each holds.
  static constexpr std::uint32_t pipe_bytes = 262'144;

  /// Opens none yet.
  Pipes(Ring& ring, std::uint32_t count) : ring_(ring), count_(count) { spare_.reserve(spare_max); }
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;
  ~Pipes();

  /// An empty Pipe when all are taken, or the kernel opens no more: for want of descriptors, or of
  /// pages for pipes of this size (pipe(7), pipe-user-pages-soft).
  /// Cost: three system calls, unless one was given back before.
  Pipe try_take() noexcept;

  /// Closes those that nobody has: descriptors are wanted elsewhere.
  void close_spare() noexcept;

  std::uint64_t in_use_count() const noexcept { return in_use_; }

private:
  friend class Pipe;
  static constexpr std::size_t spare_max = 64;

  void give_back(PipeEnds ends, bool empty) noexcept;
  void close(PipeEnds ends) noexcept;

  Ring& ring_;
  std::uint32_t count_;
  std::vector<PipeEnds> spare_; ///< open and empty
  Counter in_use_;
};

inline Pipe::~Pipe() {
  if (home_ != nullptr) home_->give_back(ends_, held_bytes_ == 0);
}

} // namespace ringfort::engine
