// Credentials as Basic authentication writes them (RFC 7617).
#include <ringfort/credentials.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ringfort/target.hpp>

namespace ringfort {

namespace {

/// RFC 4648 section 4.
std::string base64(std::string_view bytes) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      const char byte = index < group.size() ? group[index] : '\0';
      bits = bits << 8 | static_cast<unsigned char>(byte);
    }
    for (std::size_t index = 0; index < 4; ++index) {
      const std::size_t letter = bits >> (18 - 6 * index) & 63;
      text.push_back(index <= group.size() ? letters[letter] : '=');
    }
  }
  return text;
}

} // namespace

std::string basic_credentials(std::string_view user_information) {
  std::vector<std::byte> block(user_information.size());
  Arena arena{MutableBytes(block)};
  std::string user(percent_decoded(user_information, arena).value_or(user_information));
  if (!user_information.contains(':')) user.push_back(':');
  return "Basic " + base64(user);
}

} // namespace ringfort
