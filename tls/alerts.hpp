// alerts — alert numbers (RFC 8446 section 6) and which one answers which fault.
#pragma once

#include <cstdint>

#include <ringfort/error.hpp>

namespace ringfort::tls {

enum class Alert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  handshake_failure = 40,
  bad_certificate = 42,
  certificate_unknown = 46,
  access_denied = 49,
  decode_error = 50,
  protocol_version = 70,
  insufficient_security = 71,
  internal_error = 80,
  no_renegotiation = 100,
  unrecognized_name = 112,
  certificate_required = 116,
  no_application_protocol = 120,
};

/// What to tell the peer of a failure that OpenSSL does not tell it of: one of its hello, of the
/// record layer, or of anything behind it.
Alert alert_for(const Error& error) noexcept;

} // namespace ringfort::tls
