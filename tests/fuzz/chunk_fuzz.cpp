// Chunked bodies: the parser beside a decoder that knows nothing of it (RFC 9112 section 7.1). The
// first byte chooses where the input is cut.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <ringfort/check.hpp>

#include "http/parser.hpp"
#include "tests/fuzz/lines.hpp"
#include "tests/fuzz/target.hpp"

namespace ringfort::http {
namespace {

constexpr std::string_view head =
    "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";

enum class Verdict : std::uint8_t { whole, short_of_bytes, wrong };

struct Decoded {
  Verdict verdict = Verdict::short_of_bytes;
  std::string body;            ///< of a whole one
  std::size_t taken_bytes = 0; ///< likewise
};

/// A line up to its CRLF; nothing when it does not end. `wrong` for a CR or LF on its own.
std::optional<std::string_view> take_crlf_line(std::string_view& rest, bool& wrong) {
  const std::size_t end = rest.find_first_of("\r\n");
  if (end == std::string_view::npos) return {};
  wrong = rest[end] == '\n' || (end + 1 < rest.size() && rest[end + 1] != '\n');
  if (wrong || end + 1 == rest.size()) return {};
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

bool is_field(std::string_view line) {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const std::string_view name = line.substr(0, line.find(':'));
  const bool token = std::ranges::all_of(name, [](char letter) {
    const auto small = static_cast<char>(letter | 0x20);
    return (small >= 'a' && small <= 'z') || (letter >= '0' && letter <= '9') ||
           marks.contains(letter);
  });
  const bool content = std::ranges::all_of(line.substr(name.size()), [](char letter) {
    return static_cast<unsigned char>(letter) >= ' ' ? letter != 0x7f : letter == '\t';
  });
  return !name.empty() && name.size() < line.size() && token && content;
}

/// The size that a line says, its extension passed over; nothing for none, or for one beyond 64
/// bits. `plain`: it has neither extension nor zeros that say nothing.
std::optional<std::uint64_t> size_of(std::string_view line, bool& plain) {
  constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
  std::uint64_t size = 0;
  std::size_t at = 0;
  for (; at < line.size() && digits.contains(line[at]); ++at) {
    if (size >> 60 != 0) return {};
    size = size << 4 | digits.find(line[at]) % 16;
  }
  plain = plain && at == line.size() && at <= 16;
  const std::string_view rest = line.substr(at);
  const std::size_t mark = rest.find_first_not_of(" \t");
  const bool extended = mark != std::string_view::npos && rest[mark] == ';';
  if (at == 0 || !(rest.empty() || extended)) return {};
  return size;
}

Decoded decode(std::string_view rest, bool& plain) {
  Decoded decoded;
  const std::size_t all_bytes = rest.size();
  bool wrong = false;
  const auto ended = [&](bool bad) {
    decoded.verdict = bad ? Verdict::wrong : Verdict::short_of_bytes;
    return decoded;
  };
  while (true) {
    const auto line = take_crlf_line(rest, wrong);
    if (!line) return ended(wrong);
    const auto size = size_of(*line, plain);
    if (!size) return ended(true);
    if (*size == 0) break;
    if (*size > rest.size()) return ended(false);
    decoded.body.append(rest.substr(0, *size));
    rest.remove_prefix(*size);
    if (!std::string_view("\r\n").starts_with(rest.substr(0, 2))) return ended(true);
    if (rest.size() < 2) return ended(false);
    rest.remove_prefix(2);
  }
  while (true) {
    const auto line = take_crlf_line(rest, wrong);
    if (!line) return ended(wrong);
    if (line->empty()) break;
    plain = false; // Some trailers are refused, for what they would say in a head.
    if (!is_field(*line)) return ended(true);
  }
  decoded.verdict = Verdict::whole;
  decoded.taken_bytes = all_bytes - rest.size();
  return decoded;
}

Decoded parse(const std::string& text, std::size_t cut) {
  static std::array<std::byte, 32'768> block; // Not freed: quarantine would slow the fuzzer down.
  Arena arena(block);
  AuthorityCheck authorities;
  Parser parser(Role::server, authorities);
  parser.begin(arena, {});
  Decoded decoded;
  std::size_t at = 0;
  for (const std::size_t end : {cut, text.size()}) {
    while (at < end) {
      const auto step = parser.parse(bytes_of(std::string_view(text).substr(at, end - at)));
      if (!step) {
        decoded.verdict = Verdict::wrong;
        return decoded;
      }
      at += step->consumed_bytes;
      decoded.body.append(text_of(step->piece));
      if (!step->last) continue;
      decoded.verdict = Verdict::whole;
      decoded.taken_bytes = at - head.size() + (fuzz::planted() ? 1 : 0);
      return decoded;
    }
  }
  return decoded;
}

} // namespace
} // namespace ringfort::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace ringfort;
  using namespace ringfort::http;
  if (bytes < 2 || bytes > 4'096) return 0;
  const std::string_view body = fuzz::text_after_choice(data, bytes);
  bool plain = true;
  const Decoded expected = decode(body, plain);
  const std::string text = std::string(head).append(body);
  const Decoded parsed = parse(text, head.size() + data[0] % body.size());
  if (parsed.verdict == Verdict::whole || (plain && expected.verdict == Verdict::whole)) {
    RINGFORT_CHECK(parsed.verdict == expected.verdict);
    RINGFORT_CHECK(parsed.body == expected.body && parsed.taken_bytes == expected.taken_bytes);
  }
  if (expected.verdict == Verdict::wrong) RINGFORT_CHECK(parsed.verdict == Verdict::wrong);
  return 0;
}
