// ticket_framing — where the NewSessionTickets end that a server sends to a client (RFC 8446
// section 4.6.1). One may be split over records (section 5.1), with nothing else between them.
#pragma once

#include <cstdint>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

namespace ringfort::tls {

/// Keeps nothing of what they say: that is for who resumes.
class TicketFraming {
public:
  /// Takes what one record says. Answers how many tickets ended in it.
  /// Errors: tls_record.unexpected_message: another message, or a ticket that is too long.
  Result<std::uint32_t> take(Bytes fragment) noexcept;
  /// The next record has to go on with a ticket that was begun.
  bool within_ticket() const noexcept { return header_bytes_ > 0; }

private:
  Result<> take_header(std::byte next) noexcept;

  std::uint32_t header_ = 0; ///< the type and the length, as far as they came
  std::uint32_t header_bytes_ = 0;
  std::uint32_t missing_bytes_ = 0; ///< of what the length said
};

} // namespace ringfort::tls
