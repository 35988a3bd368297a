// arena — bump memory over one fixed block: allocation is an addition, release is one step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ringfort/bytes.hpp>

namespace ringfort {

/// Memory that lives as long as one request. Never grows: when the block is spent, `allocate`
/// answers null and the caller answers 503.
/// Where: one shard; not synchronised.
class Arena {
public:
  Arena() noexcept = default;
  /// Borrow: `block` must outlive the arena.
  explicit Arena(MutableBytes block) noexcept : block_(block) {}

  /// `bytes` of storage aligned to `alignment` (a power of two), or null when the block is spent.
  void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    const auto base = reinterpret_cast<std::uintptr_t>(block_.data());
    const auto start = (base + used_ + alignment - 1) & ~(alignment - 1);
    const std::size_t end = start - base + bytes;
    if (end > block_.size()) return nullptr;
    used_ = end;
    return block_.data() + (start - base);
  }

  /// A copy that lives as long as the arena; nothing when the block is spent.
  std::optional<Bytes> copy(Bytes bytes) noexcept {
    auto* place = static_cast<std::byte*>(allocate(bytes.size(), 1));
    if (place == nullptr) return std::nullopt;
    copy_into({place, bytes.size()}, bytes);
    return Bytes{place, bytes.size()};
  }
  std::optional<std::string_view> copy(std::string_view text) noexcept {
    const std::optional<Bytes> bytes = copy(bytes_of(text));
    return bytes ? std::optional(text_of(*bytes)) : std::nullopt;
  }

  /// Lengthens the last allocation, which ended at `end`, by `bytes`; false when something else
  /// was allocated since, or when the block is spent.
  bool extend(const void* end, std::size_t bytes) noexcept {
    if (end != block_.data() + used_ || block_.size() - used_ < bytes) return false;
    used_ += bytes;
    return true;
  }

  /// Forgets everything that was allocated. Destructors are not run.
  void reset() noexcept { used_ = 0; }

  std::size_t used_bytes() const noexcept { return used_; }
  std::size_t capacity_bytes() const noexcept { return block_.size(); }

private:
  MutableBytes block_;
  std::size_t used_ = 0;
};

} // namespace ringfort
