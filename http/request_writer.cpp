#include "http/request_writer.hpp"

#include <algorithm>

#include <ringfort/check.hpp>

#include "http/field_lines.hpp"
#include "http/letters.hpp"
#include "http/text_sink.hpp"

namespace ringfort::http {

namespace {

/// More than all of a head but its texts, whatever it says.
constexpr std::size_t around_texts_bytes_max = 256;

bool valid_method(std::string_view method) noexcept {
  return !method.empty() && all_are(method, token_letter);
}

bool valid_target(std::string_view target, std::string_view method) noexcept {
  if (method == "CONNECT") return target.contains(':') && valid_authority(target);
  if (target == "*") return method == "OPTIONS";
  const bool origin_form = target.starts_with('/') || target.starts_with('?');
  return origin_form && !target.contains('#') && all_are(target, visible_letter);
}

/// A list of "name" or "name/version" (RFC 9110 section 7.8).
bool valid_protocols(std::string_view protocols) noexcept {
  return std::ranges::all_of(protocols, [](char letter) {
    return is(letter, token_letter) || letter == '/' || letter == ',' || letter == ' ';
  });
}

bool valid_fields(std::span<const Field> fields) noexcept {
  return may_send(fields) && Fields(fields).count("host") == 0;
}

bool valid(const RequestHead& head, AuthorityCheck& authorities) noexcept {
  return valid_method(head.method) && valid_target(head.target, head.method) &&
         !head.authority.empty() && authorities.valid(head.authority) &&
         (head.fields_vouched || valid_fields(head.fields)) && valid_protocols(head.upgrade) &&
         all_are(head.proxy_authorization, content_letter);
}

/// Methods that mean something by a body: without one they say so.
bool expects_body(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

template <class Sink>
void put_target(Sink& sink, const RequestHead& head) noexcept {
  sink.put(head.root);
  if (head.target.starts_with('?')) sink.put("/");
  // OPTIONS of a server is asked of a proxy by a path that is empty (section 3.2.4).
  if (head.root.empty() || head.target != "*") sink.put(head.target);
}

template <class Sink>
void put_line(Sink& sink, std::string_view name, std::string_view value) noexcept {
  if (value.empty()) return;
  sink.put(name);
  sink.put(": ");
  sink.put(value);
  sink.put("\r\n");
}

template <class Sink>
void put_request(Sink& sink, const RequestHead& head) noexcept {
  sink.put(head.method);
  sink.put(" ");
  put_target(sink, head);
  sink.put(" HTTP/1.1\r\nhost: ");
  sink.put(head.authority);
  sink.put("\r\n");
  sink.put(head.fields);
  put_framing(sink, head.framing, head.content_length);
  const bool bodiless = head.framing == BodyFraming::none;
  if (bodiless && expects_body(head.method)) sink.put("content-length: 0\r\n");
  if (head.expects_continue) sink.put("expect: 100-continue\r\n");
  put_line(sink, "connection", !head.upgrade.empty() ? "upgrade" : head.closes ? "close" : "");
  put_line(sink, "upgrade", head.upgrade);
  put_line(sink, "proxy-authorization", head.proxy_authorization);
  sink.put("\r\n");
}

std::size_t texts_bytes(const RequestHead& head) noexcept {
  return bytes_of_lines(head.fields) + head.method.size() + head.root.size() + head.target.size() +
         head.authority.size() + head.upgrade.size() + head.proxy_authorization.size();
}

} // namespace

Result<std::size_t> write_request(MutableBytes out, const RequestHead& head,
                                  AuthorityCheck& authorities) noexcept {
  RINGFORT_CHECK(head.framing != BodyFraming::until_close);
  if (!valid(head, authorities)) return fail(Code::call_bad_request);
  if (texts_bytes(head) + around_texts_bytes_max > out.size()) {
    Measure measure;
    put_request(measure, head);
    if (measure.bytes() > out.size()) return fail(Code::call_bad_request);
  }
  Writer writer(out);
  put_request(writer, head);
  return writer.bytes_since(out);
}

} // namespace ringfort::http
