// Looking up fields by name, without regard to case (RFC 9110 section 5.1).
#include <ringfort/message.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace ringfort {

namespace {

constexpr std::array<char, 256> lower_case = [] {
  std::array<char, 256> table{};
  for (unsigned byte = 0; byte < table.size(); ++byte) {
    const bool upper = byte >= 'A' && byte <= 'Z';
    table[byte] = static_cast<char>(upper ? byte + ('a' - 'A') : byte);
  }
  return table;
}();

constexpr bool same_letter(char one, char other) noexcept {
  return lower_case[static_cast<unsigned char>(one)] ==
         lower_case[static_cast<unsigned char>(other)];
}

} // namespace

bool same_name(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() &&
         std::equal(one.begin(), one.end(), other.begin(), same_letter);
}

std::optional<std::string_view> Fields::find(std::string_view name) const noexcept {
  for (const Field& field : all_) {
    if (same_name(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(),
                    [name](const Field& field) { return same_name(field.name, name); }));
}

} // namespace ringfort
