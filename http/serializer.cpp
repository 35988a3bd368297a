#include "http/serializer.hpp"

#include "http/status.hpp"
#include "http/text_sink.hpp"

namespace ringfort::http {

namespace {

/// More than all of a head but its fields' lines, whatever it says.
constexpr std::size_t around_fields_bytes_max = 256;

template <class Sink>
void put_status_line(Sink& sink, int status) noexcept {
  if (status == 200) return sink.put("HTTP/1.1 200 OK\r\n");
  sink.put("HTTP/1.1 ");
  sink.put(Digits<>{static_cast<std::uint64_t>(status)});
  sink.put(" ");
  sink.put(reason_phrase(status));
  sink.put("\r\n");
}

template <class Sink>
void put_head(Sink& sink, const ResponseHead& head, const FieldLines& lines) noexcept {
  put_status_line(sink, head.status);
  sink.put(lines.text());
  if (head.date != nullptr && !lines.has_date()) sink.put(*head.date);
  put_framing(sink, head.framing, head.content_length);
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
  const std::size_t plain_bytes_max =
      lines_.text().size() + head.protocol.size() + around_fields_bytes_max;
  if (plain_bytes_max > out.size()) {
    Measure measure;
    put_head(measure, head, lines_);
    if (measure.bytes() > out.size()) return fail(Code::handler_bad_response);
  }
  Writer writer(out);
  put_head(writer, head, lines_);
  return writer.bytes_since(out);
}

std::size_t write_chunk_size(MutableBytes out, std::uint64_t bytes) noexcept {
  Writer writer(out);
  writer.put(Digits<16>{bytes});
  writer.put("\r\n");
  return writer.bytes_since(out);
}

Result<std::size_t> write_last_chunk(MutableBytes out, std::span<const Field> trailers,
                                     Code refused) noexcept {
  constexpr std::size_t around_lines_bytes = 5; // "0" and two line ends.
  if (bytes_of_lines(trailers) + around_lines_bytes > out.size() || !may_send(trailers)) {
    return fail(refused);
  }
  Writer writer(out);
  writer.put("0\r\n");
  writer.put(trailers);
  writer.put("\r\n");
  return writer.bytes_since(out);
}

} // namespace ringfort::http
