// op — one operation that the kernel may hold, living inside the object that it serves.
//
// The invariant: while an Op is armed its owner's Leases are not zero, and an owner with leases is
// never freed, moved or recycled. user_data is the Op's address with its generation in the upper
// 16 bits, so a completion that outlived its operation is recognised and dropped. An operation of
// several steps has the step's number in the lower 3 bits, which are zero in an address.
#pragma once

#include <cstdint>

#include <ringfort/check.hpp>

namespace ringfort::engine {

/// What the kernel said about an operation (io_uring_enter(2), struct io_uring_cqe).
struct Completion {
  std::int32_t result; ///< byte count, descriptor or -errno
  std::uint32_t flags; ///< IORING_CQE_F_*

  static constexpr std::uint32_t flag_buffer = 1u << 0; ///< IORING_CQE_F_BUFFER
  static constexpr std::uint32_t flag_more = 1u << 1;   ///< IORING_CQE_F_MORE
  static constexpr unsigned buffer_shift = 16;          ///< IORING_CQE_BUFFER_SHIFT
  static constexpr unsigned step_shift = buffer_shift;  ///< of an operation without buffers

  /// More completions of the same operation will follow.
  bool more() const noexcept { return (flags & flag_more) != 0; }
  bool has_buffer() const noexcept { return (flags & flag_buffer) != 0; }
  std::uint16_t buffer_id() const noexcept {
    return static_cast<std::uint16_t>(flags >> buffer_shift);
  }
  /// Of an operation of several steps: the last one that was tried.
  std::uint32_t step() const noexcept { return flags >> step_shift; }
};

/// How many operations the kernel holds for one owner.
class Leases {
public:
  bool none() const noexcept { return count_ == 0; }
  std::uint32_t count() const noexcept { return count_; }

private:
  friend class Op;
  std::uint32_t count_ = 0;
};

/// One operation. Immovable: the kernel knows its address.
/// Where: the thread of the ring that it is armed on.
class Op {
public:
  using Run = void (*)(void* owner, Completion) noexcept;

  Op(Leases& leases, void* owner, Run run) noexcept : run_(run), owner_(owner), leases_(&leases) {}
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;
  ~Op() { RINGFORT_CHECK(!armed_); }

  /// Given to the kernel and not yet finally completed.
  bool armed() const noexcept { return armed_; }

  /// For rings: takes the lease and answers the user_data to submit.
  [[gnu::always_inline]] std::uint64_t arm() noexcept {
    RINGFORT_CHECK(!armed_);
    armed_ = true;
    ++leases_->count_;
    return user_data();
  }

  /// For rings: the user_data of the armed operation, to cancel it by.
  std::uint64_t user_data() const noexcept {
    return reinterpret_cast<std::uintptr_t>(this) | (std::uint64_t{generation_} << address_bits);
  }

  /// For rings: the bits of user_data that are free for the number of a step, 0 without one.
  static constexpr std::uint64_t step_mask = 7;

  /// For rings: the operation that `user_data` names, or null when that operation already ended.
  static Op* of(std::uint64_t user_data) noexcept {
    constexpr std::uint64_t address_mask = (std::uint64_t{1} << address_bits) - 1;
    auto* op = reinterpret_cast<Op*>(user_data & address_mask & ~step_mask);
    const auto generation = static_cast<std::uint16_t>(user_data >> address_bits);
    return op->armed_ && op->generation_ == generation ? op : nullptr;
  }

  /// For loops: hands a completion to the owner. The last one ends the lease first, so that the
  /// owner may arm the operation again from inside.
  void complete(Completion completion) noexcept {
    if (!completion.more()) {
      armed_ = false;
      ++generation_;
      --leases_->count_;
    }
    run_(owner_, completion);
  }

private:
  static constexpr unsigned address_bits = 48;

  Run run_;
  void* owner_;
  Leases* leases_;
  std::uint16_t generation_ = 0;
  bool armed_ = false;
};

} // namespace ringfort::engine
