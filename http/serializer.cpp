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
void put_head(Sink& sink, const ResponseHead& head, const FieldLines& lines, Date& date) noexcept {
  put_status_line(sink, head.status);
  sink.put(lines.text());
  const bool dated = head.unix_seconds != ResponseHead::undated && !lines.has_date();
  if (dated) sink.put(date.at(head.unix_seconds));
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

Result<Bytes> HeadWriter::write_anew(const ResponseHead& head) noexcept {
  const bool switches = head.status == 101 && !head.protocol.empty();
  if (!switches && !valid_final_status(head.status)) {
    return fail(Code::handler_bad_response, head.status);
  }
  auto written = write_checked(head);
  if (written && head.protocol.empty()) said_ = said_by(head);
  return written;
}

Result<Bytes> HeadWriter::write_interim(int status, std::span<const Field> fields) noexcept {
  if (!valid_interim_status(status)) return fail(Code::handler_bad_response, status);
  return write_checked({.status = status, .fields = fields});
}

Result<Bytes> HeadWriter::write_checked(const ResponseHead& head) noexcept {
  said_.reset(); // What lies there may be overwritten in part.
  if (!lines_.set(head.fields)) return fail(Code::handler_bad_response);
  const std::size_t plain_bytes_max =
      lines_.text().size() + head.protocol.size() + around_fields_bytes_max;
  if (plain_bytes_max > space_.size()) {
    Measure measure;
    put_head(measure, head, lines_, date_);
    if (measure.bytes() > space_.size()) return fail(Code::handler_bad_response);
  }
  Writer writer(space_);
  put_head(writer, head, lines_, date_);
  bytes_ = writer.bytes_since(space_);
  return written();
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
