// request_target — which forms a request's target may have (RFC 9112 section 3.2).
#pragma once

#include <optional>
#include <string_view>

#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

#include "http/authority.hpp"

namespace ringfort::http {

/// http_parse.bad_target, or http_parse.bad_host for an authority inside it; nothing when all is
/// well. Stricter than llhttp: no fragment, "*" alone and for OPTIONS (or a method that RFC 9110
/// does not name), an authority that is not empty, and for CONNECT one with a port.
std::optional<Code> target_fault(Method method, std::string_view target,
                                 AuthorityCheck& authorities) noexcept;

} // namespace ringfort::http
