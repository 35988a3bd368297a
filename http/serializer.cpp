#include "http/serializer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "http/letters.hpp"
#include "http/status.hpp"

namespace ringfort::http {

namespace {

bool all_of(std::string_view text, Letter kind) noexcept {
  return std::all_of(text.begin(), text.end(), [kind](char letter) { return is(letter, kind); });
}

bool valid_field(const Field& field) noexcept {
  return !field.name.empty() && all_of(field.name, token_letter) &&
         all_of(field.value, content_letter);
}

bool is_engine_field(std::string_view name) noexcept {
  switch (name.size()) {
  case 10: return same_name(name, "connection") || same_name(name, "keep-alive");
  case 14: return same_name(name, "content-length");
  case 17: return same_name(name, "transfer-encoding");
  default: return false;
  }
}

/// Writes until the space is spent; then only remembers that it was.
class Writer {
public:
  explicit Writer(MutableBytes space) noexcept : space_(space) {}

  void put(std::string_view text) noexcept {
    if (text.size() > space_.size() - used_) {
      spent_ = true;
      return;
    }
    if (!text.empty()) std::memcpy(space_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }

  void put_number(std::uint64_t number, int base = 10) noexcept {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
    put({digits.data(), static_cast<std::size_t>(end - digits.data())});
  }

  void put_field(const Field& field) noexcept {
    const std::size_t bytes = field.name.size() + field.value.size() + 4;
    if (bytes > space_.size() - used_) {
      spent_ = true;
      return;
    }
    MutableBytes rest = copy_into(space_.subspan(used_), bytes_of(field.name));
    rest = copy_into(rest, bytes_of(": "));
    rest = copy_into(rest, bytes_of(field.value));
    copy_into(rest, bytes_of("\r\n"));
    used_ += bytes;
  }

  bool spent() const noexcept { return spent_; }
  std::size_t used() const noexcept { return used_; }

private:
  MutableBytes space_;
  std::size_t used_ = 0;
  bool spent_ = false;
};

void put_status_line(Writer& writer, int status) noexcept {
  if (status == 200) return writer.put("HTTP/1.1 200 OK\r\n");
  writer.put("HTTP/1.1 ");
  writer.put_number(static_cast<std::uint64_t>(status));
  writer.put(" ");
  writer.put(reason_phrase(status));
  writer.put("\r\n");
}

} // namespace

Result<std::size_t> write_response_head(MutableBytes out, const ResponseHead& head) noexcept {
  if (!valid_final_status(head.status)) return fail(Code::handler_bad_response, head.status);
  Writer writer(out);
  put_status_line(writer, head.status);
  bool own_date = head.date.empty();
  for (const Field& field : head.fields) {
    if (!valid_field(field) || is_engine_field(field.name)) {
      return fail(Code::handler_bad_response);
    }
    own_date = own_date || same_name(field.name, "date");
    writer.put_field(field);
  }
  if (!own_date) writer.put_field({"date", head.date});
  if (head.framing == BodyFraming::chunked) {
    writer.put("transfer-encoding: chunked\r\n");
  } else if (head.framing == BodyFraming::length) {
    writer.put("content-length: ");
    writer.put_number(head.content_length);
    writer.put("\r\n");
  }
  if (head.close) writer.put("connection: close\r\n");
  if (head.keep_alive) writer.put("connection: keep-alive\r\n");
  writer.put("\r\n");
  if (writer.spent()) return fail(Code::handler_bad_response);
  return writer.used();
}

std::size_t write_chunk_size(MutableBytes out, std::uint64_t bytes) noexcept {
  Writer writer(out);
  writer.put_number(bytes, 16);
  writer.put("\r\n");
  return writer.used();
}

Result<std::size_t> write_last_chunk(MutableBytes out, std::span<const Field> trailers) noexcept {
  Writer writer(out);
  writer.put("0\r\n");
  for (const Field& field : trailers) {
    if (!valid_field(field) || is_engine_field(field.name)) {
      return fail(Code::handler_bad_response);
    }
    writer.put_field(field);
  }
  writer.put("\r\n");
  if (writer.spent()) return fail(Code::handler_bad_response);
  return writer.used();
}

} // namespace ringfort::http
