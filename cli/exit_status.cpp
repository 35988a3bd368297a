#include "cli/exit_status.hpp"

#include <cstring>
#include <iostream>

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

ExitStatus complain(const Error& error, std::string_view about) {
  const Fault& fault = fault_of(error.code);
  std::cerr << "ringfort: " << fault.stage_name << '.' << fault.name << ": ";
  if (!about.empty()) std::cerr << about << ": ";
  std::cerr << fault.text;
  // Host faults and unreadable files carry an errno.
  const bool is_errno = fault.origin == Origin::host || error.code == Code::tls_context_unreadable;
  if (error.detail != 0 && is_errno) {
    std::cerr << " (" << std::strerror(error.detail) << ')';
  } else if (error.detail != 0) {
    std::cerr << " (detail " << error.detail << ')';
  }
  std::cerr << std::endl;
  return exit_status_of(error.code);
}

} // namespace ringfort::cli
