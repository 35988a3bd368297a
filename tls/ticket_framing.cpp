#include "tls/ticket_framing.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::tls {

namespace {

constexpr std::uint32_t header_bytes_max = 4;
constexpr std::byte new_session_ticket{4};
/// Lifetime and age_add, nonce, ticket and extensions with their lengths.
constexpr std::uint32_t ticket_bytes_max = 8 + 256 + 65'537 + 65'536;

} // namespace

Result<std::uint32_t> TicketFraming::take(Bytes fragment) noexcept {
  std::uint32_t tickets = 0;
  while (!fragment.empty()) {
    std::size_t bytes = 1;
    if (header_bytes_ < header_bytes_max) {
      if (auto taken = take_header(fragment[0]); !taken) return std::unexpected(taken.error());
    } else {
      bytes = std::min<std::size_t>(missing_bytes_, fragment.size());
      missing_bytes_ -= static_cast<std::uint32_t>(bytes);
    }
    fragment = fragment.subspan(bytes);
    if (header_bytes_ < header_bytes_max || missing_bytes_ > 0) continue;
    *this = {};
    ++tickets;
  }
  return tickets;
}

Result<> TicketFraming::take_header(std::byte next) noexcept {
  if (header_bytes_ == 0 && next != new_session_ticket) {
    return fail(Code::tls_record_unexpected_message);
  }
  header_ = header_ << 8 | std::to_integer<std::uint32_t>(next);
  if (++header_bytes_ < header_bytes_max) return {};
  missing_bytes_ = header_ & 0xff'ffff;
  if (missing_bytes_ > ticket_bytes_max) return fail(Code::tls_record_unexpected_message);
  return {};
}

} // namespace ringfort::tls
