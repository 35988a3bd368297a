// forwarded — the claims of proxies as they are on the wire: read strictly, written cleanly.
#pragma once

#include <span>
#include <string_view>

#include <ringfort/forwarded.hpp>
#include <ringfort/message.hpp>

namespace ringfort::http {

/// What the fields claim; see TrustedProxies::claims. Whether that counts, and whether the client
/// is an address, is not asked here.
Forwarded read_forwarded(Fields fields) noexcept;

/// Fields that only proxies write: Forwarded, X-Forwarded-* and X-Real-IP.
bool claims_client(std::string_view name) noexcept;

/// Room for one element whose host is as long as a name can be.
inline constexpr std::size_t forwarded_bytes_max = 400;

/// One element of Forwarded (RFC 7239 section 4): for="[2001:db8::1]";host="a:81";proto=https. What
/// is empty is left out, and so is a host that is longer than a name can be.
std::string_view write_forwarded(std::span<char, forwarded_bytes_max> room,
                                 const Forwarded& claim) noexcept;

} // namespace ringfort::http
