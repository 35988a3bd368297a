// pins — the keys that a server's chain has to hold one of (RFC 7469 section 2.6).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <ringfort/error.hpp>

struct stack_st_X509;

namespace ringfort::tls {

/// SHA-256 of a SubjectPublicKeyInfo.
using Pin = std::array<std::byte, 32>;

/// From base64. Errors: tls_context.bad_pin (detail: which one, from 1).
Result<std::vector<Pin>> parse_pins(std::span<const std::string> texts);

/// A certificate of the chain has one of the keys.
bool has_pinned(const stack_st_X509* chain, std::span<const Pin> pins) noexcept;

} // namespace ringfort::tls
