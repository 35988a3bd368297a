#include "http/field_lines.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "http/letters.hpp"
#include "http/words.hpp"

namespace ringfort::http {

namespace {

constexpr std::size_t between_bytes = 2; // ": " and CRLF are both that long.

bool valid_field(const Field& field) noexcept {
  return !field.name.empty() && all_are(field.name, token_letter) &&
         all_are(field.value, content_letter);
}

bool is_engine_field(std::string_view name) noexcept {
  switch (name.size()) {
  case 10: return same_name(name, "connection") || same_name(name, "keep-alive");
  case 14: return same_name(name, "content-length");
  case 17: return same_name(name, "transfer-encoding");
  default: return false;
  }
}

} // namespace

bool may_send(std::span<const Field> fields) noexcept {
  return std::all_of(fields.begin(), fields.end(), [](const Field& field) {
    return valid_field(field) && !is_engine_field(field.name);
  });
}

std::size_t bytes_of_lines(std::span<const Field> fields) noexcept {
  std::size_t bytes = 0;
  for (const Field& field : fields) {
    bytes += field.name.size() + field.value.size() + 2 * between_bytes;
  }
  return bytes;
}

char* write_lines(char* at, std::span<const Field> fields) noexcept {
  for (const Field& field : fields) {
    at = std::copy(field.name.begin(), field.name.end(), at);
    std::memcpy(at, ": ", between_bytes);
    at = std::copy(field.value.begin(), field.value.end(), at + between_bytes);
    std::memcpy(at, "\r\n", between_bytes);
    at += between_bytes;
  }
  return at;
}

bool FieldLines::set(std::span<const Field> fields) noexcept {
  if (holds(fields)) return true;
  const std::size_t bytes = bytes_of_lines(fields);
  if (bytes > space_.size() || !may_send(fields)) return false;
  write_lines(space_.data(), fields);
  bytes_ = bytes;
  has_date_ = Fields(fields).find("date").has_value();
  remember(fields);
  return true;
}

bool FieldLines::holds(std::span<const Field> fields) const noexcept {
  if (fields.size() != known_count_) return false;
  for (std::size_t index = 0; index < known_count_; ++index) {
    const Field& known = known_[index];
    const Field& field = fields[index];
    if (!same_text(field.name, known.name) || !same_text(field.value, known.value)) return false;
  }
  return true;
}

void FieldLines::remember(std::span<const Field> fields) noexcept {
  known_count_ = fields.size() <= known_.size() ? fields.size() : too_many;
  if (known_count_ == too_many) return;
  const char* at = space_.data();
  for (std::size_t index = 0; index < known_count_; ++index) {
    Field& known = known_[index];
    known.name = {at, fields[index].name.size()};
    at += known.name.size() + between_bytes;
    known.value = {at, fields[index].value.size()};
    at += known.value.size() + between_bytes;
  }
}

} // namespace ringfort::http
