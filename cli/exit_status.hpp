// exit_status — what the program's exit status says (sysexits.h).
#pragma once

#include <ringfort/error.hpp>

namespace ringfort::cli {

enum class ExitStatus : int {
  ok = 0,
  usage = 64,         ///< the command line is wrong
  unavailable = 69,   ///< io_uring is refused or too old, or nobody answers inspect
  os_error = 71,      ///< the system refused something else
  not_permitted = 77, ///< binding the address needs a right that this process lacks
  config = 78,        ///< certificate, key, settings or a file cannot be used, or a reload refused
};

ExitStatus exit_status_of(Code code) noexcept;

} // namespace ringfort::cli
