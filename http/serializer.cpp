#include "http/serializer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "http/status.hpp"

namespace ringfort::http {

namespace {

/// More than all of a head but its fields' lines, whatever it says.
constexpr std::size_t around_fields_bytes_max = 256;

/// Where text goes. A head is written into space that is long enough; where that is not plain it
/// is measured before.
class Measure {
public:
  template <std::size_t Bytes>
  void put(const char (&)[Bytes]) noexcept {
    bytes_ += Bytes - 1;
  }
  void put(const DateLine& line) noexcept { bytes_ += line.size(); }
  void put(std::string_view text) noexcept { bytes_ += text.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

private:
  std::size_t bytes_ = 0;
};

class Writer {
public:
  explicit Writer(MutableBytes space) noexcept : at_(reinterpret_cast<char*>(space.data())) {}

  /// A literal: its length is known here, so the copy is a move or two and no call.
  template <std::size_t Bytes>
  void put(const char (&text)[Bytes]) noexcept {
    std::memcpy(at_, text, Bytes - 1);
    at_ += Bytes - 1;
  }
  void put(const DateLine& line) noexcept {
    std::memcpy(at_, line.data(), line.size());
    at_ += line.size();
  }
  void put(std::string_view text) noexcept { at_ = std::copy(text.begin(), text.end(), at_); }
  void put(std::span<const Field> fields) noexcept { at_ = write_lines(at_, fields); }

  std::size_t bytes_since(MutableBytes space) const noexcept {
    return static_cast<std::size_t>(at_ - reinterpret_cast<char*>(space.data()));
  }

private:
  char* at_;
};

/// A number's digits, made once for both passes.
class Digits {
public:
  explicit Digits(std::uint64_t number, int base = 10) noexcept
      : end_(std::to_chars(text_.data(), text_.data() + text_.size(), number, base).ptr) {}
  Digits(const Digits&) = delete;
  Digits& operator=(const Digits&) = delete;

  std::string_view text() const noexcept {
    return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
  }

private:
  std::array<char, 20> text_;
  const char* end_;
};

template <class Sink>
void put_status_line(Sink& sink, int status) noexcept {
  if (status == 200) return sink.put("HTTP/1.1 200 OK\r\n");
  sink.put("HTTP/1.1 ");
  sink.put(Digits(static_cast<std::uint64_t>(status)).text());
  sink.put(" ");
  sink.put(reason_phrase(status));
  sink.put("\r\n");
}

template <class Sink>
void put_head(Sink& sink, const ResponseHead& head, const FieldLines& lines,
              const Digits& length) noexcept {
  put_status_line(sink, head.status);
  sink.put(lines.text());
  if (head.date != nullptr && !lines.has_date()) sink.put(*head.date);
  if (head.framing == BodyFraming::chunked) {
    sink.put("transfer-encoding: chunked\r\n");
  } else if (head.framing == BodyFraming::length) {
    sink.put("content-length: ");
    sink.put(length.text());
    sink.put("\r\n");
  }
  if (!head.protocol.empty()) {
    sink.put("connection: upgrade\r\nupgrade: ");
    sink.put(head.protocol);
    sink.put("\r\n");
  }
  if (head.close) sink.put("connection: close\r\n");
  if (head.keep_alive) sink.put("connection: keep-alive\r\n");
  sink.put("\r\n");
}

} // namespace

Result<std::size_t> HeadWriter::write(MutableBytes out, const ResponseHead& head) noexcept {
  const bool switches = head.status == 101 && !head.protocol.empty();
  if (!switches && !valid_final_status(head.status)) {
    return fail(Code::handler_bad_response, head.status);
  }
  return write_checked(out, head);
}

Result<std::size_t> HeadWriter::write_interim(MutableBytes out, int status,
                                              std::span<const Field> fields) noexcept {
  if (!valid_interim_status(status)) return fail(Code::handler_bad_response, status);
  return write_checked(out, {.status = status, .fields = fields});
}

Result<std::size_t> HeadWriter::write_checked(MutableBytes out, const ResponseHead& head) noexcept {
  if (!lines_.set(head.fields)) return fail(Code::handler_bad_response);
  const Digits length(head.content_length);
  const std::size_t plain_bytes_max =
      lines_.text().size() + head.protocol.size() + around_fields_bytes_max;
  if (plain_bytes_max > out.size()) {
    Measure measure;
    put_head(measure, head, lines_, length);
    if (measure.bytes() > out.size()) return fail(Code::handler_bad_response);
  }
  Writer writer(out);
  put_head(writer, head, lines_, length);
  return writer.bytes_since(out);
}

std::size_t write_chunk_size(MutableBytes out, std::uint64_t bytes) noexcept {
  Writer writer(out);
  writer.put(Digits(bytes, 16).text());
  writer.put("\r\n");
  return writer.bytes_since(out);
}

Result<std::size_t> write_last_chunk(MutableBytes out, std::span<const Field> trailers) noexcept {
  constexpr std::size_t around_lines_bytes = 5; // "0" and two line ends.
  if (bytes_of_lines(trailers) + around_lines_bytes > out.size() || !may_send(trailers)) {
    return fail(Code::handler_bad_response);
  }
  Writer writer(out);
  writer.put("0\r\n");
  writer.put(trailers);
  writer.put("\r\n");
  return writer.bytes_since(out);
}

} // namespace ringfort::http
