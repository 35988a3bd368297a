#include "cli/exit_status.hpp"

namespace ringfort::cli {

namespace {

/// What the handshake could go on with, had the server been believed.
bool is_disbelief(Code code) noexcept {
  switch (code) {
  case Code::tls_handshake_server_certificate_unknown_issuer:
  case Code::tls_handshake_server_certificate_untrusted_root:
  case Code::tls_handshake_server_certificate_self_signed:
  case Code::tls_handshake_server_certificate_expired:
  case Code::tls_handshake_server_certificate_not_yet_valid:
  case Code::tls_handshake_server_certificate_revoked:
  case Code::tls_handshake_server_revocation_unknown:
  case Code::tls_handshake_server_certificate_wrong_name:
  case Code::tls_handshake_server_certificate_too_weak:
  case Code::tls_handshake_server_signature_too_weak:
  case Code::tls_handshake_server_certificate_refused:
  case Code::tls_handshake_server_key_not_pinned: return true;
  default: return false;
  }
}

/// Something came, though a head did not.
bool is_bad_answer(Code code) noexcept {
  const bool nothing = code == Code::answer_none || code == Code::answer_head_timed_out;
  return fault_of(code).stage == Stage::answer && !nothing;
}

} // namespace

ExitStatus exit_status_of(Code code) noexcept {
  switch (code) {
  case Code::ring_refused:
  case Code::ring_kernel_too_old:
  case Code::tls_context_kernel_records_unavailable: return ExitStatus::unavailable;
  case Code::listen_not_permitted: return ExitStatus::not_permitted;
  case Code::listen_address_invalid:
  case Code::call_bad_url:
  case Code::call_bad_request: return ExitStatus::usage;
  case Code::config_root_unusable: return ExitStatus::config;
  default: break;
  }
  switch (fault_of(code).stage) {
  case Stage::config: return ExitStatus::usage;
  case Stage::tls_context: return ExitStatus::config;
  default: return ExitStatus::os_error;
  }
}

ExitStatus exit_status_of(const Error& error, Phase phase) noexcept {
  if (exit_status_of(error.code) != ExitStatus::os_error) return exit_status_of(error.code);
  if (is_disbelief(error.code)) return ExitStatus::untrusted;
  // In TLS 1.3 a server tells behind the handshake what it misses of it.
  const bool of_handshake = fault_of(error.code).stage == Stage::tls_handshake;
  if (of_handshake && phase > Phase::tls) return ExitStatus::tls;
  switch (phase) {
  case Phase::resolve: return ExitStatus::resolve;
  case Phase::connect: return ExitStatus::connect;
  case Phase::proxy: return ExitStatus::proxy;
  case Phase::tls: return ExitStatus::tls;
  case Phase::upload: return ExitStatus::upload;
  case Phase::wait: return is_bad_answer(error.code) ? ExitStatus::response : ExitStatus::wait;
  case Phase::response: return ExitStatus::response;
  case Phase::pending:
  case Phase::done: break;
  }
  return ExitStatus::os_error;
}

} // namespace ringfort::cli
