// ticket_keys — what stands behind a public TicketKeys: the secrets in use, newest first.
#pragma once

#include <mutex>
#include <optional>
#include <span>

#include <ringfort/ticket_keys.hpp>

#include "tls/ticket_ratchet.hpp"

namespace ringfort::tls {

class TicketKeys::Secrets {
public:
  static constexpr std::size_t count_max = 16; ///< one that seals, and those that still open

  /// Generated ones, from `root` on.
  Secrets(const TicketSecret& root, const TicketRotation& rotation, std::int64_t now_unix_s);
  /// Given ones, the first of which seals.
  explicit Secrets(std::span<const TicketSecret> given);
  /// Generated ones as another process had them.
  struct Snapshot;
  explicit Secrets(const Snapshot& snapshot);
  Secrets(const Secrets&) = delete;
  Secrets& operator=(const Secrets&) = delete;
  ~Secrets();

  /// The period of time that `now_unix_s` falls into; 0 before the first one, and for given keys.
  std::uint32_t period_at(std::int64_t now_unix_s) const noexcept;

  /// A copy of the secrets in use.
  struct Present {
    std::uint32_t period = 0;
    std::size_t count = 0;
    std::array<TicketSecret, count_max> newest_first;

    Present() noexcept = default;
    Present(const Present&) = delete;
    Present& operator=(const Present&) = delete;
    ~Present();
  };
  /// Those of `period`, or of a later one that another shard has come to already. False when
  /// OpenSSL has no memory.
  bool read(std::uint32_t period, Present& out) noexcept;

  /// Given ones are compared in constant time; generated ones are never the same.
  bool same_given(const Secrets& other) const noexcept;

  /// False for given ones.
  bool write(Snapshot& out);

  std::string text() const;

private:
  bool move_on_to(std::uint32_t period) noexcept;

  TicketRotation rotation_;
  std::int64_t first_period_unix_s_ = 0;
  std::mutex mutex_; ///< guards what follows
  std::optional<TicketRatchet> ratchet_;
  Present present_;
};

/// As it lies in memory: it goes from one process to the next on the same machine.
struct TicketKeys::Secrets::Snapshot {
  static constexpr std::uint64_t mark_of_this_layout = 0x7466676e69720001;

  std::uint64_t mark = mark_of_this_layout;
  std::int64_t first_period_unix_s = 0;
  std::int64_t period_s = 0;
  std::uint32_t previous = 0;
  std::uint32_t present_period = 0;
  std::uint32_t present_count = 0;
  std::uint32_t ahead_count = 0;
  std::array<TicketSecret, count_max> newest_first{};
  std::array<TicketRatchet::Node, TicketRatchet::height_max + 1> ahead{};

  Snapshot() noexcept = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot();

  bool is_sound() const noexcept;
};

} // namespace ringfort::tls
