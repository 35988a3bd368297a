#include "tests/wire/replay.hpp"

#include <cstring>
#include <memory>

#include <ringfort/arena.hpp>

namespace ringfort::wire {

namespace {

constexpr std::size_t arena_bytes = 32'768;

class Replay {
public:
  Replay(const Case& one, http::KnownHeads* known_heads)
      : case_(one), parser_(one.role, authorities_, known_heads) {
    begin();
  }

  /// False after an error: the connection would be closed.
  bool feed(std::string_view piece) {
    if (switched_) return note_rest(piece);
    const auto memory = std::make_unique<std::byte[]>(piece.size());
    std::memcpy(memory.get(), piece.data(), piece.size());
    Bytes input(memory.get(), piece.size());
    while (!input.empty()) {
      auto step = parser_.parse(input);
      if (!step) return note_error(step.error());
      note(*step);
      input = input.subspan(step->consumed_bytes);
      if (!step->last) continue;
      if (switched_) return note_rest(text_of(input));
      // What follows the last message of a connection is not read (RFC 9112 section 9.3).
      if (!interim() && !parser_.keep_alive()) return false;
      begin();
    }
    return true;
  }

  void finish() {
    if (auto step = parser_.finish(); !step) {
      note_error(step.error());
    } else if (step->last) {
      note(*step);
    }
  }

  std::vector<std::string> events() && {
    flush("body ", body_);
    flush("rest ", rest_);
    return std::move(events_);
  }

private:
  void begin() {
    arena_.reset();
    if (is_answer()) {
      parser_.begin_response(arena_, case_.limits, case_.answers);
    } else {
      parser_.begin(arena_, case_.limits);
    }
  }

  bool is_answer() const { return case_.role == http::Role::client; }
  /// Whatever it says of the connection, the answer follows.
  bool interim() const { return is_answer() && parser_.status() < 200; }

  void note(const http::Step& step) {
    if (step.event == http::Event::head) note_head();
    for (const std::byte byte : step.piece) body_ += static_cast<char>(byte);
    if (!step.last) return;
    flush("body ", body_);
    for (const Field& field : parser_.trailers()) {
      events_.push_back("trailer " + escaped(field.name) + ": " + escaped(field.value));
    }
    const bool tunnel = case_.answers == Method::connect && parser_.status() / 100 == 2;
    switched_ = is_answer() && (tunnel || parser_.status() == 101);
    if (switched_) {
      events_.emplace_back("end switched");
    } else if (interim()) {
      events_.emplace_back("end interim");
    } else {
      events_.emplace_back(parser_.keep_alive() ? "end keep-alive" : "end close");
    }
  }

  bool note_rest(std::string_view piece) {
    rest_ += piece;
    return true;
  }

  std::string start_line() const {
    const Head& head = parser_.head();
    const std::string version = " HTTP/1." + std::to_string(head.version_minor);
    if (is_answer()) return "head " + std::to_string(parser_.status()) + version;
    return "head " + std::string(head.method_name) + " " + escaped(head.target) + version +
           " authority=" + escaped(head.authority);
  }

  void note_head() {
    std::string line = start_line();
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
    flush("body ", body_);
    const Fault& fault = fault_of(error.code);
    std::string line = "error " + full_name(fault);
    if (fault.status != 0) line.append(" ").append(std::to_string(fault.status));
    events_.push_back(line);
    return false;
  }

  void flush(const char* event, std::string& bytes) {
    if (!bytes.empty()) events_.push_back(event + escaped(bytes));
    bytes.clear();
  }

  std::unique_ptr<std::byte[]> block_ = std::make_unique<std::byte[]>(arena_bytes);
  Arena arena_{MutableBytes(block_.get(), arena_bytes)};
  const Case& case_;
  http::AuthorityCheck authorities_;
  http::Parser parser_;
  bool switched_ = false; ///< what follows is another protocol's
  std::string body_;
  std::string rest_;
  std::vector<std::string> events_;
};

} // namespace

std::vector<std::string> replay(const Case& one, const std::vector<std::size_t>& ends,
                                http::KnownHeads* known_heads) {
  Replay run(one, known_heads);
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
