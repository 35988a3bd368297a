#include "tests/wire/replay.hpp"

#include <cstring>
#include <memory>

#include <ringfort/arena.hpp>

namespace ringfort::wire {

namespace {

constexpr std::size_t arena_bytes = 32'768;

class Replay {
public:
  explicit Replay(const Case& one) : limits_(one.limits) { parser_.begin(arena_, limits_); }

  /// False after an error: the connection would be closed.
  bool feed(std::string_view piece) {
    const auto memory = std::make_unique<std::byte[]>(piece.size());
    std::memcpy(memory.get(), piece.data(), piece.size());
    Bytes input(memory.get(), piece.size());
    while (!input.empty()) {
      auto step = parser_.parse(input);
      if (!step) return note_error(step.error());
      note(*step);
      input = input.subspan(step->consumed_bytes);
      if (!ends_message(*step)) continue;
      // What follows the last message of a connection is not read (RFC 9112 section 9.3).
      if (!parser_.keep_alive()) return false;
      arena_.reset();
      parser_.begin(arena_, limits_);
    }
    return true;
  }

  void finish() {
    if (auto step = parser_.finish(); !step) note_error(step.error());
  }

  std::vector<std::string> events() && {
    flush_body();
    return std::move(events_);
  }

private:
  static bool ends_message(const http::Step& step) { return step.last; }

  void note(const http::Step& step) {
    if (step.event == http::Event::head) note_head();
    for (const std::byte byte : step.piece) body_ += static_cast<char>(byte);
    if (!step.last) return;
    flush_body();
    for (const Field& field : parser_.trailers()) {
      events_.push_back("trailer " + escaped(field.name) + ": " + escaped(field.value));
    }
    events_.push_back(parser_.keep_alive() ? "end keep-alive" : "end close");
  }

  void note_head() {
    const Head& head = parser_.head();
    std::string line = "head " + std::string(head.method_name) + " " + escaped(head.target) +
                       " HTTP/1." + std::to_string(head.version_minor);
    line += " authority=" + escaped(head.authority);
    switch (parser_.framing()) {
    case http::BodyFraming::none: break;
    case http::BodyFraming::length:
      line += " length=" + std::to_string(parser_.content_length());
      break;
    case http::BodyFraming::chunked: line += " chunked"; break;
    case http::BodyFraming::until_close: line += " until-close"; break;
    }
    if (parser_.expects_continue()) line += " expects-continue";
    events_.push_back(line);
    for (const Field& field : parser_.fields()) {
      events_.push_back("field " + escaped(field.name) + ": " + escaped(field.value));
    }
  }

  bool note_error(const Error& error) {
    flush_body();
    const Fault& fault = fault_of(error.code);
    std::string line = "error " + full_name(fault);
    if (fault.status != 0) line.append(" ").append(std::to_string(fault.status));
    events_.push_back(line);
    return false;
  }

  void flush_body() {
    if (!body_.empty()) events_.push_back("body " + escaped(body_));
    body_.clear();
  }

  std::unique_ptr<std::byte[]> block_ = std::make_unique<std::byte[]>(arena_bytes);
  Arena arena_{MutableBytes(block_.get(), arena_bytes)};
  http::ParserLimits limits_;
  http::AuthorityCheck authorities_;
  http::Parser parser_{http::Role::server, authorities_};
  std::string body_;
  std::vector<std::string> events_;
};

} // namespace

std::vector<std::string> replay(const Case& one, const std::vector<std::size_t>& ends) {
  Replay run(one);
  std::size_t start = 0;
  bool open = true;
  for (const std::size_t end : ends) {
    open = open && run.feed(std::string_view(one.input).substr(start, end - start));
    start = end;
  }
  if (open) run.finish();
  return std::move(run).events();
}

} // namespace ringfort::wire
