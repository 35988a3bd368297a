// exit_status — what the program's exit status says (sysexits.h).
#pragma once

#include <ringfort/client.hpp>
#include <ringfort/error.hpp>

namespace ringfort::cli {

enum class ExitStatus : int {
  ok = 0,
  proxy = 5,          ///< no way through the proxy; this and what follows as curl has it
  resolve = 6,        ///< the server's name has no address, or the proxy's
  connect = 7,        ///< no connection to the server
  bad_status = 22,    ///< fetch --fail: a status from 400 on
  tls = 35,           ///< no TLS with the server
  redirected = 47,    ///< a redirection that is not followed, though --follow wants it
  wait = 52,          ///< no answer to the request
  upload = 55,        ///< the request could not be sent whole
  response = 56,      ///< the answer is malformed, late or cut
  untrusted = 60,     ///< the server is not who it should be, or nobody says so who is believed
  usage = 64,         ///< the command line is wrong
  unavailable = 69,   ///< io_uring is refused or too old, or nobody answers inspect
  os_error = 71,      ///< the system refused something else
  not_permitted = 77, ///< binding the address needs a right that this process lacks
  config = 78,        ///< certificate, key, settings or a file cannot be used, or a reload refused
};

ExitStatus exit_status_of(Code code) noexcept;

/// Of a call that failed in this phase.
ExitStatus exit_status_of(const Error& error, Phase phase) noexcept;

} // namespace ringfort::cli
