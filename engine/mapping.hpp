// mapping — a stretch of anonymous memory whose pages are touched on first use.
#pragma once

#include <cerrno>
#include <cstddef>
#include <utility>

#include <sys/mman.h>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

namespace ringfort::engine {

/// Owns its pages (mmap(2)).
class Mapping {
public:
  enum class Pages : bool { ordinary, huge };

  Mapping() noexcept = default;
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
  }

  /// `huge` asks for transparent huge pages, which the kernel may decline.
  /// Errors: ring.no_memory.
  static Result<Mapping> create(std::size_t bytes, Pages pages = Pages::ordinary) noexcept {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return fail(Code::ring_no_memory, errno);
    if (pages == Pages::huge) (void)::madvise(memory, bytes, MADV_HUGEPAGE);
    Mapping mapping;
    mapping.bytes_ = {static_cast<std::byte*>(memory), bytes};
    return mapping;
  }

  MutableBytes bytes() const noexcept { return bytes_; }

private:
  MutableBytes bytes_;
};

} // namespace ringfort::engine
