#include "net/gateway_failure.hpp"

namespace ringfort::net {

namespace {

constexpr GatewayFailure of_connect(Code code) noexcept {
  switch (code) {
  case Code::connect_refused: return {502, "connection_refused"};
  case Code::connect_timed_out: return {504, "connection_timeout"};
  case Code::connect_unreachable: return {502, "destination_ip_unroutable"};
  default: return {503, "destination_unavailable"};
  }
}

constexpr GatewayFailure of_handshake(Code code) noexcept {
  switch (code) {
  case Code::tls_handshake_timed_out: return {504, "connection_timeout"};
  case Code::tls_handshake_peer_closed: return {502, "connection_terminated"};
  case Code::tls_handshake_peer_alert: return {502, "tls_alert_received"};
  case Code::tls_handshake_server_certificate_unknown_issuer:
  case Code::tls_handshake_server_certificate_untrusted_root:
  case Code::tls_handshake_server_certificate_self_signed:
  case Code::tls_handshake_server_certificate_expired:
  case Code::tls_handshake_server_certificate_not_yet_valid:
  case Code::tls_handshake_server_certificate_revoked:
  case Code::tls_handshake_server_revocation_unknown:
  case Code::tls_handshake_server_certificate_wrong_name:
  case Code::tls_handshake_server_certificate_too_weak:
  case Code::tls_handshake_server_certificate_refused:
  case Code::tls_handshake_server_key_not_pinned: return {502, "tls_certificate_error"};
  default: return {502, "tls_protocol_error"};
  }
}

constexpr GatewayFailure of_call(Code code) noexcept {
  switch (code) {
  case Code::call_bad_request: return {400, "http_request_error"};
  case Code::call_queue_full:
  case Code::call_queue_timed_out: return {503, "connection_limit_reached"};
  case Code::call_timed_out: return {504, "http_response_timeout"};
  default: return {503, "proxy_internal_error"};
  }
}

constexpr GatewayFailure of_answer(Code code) noexcept {
  switch (code) {
  case Code::answer_none: return {502, "connection_terminated"};
  case Code::answer_head_timed_out:
  case Code::answer_body_timed_out: return {504, "http_response_timeout"};
  case Code::answer_cut_short: return {502, "http_response_incomplete"};
  case Code::answer_head_too_large: return {502, "http_response_header_section_size"};
  case Code::answer_bad_switch: return {502, "http_upgrade_failed"};
  default: return {502, "http_protocol_error"};
  }
}

} // namespace

GatewayFailure gateway_failure(Code code) noexcept {
  switch (fault_of(code).stage) {
  case Stage::resolve:
    return code == Code::resolve_timed_out ? GatewayFailure{504, "dns_timeout"}
                                           : GatewayFailure{502, "dns_error"};
  case Stage::connect: return of_connect(code);
  case Stage::proxy: return {502, "destination_unavailable"};
  case Stage::tls_handshake: return of_handshake(code);
  case Stage::tls_record: return {502, "tls_protocol_error"};
  case Stage::upload:
    return code == Code::upload_stalled ? GatewayFailure{504, "connection_write_timeout"}
                                        : GatewayFailure{502, "connection_terminated"};
  case Stage::answer: return of_answer(code);
  case Stage::call: return of_call(code);
  default: return {500, "proxy_internal_error"};
  }
}

bool takes_no_connection(Phase reached, Code code) noexcept {
  if (reached >= Phase::upload) return false;
  switch (fault_of(code).stage) {
  case Stage::resolve:
  case Stage::connect:
  case Stage::proxy:
  case Stage::tls_handshake:
  case Stage::tls_record: return true;
  default: return false;
  }
}

} // namespace ringfort::net
