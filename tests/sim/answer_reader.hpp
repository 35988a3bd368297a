// answer_reader — a small, strict HTTP/1.1 response parser of its own, so that the engine's parser
// is not judged by itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringfort::sim {

struct Answer {
  int status = 0;
  std::string tag; ///< the field x-request
  bool closes = false;
  std::string body;
  unsigned continues = 0; ///< interim answers before it: 100 Continue
  unsigned informs = 0;   ///< and 103 Early Hints, with their field
};

class AnswerReader {
public:
  enum class State : std::uint8_t { head, body, chunk_size, chunk, chunk_end, trailers, done, bad };

  /// Before each answer. `head_only`: it ends with its head, because it answers a HEAD request or
  /// because a tunnel follows.
  void expect(bool head_only);
  /// Takes what it can from the front of `text`.
  State read(std::string& text);
  /// The stream has ended: whether that is where the answer ends.
  bool end_of_stream();

  State state() const noexcept { return state_; }
  /// Something of the answer has come.
  bool began() const noexcept { return began_; }
  const Answer& answer() const noexcept { return answer_; }
  const std::string& failure() const noexcept { return failure_; }

private:
  bool step(std::string& text);
  bool read_head(std::string& text);
  bool read_field(std::string_view line);
  bool pass_interim(std::string_view head);
  bool read_chunk_size(std::string& text);
  bool take(std::string& text, State next);
  State fail(std::string text);

  State state_ = State::head;
  Answer answer_;
  std::string failure_;
  std::uint64_t left_bytes_ = 0;
  bool began_ = false;
  bool head_only_ = false;
  bool chunked_ = false;
  bool has_length_ = false;
  bool until_close_ = false;
};

} // namespace ringfort::sim
