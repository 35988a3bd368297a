// Looking up fields by name, without regard to case (RFC 9110 section 5.1).
#include <ringfort/message.hpp>

#include <algorithm>
#include <cstdint>

namespace ringfort {

namespace {

constexpr bool same_letter(char one, char other) noexcept {
  constexpr char case_bit = 0x20;
  const int differing = one ^ other;
  if (differing == 0) return true;
  const char lower = static_cast<char>(one | case_bit);
  return differing == case_bit && lower >= 'a' && lower <= 'z';
}

/// Of the same size.
bool same_letters(std::string_view one, std::string_view other) noexcept {
  return std::equal(one.begin(), one.end(), other.begin(), same_letter);
}

// Most names differ in size: that costs no call where many are looked at.
inline bool same(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && same_letters(one, other);
}

} // namespace

bool same_name(std::string_view one, std::string_view other) noexcept { return same(one, other); }

std::optional<std::string_view> Fields::find(std::string_view name) const noexcept {
  for (const Field& field : all_) {
    if (same(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      all_.begin(), all_.end(), [name](const Field& field) { return same(field.name, name); }));
}

} // namespace ringfort
