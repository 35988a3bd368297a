// framing — how a body's end is told (RFC 9112 section 6.3).
#pragma once

#include <cstdint>

#include <ringfort/message.hpp>

namespace ringfort::http {

enum class BodyFraming : std::uint8_t {
  none,        ///< no body
  length,      ///< content-length says how many bytes
  chunked,     ///< transfer-encoding: chunked
  until_close, ///< the end of the connection; responses only
};

/// Whether a response may not carry a body whatever its fields say (RFC 9112 section 6.3, rules 1
/// and 2).
constexpr bool forbids_body(Method request, int status) noexcept {
  return request == Method::head || status < 200 || status == 204 || status == 304;
}

} // namespace ringfort::http
