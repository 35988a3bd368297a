// parser — HTTP/1.1 messages out of spans of the receive buffers, without copying them.
//
// parse() returns at each event. Views point into the input; what a head left behind in an input
// that ended too early is copied into the arena, once, so the input may then go.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ringfort/arena.hpp>
#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/message.hpp>

#include "http/authority.hpp"
#include "http/framing.hpp"
#include "http/known_heads.hpp"

namespace ringfort::http {

enum class Role : std::uint8_t {
  server, ///< parses requests
  client, ///< parses responses
};

struct ParserLimits {
  std::uint32_t head_bytes_max = 16'384;
  std::uint32_t target_bytes_max = 8'192;
  std::uint32_t fields_max = 100; ///< of head and trailers together
  std::uint32_t trailer_bytes_max = 8'192;
  std::uint32_t chunk_extension_bytes_max = 4'096; ///< of all chunks of a message
};

enum class Event : std::uint8_t {
  need_more, ///< all input is used
  head,      ///< head(), fields() and framing() are there
  body,      ///< `piece` is the next part of the body
  end,       ///< the message ended, alone: trailers() are there
};

struct Step {
  Event event = Event::need_more;
  std::size_t consumed_bytes = 0;
  Bytes piece{};     ///< a view into the input
  bool last = false; ///< the message is complete with this event
};

/// What a parser knows of the message that it reads, and forgets with it.
struct ParsedMessage {
  /// A run of bytes that may have come in several inputs.
  struct Token {
    char* data = nullptr;
    std::size_t size = 0;

    std::string_view text() const noexcept { return {data, size}; }
  };

