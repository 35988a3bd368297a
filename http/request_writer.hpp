// request_writer — the head of a request, written into space that is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

#include "http/authority.hpp"
#include "http/framing.hpp"

namespace ringfort::http {

struct RequestHead {
  std::string_view method = "GET"; ///< a token (RFC 9110 section 9.1)
  /// Origin form, where a query alone is that of "/" (RFC 9112 section 3.2.1); "*" for OPTIONS;
  /// host and port for CONNECT.
  std::string_view target = "/";
  /// "http://host", for a proxy: it stands before the target (RFC 9112 section 3.2.2).
  std::string_view root = {};
  std::string_view authority = {}; ///< of the Host field; not empty
  std::span<const Field> fields = {};
  bool fields_vouched = false;               ///< they may be sent, and nobody has to look
  BodyFraming framing = BodyFraming::none;   ///< not until_close
  std::uint64_t content_length = 0;          ///< of a length framing
  bool expects_continue = false;             ///< expect: 100-continue
  bool closes = false;                       ///< connection: close, unless there is an upgrade
  std::string_view upgrade = {};             ///< protocols to switch to; empty: none is offered
  std::string_view proxy_authorization = {}; ///< empty: no such field
};

/// Writes request line and fields, host first, with the empty line, and answers their length. A
/// POST, PUT or PATCH without a body says content-length: 0 (RFC 9110 section 8.6). `authorities`
/// knows the last one that was asked for.
/// Errors: call.bad_request: a method, target, authority or protocol that may not be there, a name
///         that is no token, a value with a control byte, a field that is the engine's (host too),
///         or a head longer than `out`.
/// Cost:   one look at each byte, but of fields that are vouched for, and one copy.
Result<std::size_t> write_request(MutableBytes out, const RequestHead& head,
                                  AuthorityCheck& authorities) noexcept;

} // namespace ringfort::http
