// What llhttp passes over or leaves to its user, and a strict reader does not.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "http/list_reader.hpp"
#include "http/parser.hpp"
#include "http/words.hpp"

namespace ringfort::http {

namespace {

/// Whether a field has this name of small letters. Among token letters only the case bit of a
/// letter differs, so words of them are compared; the last may overlap the one before.
template <std::size_t Size>
bool is_named(const Field& field, const char (&name)[Size]) noexcept {
  constexpr std::size_t bytes = Size - 1;
  constexpr bool is_short = bytes < sizeof(std::uint64_t);
  using Word = std::conditional_t<is_short, std::uint32_t, std::uint64_t>;
  static_assert(bytes >= sizeof(Word));
  constexpr auto case_bits = static_cast<Word>(0x2020'2020'2020'2020);
  constexpr std::size_t last = bytes - sizeof(Word);
  if (field.name.size() != bytes) return false;
  const char* const text = field.name.data();
  bool same = (word_at<Word>(text + last) | case_bits) == word_at<Word>(name + last);
  for (std::size_t at = 0; at < last; at += sizeof(Word)) {
    same &= (word_at<Word>(text + at) | case_bits) == word_at<Word>(name + at);
  }
  return same;
}

} // namespace

/// Some clients send an empty line after a body (RFC 9112 section 2.2), and no server does; llhttp
/// passes over any number of any line ends.
std::optional<Code> Parser::pass_empty_lines(Bytes input, std::size_t& passed_bytes) noexcept {
  const std::uint8_t empty_line_bytes_max = role_ == Role::server ? 8 : 0;
  for (const std::byte byte : input) {
    const bool line_end = byte == std::byte{'\r'} || byte == std::byte{'\n'};
    const bool inside = empty_line_bytes_ % 2 != 0;
    if (!line_end) {
      line_begun_ = true;
      return inside ? std::optional(Code::http_parse_malformed) : std::nullopt;
    }
    const bool in_order = byte == (inside ? std::byte{'\n'} : std::byte{'\r'});
    if (!in_order || ++empty_line_bytes_ > empty_line_bytes_max) return Code::http_parse_malformed;
    ++passed_bytes;
  }
  return {};
}

/// What llhttp passes over and nobody counts is bounded too: spaces in a head, zeros before the
/// digits of a chunk's size.
bool Parser::bounds_padding(const Step& step, bool was_head) noexcept {
  constexpr std::uint32_t padding_bytes_max = 1'024;
  if (!was_head && framing_ != BodyFraming::chunked) return true;
  const bool has_piece = step.event == Event::body;
  const std::size_t bytes =
      has_piece ? static_cast<std::size_t>(piece_.data() - input_.data()) : step.consumed_bytes;
  padding_bytes_ += static_cast<std::uint32_t>(bytes);
  const std::uint32_t counted_bytes_max =
      was_head ? limits_.head_bytes_max
               : limits_.chunk_extension_bytes_max + limits_.trailer_bytes_max;
  const bool over = padding_bytes_ > counted_bytes_max + padding_bytes_max;
  if (has_piece || (was_head && head_done_)) padding_bytes_ = 0;
  return !over;
}

void Parser::remember_tail(Bytes input) noexcept {
  const std::size_t bytes = std::min(input.size(), tail_.size());
  std::memmove(tail_.data(), tail_.data() + bytes, tail_.size() - bytes);
  std::memcpy(tail_.data() + tail_.size() - bytes, input.last(bytes).data(), bytes);
}

/// `back` is 8 at most.
char Parser::byte_before(const char* at, std::size_t back) const noexcept {
  const auto* begin = reinterpret_cast<const char*>(input_.data());
  const auto offset = static_cast<std::size_t>(at - begin);
  return back <= offset ? at[-static_cast<std::ptrdiff_t>(back)]
                        : tail_[tail_.size() - (back - offset)];
}

/// The version follows "HTTP/", for llhttp takes RTSP/ and ICE/ too, with some methods; and that
/// follows one space, of which llhttp here too passes over more.
int Parser::check_protocol(const char* version) noexcept {
  constexpr std::string_view protocol = "HTTP/";
  constexpr std::size_t padding = protocol.size() + 2;
  const auto offset = static_cast<std::size_t>(version - text_of(input_).data());
  if (offset >= padding && std::memcmp(version - protocol.size(), "HTTP/", protocol.size()) == 0 &&
      version[-static_cast<std::ptrdiff_t>(padding)] != ' ') {
    return 0;
  }
  for (std::size_t back = 1; back <= protocol.size(); ++back) {
    if (byte_before(version, back) == protocol[protocol.size() - back]) continue;
    return refuse(Code::http_parse_bad_version);
  }
  return byte_before(version, padding) == ' ' ? refuse(Code::http_parse_malformed) : 0;
}

void Parser::read_known_field(const Field& field) noexcept {
  if (is_named(field, "host")) {
    ++host_count_;
    host_ = field.value;
  } else if (is_named(field, "expect")) {
    // Lines of one name are one list, of which empty members say nothing (RFC 9110 section 5.6.1).
    const bool known = same_name(field.value, "100-continue");
    expects_continue_ = expects_continue_ || known;
    expects_other_ = expects_other_ || !(known || field.value.empty());
  } else if (is_named(field, "connection")) {
    // close decides, wherever it stands (RFC 9112 section 9.3); llhttp hears Proxy-Connection too.
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::string_view member = take_until(rest, ',');
      says_close_ = says_close_ || same_name(member, "close");
      says_keep_alive_ = says_keep_alive_ || same_name(member, "keep-alive");
    }
  } else if (is_named(field, "transfer-encoding")) {
    ++coding_count_;
    other_coding_ = other_coding_ || !same_name(field.value, "chunked");
  }
}

} // namespace ringfort::http