  Token target_;
  Token name_;
  Token value_;
  std::string_view host_;
  Bytes piece_;
  Head head_;
  std::uint64_t content_length_ = 0;
  std::uint32_t field_bytes_ = 0;   ///< of the head, then of the trailers
  std::uint32_t padding_bytes_ = 0; ///< of the head, or since the last piece: all that came
  std::uint32_t chunk_extension_bytes_ = 0;
  std::uint32_t field_count_ = 0;
  std::uint32_t head_field_count_ = 0;
  int status_ = 0;
  std::uint16_t host_count_ = 0;
  std::uint16_t coding_count_ = 0;
  std::uint8_t empty_line_bytes_ = 0;
  BodyFraming framing_ = BodyFraming::none;
  bool started_ = false;
  bool line_begun_ = false; ///< the empty lines before a message are over
  bool version_begun_ = false;
  bool version_done_ = false;
  bool head_done_ = false;
  bool head_reported_ = false;
  bool complete_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool expects_other_ = false;
  bool says_close_ = false;      ///< Connection does
  bool says_keep_alive_ = false; ///< likewise
  bool other_coding_ = false;    ///< a Transfer-Encoding field says anything but "chunked"
  std::optional<Code> refusal_;  ///< what a callback refused
};

/// One direction of one connection, message after message.
/// Where: one shard. An idle parser holds no memory but itself.
class Parser : private ParsedMessage {
public:
  /// `authorities` is shared by the parsers of a shard, and outlives them; so do `known_heads`, of
  /// requests. Null: each head is parsed.
  Parser(Role role, AuthorityCheck& authorities, KnownHeads* known_heads = nullptr) noexcept
      : role_(role), authorities_(authorities),
        known_heads_(role == Role::server ? known_heads : nullptr) {}
  /// One that has begun: see begin().
  Parser(Role role, AuthorityCheck& authorities, KnownHeads* known_heads, Arena& arena,
         const ParserLimits& limits) noexcept
      : Parser(role, authorities, known_heads) {
    take_place(arena, limits);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// Begins a request. Errors: none; a spent arena shows in parse() as http_parse.head_too_large.
  /// Borrow: `arena` until the next begin.
  void begin(Arena& arena, const ParserLimits& limits) noexcept;

  /// The same of an answer, and which request's it is (RFC 9112 section 6.3).
  void begin_response(Arena& arena, const ParserLimits& limits, Method request) noexcept;
  /// The answer after an interim one, of the same request, in the same place.
  void begin_after_interim() noexcept;

  /// Takes the next event out of `input`; call again with the unconsumed rest. An answer of status
  /// 101, or one of 2xx to CONNECT, is over with its head; what follows is another protocol's.
  /// Borrow: views of the head, and the piece, live as long as `input`.
  /// Errors: http_parse.*; of an answer, answer.*.
  /// Cost:   one llhttp execution, or one comparison for a head that is known; no allocation.
  Result<Step> parse(Bytes input) noexcept;

  /// The peer has ended its stream: the end of an until_close body, or of no message at all.
  /// Errors: request_stream.cut_short; of an answer, answer.cut_short.
  Result<Step> finish() noexcept;

  /// Copies what still points into the last input into the arena.
  /// Errors: http_parse.head_too_large, or answer.head_too_large, when it does not fit.
  Result<> settle() noexcept;

  /// Of an answer: its version, and the method that begin_response() was told.
  const Head& head() const noexcept { return head_; }
  /// As far as it is known: of a request whose head failed it may be. Server role.
  Method method() const noexcept;
  int status() const noexcept { return status_; } ///< 100..599; client role
  Fields fields() const noexcept { return Fields({fields_, head_field_count_}); }
  Fields trailers() const noexcept {
    return Fields({fields_ + head_field_count_, field_count_ - head_field_count_});
  }
  BodyFraming framing() const noexcept { return framing_; }
  std::uint64_t content_length() const noexcept { return content_length_; }
  /// Whether another message may follow on this connection.
  bool keep_alive() const noexcept { return keep_alive_; }
  bool expects_continue() const noexcept { return expects_continue_; }
  /// No byte of a message was seen since begin().
  bool idle() const noexcept { return !started_; }
  bool complete() const noexcept { return complete_; }

private:
  friend struct ParserCallbacks;

  void take_place(Arena& arena, const ParserLimits& limits) noexcept;
  void start_machine() noexcept;
  void restart() noexcept;
  std::optional<Code> pass_empty_lines(Bytes input, std::size_t& passed_bytes) noexcept;
  bool bounds_padding(const Step& step, bool was_head) noexcept;
  void remember_tail(Bytes input) noexcept;
  int check_protocol(const char* version) noexcept;
  char byte_before(const char* at, std::size_t back) const noexcept;
  bool count(std::size_t bytes) noexcept;
  int take(Token& token, const char* at, std::size_t bytes) noexcept;
  bool append(Token& token, const char* at, std::size_t bytes) noexcept;
  bool join(Token& token, const char* at, std::size_t bytes) noexcept;
  bool keep(Token& token) noexcept;
  bool keep(std::string_view& view) noexcept;
  bool in_input(const char* at) const noexcept;
  int end_field() noexcept;
  int end_head() noexcept;
  // These answer as a callback does: 0, or what refuse() answers.
  /// What llhttp leaves to its user to refuse (RFC 9112 section 3.2).
  int check_request() noexcept;
  void read_known_field(const Field& field) noexcept;
  /// Which transfer codings a message may have (RFC 9112 section 6.1).
  int check_coding() noexcept;
  /// Which status an answer may have (RFC 9110 section 15), and what one without a body may
  /// announce (section 8.6, RFC 9112 section 6.1).
  int check_response() noexcept;
  void find_framing() noexcept;
  bool answer_has_no_body() const noexcept;
  Code code_of(int error) const noexcept;
  Code code_of_line() const noexcept;
  Step recall(const KnownHead& known, Bytes input) noexcept;
  Result<Step> execute(Bytes input, std::size_t passed_bytes) noexcept;
  Result<Step> step_after(int error, Bytes input) noexcept;
  int refuse(Code code) noexcept;
  std::unexpected<Error> fault(Code code, int detail = 0) const noexcept;

  /// llhttp_t, which only parser.cpp knows.
  static constexpr std::size_t machine_bytes = 128;
  alignas(8) std::array<std::byte, machine_bytes> machine_;

  Role role_;
  AuthorityCheck& authorities_;
  KnownHeads* known_heads_;
  Arena* arena_ = nullptr;
  ParserLimits limits_;
  Field* fields_ = nullptr;
  std::array<char, 8> tail_{}; ///< the end of earlier inputs, while the head is not whole
  Bytes input_;
};

} // namespace ringfort::http
