// host_and_port — a place as the command line writes it: HOST:PORT, an IPv6 address in brackets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringfort/engine.hpp>

namespace ringfort::cli {

/// As it is, unless it is all in brackets.
std::string_view without_brackets(std::string_view host) noexcept;

/// 1..65535.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

/// It has the letters of one, IDN as xn--.
bool is_host_name(std::string_view text) noexcept;

/// "192.0.2.1:443", "[::1]:443", "host:443"; the host comes without brackets. Empty when it is none
/// of them: a bare IPv6 address cannot be told from one with a port.
std::optional<Endpoint> parse_host_and_port(std::string_view text);

/// "A.example." and "a.example" are one name: lower case, without the final dot.
std::string one_spelling(std::string_view name);

} // namespace ringfort::cli
