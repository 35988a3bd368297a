#include "tls/alerts.hpp"

namespace ringfort::tls {

Alert alert_for(const Error& error) noexcept {
  switch (error.code) {
  case Code::tls_record_bad_mac: return Alert::bad_record_mac;
  case Code::tls_record_oversized: return Alert::record_overflow;
  case Code::tls_record_renegotiation: return Alert::no_renegotiation;
  case Code::tls_record_malformed:
  case Code::tls_record_unexpected_message:
  case Code::tls_record_key_update_flood: return Alert::unexpected_message;
  case Code::tls_handshake_malformed: return Alert::decode_error;
  case Code::tls_handshake_oversized_hello: return Alert::record_overflow;
  case Code::tls_handshake_unknown_name:
  case Code::tls_handshake_name_refused: return Alert::unrecognized_name;
  case Code::tls_record_key_update_unsupported:
  case Code::tls_record_peer_alert: return Alert::close_notify;
  default: return Alert::internal_error;
  }
}

} // namespace ringfort::tls
