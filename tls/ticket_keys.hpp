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

  std::string text() const;

private:
  bool move_on_to(std::uint32_t period) noexcept;

  TicketRotation rotation_;
  std::int64_t first_period_unix_s_ = 0;
  std::mutex mutex_; ///< guards what follows
  std::optional<TicketRatchet> ratchet_;
  Present present_;
};

} // namespace ringfort::tls
