// values — quantities with units, as the command line writes them: 64KiB, 250ms.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringfort::cli {

/// A count: digits only.
std::optional<std::uint64_t> parse_count(std::string_view text) noexcept;

/// A count that is a power of two.
std::optional<std::uint64_t> parse_power(std::string_view text) noexcept;

/// A size in bytes: digits and an optional K, KiB, M, MiB, G or GiB (all powers of 1,024).
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// A duration: digits and ms, s, m or h. A bare number has no unit and is refused.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// "64KiB", "16MiB", "100".
std::string size_text(std::uint64_t bytes);
/// "250ms", "65s", "24h".
std::string duration_text(std::chrono::milliseconds duration);
/// "2026-01-31T12:00:00Z".
std::string utc_text(std::int64_t unix_s);
/// Whole days from now; negative when it is past.
std::int64_t days_until(std::int64_t unix_s);

} // namespace ringfort::cli
