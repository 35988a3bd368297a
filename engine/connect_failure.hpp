// connect_failure — the row of fault.def that tells why a connection was not made.
#pragma once

#include <cerrno>

#include <ringfort/error.hpp>

namespace ringfort::engine {

/// What socket(2) or connect(2) ended with, as an error. Errors: connect.*, the errno as detail.
inline std::unexpected<Error> connect_failure(int error_number) noexcept {
  switch (error_number) {
  case ENOENT: // Of a unix socket.
  case ECONNREFUSED: return fail(Code::connect_refused, error_number);
  case ENETUNREACH:
  case EHOSTUNREACH:
  case EADDRNOTAVAIL:
  case ENETDOWN:
  case EAFNOSUPPORT: return fail(Code::connect_unreachable, error_number);
  case ETIMEDOUT: return fail(Code::connect_timed_out, error_number);
  case EMFILE:
  case ENFILE:
  case ENOBUFS: return fail(Code::connect_descriptors_spent, error_number);
  default: return fail(Code::connect_failed, error_number);
  }
}

} // namespace ringfort::engine
