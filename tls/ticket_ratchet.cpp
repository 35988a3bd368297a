#include "tls/ticket_ratchet.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

namespace ringfort::tls {

namespace {

bool derive(const TicketSecret& parent, unsigned char side, TicketSecret& child) noexcept {
  unsigned bytes = 0;
  return HMAC(EVP_sha256(), parent.data(), static_cast<int>(parent.size()), &side, 1,
              reinterpret_cast<unsigned char*>(child.data()), &bytes) != nullptr &&
         bytes == child.size();
}

} // namespace

TicketRatchet::TicketRatchet(const TicketSecret& root) noexcept {
  nodes_[0] = {.secret = root, .first = 0, .height = height_max};
}

TicketRatchet::TicketRatchet(std::span<const Node> ahead) noexcept : count_(ahead.size()) {
  std::ranges::copy(ahead, nodes_.begin());
}

bool TicketRatchet::is_sound(std::span<const Node> ahead) noexcept {
  if (ahead.empty() || ahead.size() > height_max + 1) return false;
  std::uint64_t end = std::uint64_t{1} << height_max;
  for (const Node& node : ahead) {
    if (node.height > height_max || node.first + (std::uint64_t{1} << node.height) != end) {
      return false;
    }
    end = node.first;
  }
  return true;
}

TicketRatchet::~TicketRatchet() { OPENSSL_cleanse(nodes_.data(), sizeof nodes_); }

bool TicketRatchet::advance(std::uint32_t period, TicketSecret& out) noexcept {
  while (count_ > 0) {
    const Node& nearest = nodes_[count_ - 1];
    if (period < nearest.first) return false;
    if ((std::uint64_t{period} - nearest.first) >> nearest.height != 0) {
      erase_nearest();
    } else if (nearest.height > 0) {
      if (!split_nearest()) return false;
    } else {
      out = nearest.secret;
      return true;
    }
  }
  return false;
}

/// Puts its two children in a node's place, the left one nearest.
bool TicketRatchet::split_nearest() noexcept {
  Node& parent = nodes_[count_ - 1];
  const auto height = static_cast<std::uint8_t>(parent.height - 1);
  Node left{.secret = {}, .first = parent.first, .height = height};
  Node right{.secret = {}, .first = parent.first + (1U << height), .height = height};
  const bool derived =
      derive(parent.secret, 0, left.secret) && derive(parent.secret, 1, right.secret);
  if (derived) {
    parent = right;
    nodes_[count_++] = left;
  }
  OPENSSL_cleanse(&left, sizeof left);
  OPENSSL_cleanse(&right, sizeof right);
  return derived;
}

void TicketRatchet::erase_nearest() noexcept {
  --count_;
  OPENSSL_cleanse(&nodes_[count_], sizeof(Node));
}

} // namespace ringfort::tls
