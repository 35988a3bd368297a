#include "http/request_writer.hpp"

#include <ringfort/check.hpp>

#include "http/authority.hpp"
#include "http/field_lines.hpp"
#include "http/letters.hpp"
#include "http/text_sink.hpp"

namespace ringfort::http {

namespace {

bool valid_method(std::string_view method) noexcept {
  return !method.empty() && method != "CONNECT" && all_are(method, token_letter);
}

bool valid_target(std::string_view target, std::string_view method) noexcept {
  if (target == "*") return method == "OPTIONS";
  const bool origin_form = target.starts_with('/') || target.starts_with('?');
  return origin_form && !target.contains('#') && all_are(target, visible_letter);
}

bool valid_fields(std::span<const Field> fields) noexcept {
  return may_send(fields) && Fields(fields).count("host") == 0;
}

bool valid(const RequestHead& head) noexcept {
  return valid_method(head.method) && valid_target(head.target, head.method) &&
         !head.authority.empty() && valid_authority(head.authority) && valid_fields(head.fields);
}

/// Methods that mean something by a body: without one they say so.
bool expects_body(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

template <class Sink>
void put_request(Sink& sink, const RequestHead& head, const Digits& length) noexcept {
  sink.put(head.method);
  sink.put(" ");
  if (head.target.starts_with('?')) sink.put("/");
  sink.put(head.target);
  sink.put(" HTTP/1.1\r\nhost: ");
  sink.put(head.authority);
  sink.put("\r\n");
  sink.put(head.fields);
  put_framing(sink, head.framing, length);
  const bool bodiless = head.framing == BodyFraming::none;
  if (bodiless && expects_body(head.method)) sink.put("content-length: 0\r\n");
  if (head.expects_continue) sink.put("expect: 100-continue\r\n");
  if (head.close) sink.put("connection: close\r\n");
  sink.put("\r\n");
}

} // namespace

Result<std::size_t> write_request(MutableBytes out, const RequestHead& head) noexcept {
  RINGFORT_CHECK(head.framing != BodyFraming::until_close);
  if (!valid(head)) return fail(Code::call_bad_request);
  const Digits length(head.content_length);
  Measure measure;
  put_request(measure, head, length);
  if (measure.bytes() > out.size()) return fail(Code::call_bad_request);
  Writer writer(out);
  put_request(writer, head, length);
  return measure.bytes();
}

} // namespace ringfort::http
