// upgrade — which protocols a client offers to switch to (RFC 9110 section 7.8).
#pragma once

#include <string_view>

#include <ringfort/message.hpp>

namespace ringfort::http {

/// The value of Upgrade, when Connection names that field and the request is HTTP/1.1; else empty.
std::string_view offered_protocols(const Head& head, Fields fields) noexcept;

/// Whether `offered` has that protocol: name and version, letters of either case.
bool offers(std::string_view offered, std::string_view protocol) noexcept;

} // namespace ringfort::http
