// descriptor — who owns a file descriptor closes it.
#pragma once

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

} // namespace ringfort::cli
