#include "http/known_heads.hpp"

#include <algorithm>

#include <ringfort/check.hpp>

#include "http/parser.hpp"
#include "http/words.hpp"

namespace ringfort::http {

namespace {

using Word = std::uint64_t;

Word word_of(Bytes input, std::size_t at) noexcept {
  return word_at<Word>(text_of(input).data() + at);
}

bool is_credential(const Field& field) noexcept {
  return same_name(field.name, "authorization") || same_name(field.name, "cookie") ||
         same_name(field.name, "proxy-authorization");
}

/// Tells inputs from each other, mostly: no more than what is worth keeping depends on it.
Word digest_of(Bytes input) noexcept {
  const std::size_t last = input.size() - sizeof(Word);
  Word digest = word_of(input, last);
  for (std::size_t at = 0; at < last; at += sizeof(Word)) {
    digest = (digest ^ word_of(input, at)) * 0x9e37'79b9'7f4a'7c15;
  }
  return digest;
}

KnownHead::Place place_in(Bytes input, std::string_view view) noexcept {
  if (view.empty()) return {};
  const auto at = static_cast<std::size_t>(view.data() - text_of(input).data());
  RINGFORT_CHECK(at <= input.size() && view.size() <= input.size() - at);
  return {static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(view.size())};
}

} // namespace

// Not shorter than a word, as no head is that was kept.
bool KnownHeads::same(const std::byte* known, Bytes input) noexcept {
  const auto* one = reinterpret_cast<const char*>(known);
  const auto* other = text_of(input).data();
  const std::size_t last = input.size() - sizeof(Word);
  Word difference = word_at<Word>(one + last) ^ word_at<Word>(other + last);
  for (std::size_t at = 0; at < last; at += sizeof(Word)) {
    difference |= word_at<Word>(one + at) ^ word_at<Word>(other + at);
  }
  return difference == 0;
}

void KnownHeads::keep(Bytes input, const Head& head, Fields fields, bool keep_alive,
                      bool expects_continue) noexcept {
  if (input.size() > KnownHead::bytes_max || fields.size() > KnownHead::fields_max) return;
  RINGFORT_CHECK(text_of(input).ends_with("\r\n\r\n"));
  Place& place = place_of(input);
  const Word digest = digest_of(input);
  if (place.candidate != digest) {
    place.candidate = digest;
    return;
  }
  if (std::any_of(fields.begin(), fields.end(), is_credential)) return;
  KnownHead& known = place.head;
  known.size = static_cast<std::uint16_t>(input.size());
  known.method = head.method;
  known.version_minor = head.version_minor;
  known.keep_alive = keep_alive;
  known.expects_continue = expects_continue;
  known.method_name = head.method_name;
  known.target = place_in(input, head.target);
  known.authority = place_in(input, head.authority);
  known.field_count = static_cast<std::uint8_t>(fields.size());
  for (std::size_t index = 0; index < fields.size(); ++index) {
    known.fields[index] = {place_in(input, fields[index].name),
                           place_in(input, fields[index].value)};
  }
  copy_into(known.bytes, input);
}

/// Everything that parsing `input` would have found.
Step Parser::recall(const KnownHead& known, Bytes input) noexcept {
  const char* const begin = text_of(input).data();
  const auto view = [begin](KnownHead::Place place) noexcept {
    return std::string_view(begin + place.at, place.size);
  };
  input_ = input;
  line_begun_ = version_begun_ = version_done_ = true;
  head_done_ = head_reported_ = complete_ = true;
  keep_alive_ = known.keep_alive;
  expects_continue_ = known.expects_continue;
  head_ = {.method = known.method,
           .method_name = known.method_name,
           .target = view(known.target),
           .authority = view(known.authority),
           .version_minor = known.version_minor};
  target_ = {const_cast<char*>(head_.target.data()), head_.target.size()};
  field_count_ = head_field_count_ = known.field_count;
  for (std::uint32_t index = 0; index < known.field_count; ++index) {
    fields_[index] = {view(known.fields[index].name), view(known.fields[index].value)};
  }
  return {.event = Event::head, .consumed_bytes = input.size(), .last = true};
}

} // namespace ringfort::http
