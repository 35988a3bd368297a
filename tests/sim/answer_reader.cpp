#include "tests/sim/answer_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace ringfort::sim {

void AnswerReader::expect(bool head_only) {
  *this = {};
  head_only_ = head_only;
}

AnswerReader::State AnswerReader::fail(std::string text) {
  failure_ = std::move(text);
  return state_ = State::bad;
}

AnswerReader::State AnswerReader::read(std::string& text) {
  if (!text.empty()) began_ = true;
  while (state_ != State::done && state_ != State::bad && step(text)) {}
  return state_;
}

bool AnswerReader::end_of_stream() {
  if (state_ == State::body && until_close_) state_ = State::done;
  return state_ == State::done;
}

bool AnswerReader::step(std::string& text) {
  switch (state_) {
  case State::head: return read_head(text);
  case State::body: return take(text, State::done);
  case State::chunk_size: return read_chunk_size(text);
  case State::chunk: return take(text, State::chunk_end);
  case State::chunk_end:
    if (text.size() < 2) return false;
    if (!text.starts_with("\r\n")) return fail("no CRLF after a chunk"), false;
    text.erase(0, 2);
    state_ = State::chunk_size;
    return true;
  case State::trailers: {
    const auto end = text.find("\r\n");
    if (end == std::string::npos) return false;
    text.erase(0, end + 2);
    if (end == 0) state_ = State::done;
    return true;
  }
  case State::done:
  case State::bad: break;
  }
  return false;
}

bool AnswerReader::take(std::string& text, State next) {
  const auto bytes = until_close_ ? text.size() : std::min<std::size_t>(left_bytes_, text.size());
  answer_.body.append(text, 0, bytes);
  text.erase(0, bytes);
  if (until_close_) return false;
  left_bytes_ -= bytes;
  if (left_bytes_ > 0) return false;
  state_ = next;
  return true;
}

bool AnswerReader::read_head(std::string& text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (!text.starts_with(std::string_view("HTTP/1.1 ").substr(0, text.size()))) {
      fail("not an answer: " + text.substr(0, 40));
    }
    return false;
  }
  const std::string head = text.substr(0, end + 2);
  text.erase(0, end + 4);
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) {
    return fail("bad status line: " + head.substr(0, 40)), false;
  }
  std::from_chars(head.data() + 9, head.data() + 12, answer_.status);
  if (answer_.status / 100 == 1 && answer_.status != 101) return pass_interim(head);
  for (std::size_t begin = head.find("\r\n") + 2; begin < head.size();) {
    const auto line_end = head.find("\r\n", begin);
    if (!read_field(std::string_view(head).substr(begin, line_end - begin))) return false;
    begin = line_end + 2;
  }
  if (chunked_ && has_length_) return fail("content-length beside chunked"), false;
  const int status = answer_.status;
  const bool bodiless = head_only_ || status == 101 || status == 204 || status == 304;
  until_close_ = !bodiless && !chunked_ && !has_length_;
  state_ = bodiless ? State::done : chunked_ ? State::chunk_size : State::body;
  return true;
}

/// An interim answer, of which the reader counts two kinds; the answer is still to come.
bool AnswerReader::pass_interim(std::string_view head) {
  const int status = std::exchange(answer_.status, 0);
  if (status == 100 && head == "HTTP/1.1 100 Continue\r\n") return ++answer_.continues, true;
  if (status == 103 && head.ends_with("\r\nlink: </s>; rel=preload\r\n")) {
    return ++answer_.informs, true;
  }
  return fail("bad interim answer: " + std::string(head.substr(0, 60))), false;
}

bool AnswerReader::read_field(std::string_view line) {
  const auto colon = line.find(": ");
  if (colon == std::string_view::npos) return fail("bad field: " + std::string(line)), false;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
  });
  const std::string_view value = line.substr(colon + 2);
  if (name == "x-request") answer_.tag = value;
  if (name == "connection" && value == "close") answer_.closes = true;
  if (name == "transfer-encoding") chunked_ = value == "chunked";
  if (name == "content-length") {
    if (has_length_) return fail("two lengths"), false;
    has_length_ = true;
    std::from_chars(value.data(), value.data() + value.size(), left_bytes_);
  }
  return true;
}

bool AnswerReader::read_chunk_size(std::string& text) {
  const auto end = text.find("\r\n");
  if (end == std::string::npos) return false;
  const auto parsed = std::from_chars(text.data(), text.data() + end, left_bytes_, 16);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + end) {
    return fail("bad chunk size: " + text.substr(0, end)), false;
  }
  text.erase(0, end + 2);
  state_ = left_bytes_ == 0 ? State::trailers : State::chunk;
  return true;
}

} // namespace ringfort::sim
