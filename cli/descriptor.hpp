// descriptor — who owns a file descriptor closes it.
#pragma once

#include <cstdint>
#include <utility>

#include <unistd.h>

namespace ringfort::cli {

class Descriptor {
public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number) {} ///< negative: none
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  explicit operator bool() const noexcept { return number_ >= 0; }
  int get() const noexcept { return number_; }

private:
  int number_ = -1;
};

/// Adds one to an eventfd(2), which is readable then. Where: any thread.
inline void raise(const Descriptor& event) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof one);
}

} // namespace ringfort::cli
