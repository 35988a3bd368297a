// ticket_ratchet — a secret for each period of time, of which none in the past can be had again.
//
// The secrets are the leaves of a binary tree in which each child is an HMAC of its parent
// (Goldreich, Goldwasser, Micali 1986). Kept are only the nodes to the right of the path to the
// present. So whoever starts from one root arrives at the same secrets, by whatever steps, and a
// jump over any number of periods costs no more than 64 HMACs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringfort::tls {

using TicketSecret = std::array<std::byte, 32>;

class TicketRatchet {
public:
  static constexpr unsigned height_max = 32;

  struct Node {
    TicketSecret secret;
    std::uint32_t first; ///< period of its first leaf
    std::uint8_t height; ///< it has 2^height leaves
  };

  explicit TicketRatchet(const TicketSecret& root) noexcept;
  /// From where another one stands. `ahead` is sound.
  explicit TicketRatchet(std::span<const Node> ahead) noexcept;
  TicketRatchet(const TicketRatchet&) = delete;
  TicketRatchet& operator=(const TicketRatchet&) = delete;
  ~TicketRatchet();

  /// Goes forward to `period` and writes its secret; those before it are erased. False for a period
  /// that is gone, or when OpenSSL has no memory: nothing that lies ahead is lost then.
  bool advance(std::uint32_t period, TicketSecret& out) noexcept;

  /// What lies ahead, farthest first.
  std::span<const Node> ahead() const noexcept { return std::span(nodes_).first(count_); }
  /// Whether these could be ahead of a ratchet: each ends where the one before it begins.
  static bool is_sound(std::span<const Node> ahead) noexcept;

private:
  bool split_nearest() noexcept;
  void erase_nearest() noexcept;

  std::array<Node, height_max + 1> nodes_;
  std::size_t count_ = 1;
};

} // namespace ringfort::tls
