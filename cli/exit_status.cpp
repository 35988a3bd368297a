#include "cli/exit_status.hpp"

namespace ringfort::cli {

ExitStatus exit_status_of(Code code) noexcept {
  switch (code) {
  case Code::ring_refused:
  case Code::ring_kernel_too_old:
  case Code::tls_context_kernel_records_unavailable: return ExitStatus::unavailable;
  case Code::listen_not_permitted: return ExitStatus::not_permitted;
  case Code::listen_address_invalid: return ExitStatus::usage;
  case Code::config_root_unusable: return ExitStatus::config;
  default: break;
  }
  switch (fault_of(code).stage) {
  case Stage::config: return ExitStatus::usage;
  case Stage::tls_context: return ExitStatus::config;
  default: return ExitStatus::os_error;
  }
}

} // namespace ringfort::cli
