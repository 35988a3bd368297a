// answers — text, JSON and redirects as calls on an Exchange.
#include <ringfort/answers.hpp>

#include <array>
#include <memory>
#include <span>
#include <utility>

namespace ringfort {

namespace {

/// Fits the send window beside the head, or the arena.
constexpr std::size_t copied_bytes_max = 4'096;

void answer(Exchange& exchange, int status, std::string_view type, std::string_view text) {
  const std::array fields{Field{"content-type", type}};
  const bool small = text.size() <= copied_bytes_max;
  exchange.respond(status, fields, small ? Payload::copied(text) : kept(std::string(text)));
}

constexpr bool sends_elsewhere(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

} // namespace

Payload kept(std::string text) {
  auto keep = std::make_unique<std::string>(std::move(text));
  const Bytes bytes = bytes_of(*keep);
  return Payload::owned(bytes, [keep = std::move(keep)] {});
}

void answer_text(Exchange& exchange, int status, std::string_view text) {
  answer(exchange, status, "text/plain; charset=utf-8", text);
}

void answer_json(Exchange& exchange, int status, std::string_view json) {
  answer(exchange, status, "application/json", json);
}

void redirect(Exchange& exchange, int status, std::string_view location) {
  const std::array fields{Field{"location", location}};
  constexpr int no_status = 0; // Refused as a bad response, as what cannot be said at all.
  exchange.respond(sends_elsewhere(status) ? status : no_status, fields);
}

} // namespace ringfort
