#include "http/parser.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <llhttp.h>

#include "http/answer_faults.hpp"
#include "http/letters.hpp"
#include "http/request_target.hpp"

namespace ringfort::http {

static_assert(sizeof(llhttp_t) <= 128 && alignof(llhttp_t) <= 8);

namespace {

llhttp_t& machine_of(std::array<std::byte, 128>& storage) noexcept {
  return *reinterpret_cast<llhttp_t*>(storage.data());
}

const llhttp_t& machine_of(const std::array<std::byte, 128>& storage) noexcept {
  return *reinterpret_cast<const llhttp_t*>(storage.data());
}

Method method_of(unsigned method) noexcept {
  switch (method) {
  case HTTP_GET: return Method::get;
  case HTTP_HEAD: return Method::head;
  case HTTP_POST: return Method::post;
  case HTTP_PUT: return Method::put;
  case HTTP_DELETE: return Method::delete_;
  case HTTP_CONNECT: return Method::connect;
  case HTTP_OPTIONS: return Method::options;
  case HTTP_TRACE: return Method::trace;
  case HTTP_PATCH: return Method::patch;
  default: return Method::other;
  }
}

/// llhttp_method_name(), with the lengths.
constexpr auto method_names = [] {
  std::array<std::string_view, 256> names; // As many as llhttp_t::method can tell apart.
#define RINGFORT_METHOD(number, name, text) names[number] = #text;
  HTTP_ALL_METHOD_MAP(RINGFORT_METHOD)
#undef RINGFORT_METHOD
  return names;
}();

std::string_view without_trailing_space(std::string_view text) noexcept {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

} // namespace

/// llhttp's callbacks: each finds its Parser and moves it on.
struct ParserCallbacks {
  static Parser& parser(llhttp_t* machine) noexcept { return *static_cast<Parser*>(machine->data); }

  static int on_url(llhttp_t* machine, const char* at, std::size_t bytes) noexcept {
    Parser& self = parser(machine);
    // llhttp passes over any number of spaces; there is one (RFC 9112 section 3).
    if (self.target_.size == 0 && self.byte_before(at, 2) == ' ') {
      return self.refuse(Code::http_parse_malformed);
    }
    if (self.target_.size + bytes > self.limits_.target_bytes_max) {
      return self.refuse(Code::http_parse_target_too_long);
    }
    return self.take(self.target_, at, bytes);
  }

  static int on_version(llhttp_t* machine, const char* at, std::size_t) noexcept {
    Parser& self = parser(machine);
    if (std::exchange(self.version_begun_, true) || self.role_ == Role::client) return 0;
    return self.check_protocol(at);
  }

  // llhttp lets a reason phrase hold any byte but CR and LF.
  static int on_status(llhttp_t* machine, const char* at, std::size_t bytes) noexcept {
    Parser& self = parser(machine);
    if (!self.count(bytes)) return self.refuse(Code::http_parse_head_too_large);
    return all_are({at, bytes}, content_letter) ? 0 : self.refuse(Code::http_parse_malformed);
  }

  static int on_version_end(llhttp_t* machine) noexcept {
    parser(machine).version_done_ = true;
    return 0;
  }

  static int on_name(llhttp_t* machine, const char* at, std::size_t bytes) noexcept {
    return parser(machine).take(parser(machine).name_, at, bytes);
  }

  static int on_value(llhttp_t* machine, const char* at, std::size_t bytes) noexcept {
    return parser(machine).take(parser(machine).value_, at, bytes);
  }

  static int on_value_end(llhttp_t* machine) noexcept { return parser(machine).end_field(); }

  static int on_head_end(llhttp_t* machine) noexcept { return parser(machine).end_head(); }

  static int on_body(llhttp_t* machine, const char* at, std::size_t bytes) noexcept {
    Parser& self = parser(machine);
    self.piece_ = {reinterpret_cast<const std::byte*>(at), bytes};
    // A counted body ends where the input or the message does; of chunks there may be more.
    return self.framing_ == BodyFraming::chunked ? HPE_PAUSED : 0;
  }

  static int on_chunk_extension(llhttp_t* machine, const char*, std::size_t bytes) noexcept {
    Parser& self = parser(machine);
    self.chunk_extension_bytes_ += static_cast<std::uint32_t>(bytes);
    const bool over = self.chunk_extension_bytes_ > self.limits_.chunk_extension_bytes_max;
    return over ? self.refuse(Code::http_parse_chunk_extensions_too_large) : 0;
  }

  static int on_end(llhttp_t* machine) noexcept {
    parser(machine).complete_ = true;
    return HPE_PAUSED;
  }

  /// As llhttp_init() makes one: once, because each request has its own.
  static const llhttp_t& fresh_machine(Role role) noexcept {
    static const std::array machines = [] {
      std::array<llhttp_t, 2> made;
      llhttp_init(&made[0], HTTP_REQUEST, &settings());
      llhttp_init(&made[1], HTTP_RESPONSE, &settings());
      return made;
    }();
    return machines[role == Role::server ? 0 : 1];
  }

  static const llhttp_settings_t& settings() noexcept {
    static constexpr llhttp_settings_t settings = [] {
      llhttp_settings_t made{};
      made.on_url = on_url;
      made.on_version = on_version;
      made.on_version_complete = on_version_end;
      made.on_status = on_status;
      made.on_header_field = on_name;
      made.on_header_value = on_value;
      made.on_header_value_complete = on_value_end;
      made.on_headers_complete = on_head_end;
      made.on_body = on_body;
      made.on_chunk_extension_name = on_chunk_extension;
      made.on_chunk_extension_value = on_chunk_extension;
      made.on_message_complete = on_end;
      return made;
    }();
    return settings;
  }
};

/// What an llhttp error stands for; everything not named is http_parse.malformed.
Code Parser::code_of(int error) const noexcept {
  const llhttp_t& machine = machine_of(machine_);
  switch (error) {
  case HPE_INVALID_METHOD: return Code::http_parse_bad_method;
  case HPE_INVALID_URL: return Code::http_parse_bad_target;
  case HPE_INVALID_VERSION:
    return version_done_ ? Code::http_parse_malformed : Code::http_parse_bad_version;
  case HPE_INVALID_CONSTANT:
  case HPE_PAUSED_H2_UPGRADE: return Code::http_parse_bad_version;
  case HPE_INVALID_HEADER_TOKEN: return Code::http_parse_bad_field;
  case HPE_UNEXPECTED_SPACE:
    return version_done_ && !head_done_ ? Code::http_parse_bad_field : code_of_line();
  case HPE_CR_EXPECTED:
  case HPE_LF_EXPECTED:
  case HPE_STRICT: return code_of_line();
  case HPE_INVALID_CONTENT_LENGTH:
    return (machine.flags & F_TRANSFER_ENCODING) != 0 ? Code::http_parse_two_lengths
                                                      : Code::http_parse_bad_length;
  case HPE_UNEXPECTED_CONTENT_LENGTH: return Code::http_parse_two_lengths;
  case HPE_INVALID_TRANSFER_ENCODING:
    return (machine.flags & F_CONTENT_LENGTH) != 0 ? Code::http_parse_two_lengths
                                                   : Code::http_parse_bad_coding;
  case HPE_INVALID_CHUNK_SIZE: return Code::http_parse_bad_chunk;
  default: return Code::http_parse_malformed;
  }
}

/// A line that does not end as it must: of which part of the message it is.
Code Parser::code_of_line() const noexcept {
  const bool trailing = (machine_of(machine_).flags & F_TRAILING) != 0;
  if (head_done_ && !trailing) return Code::http_parse_bad_chunk;
  const bool in_fields = trailing || field_count_ > 0 || name_.size > 0;
  return in_fields ? Code::http_parse_bad_field : Code::http_parse_malformed;
}

void Parser::begin_response(Arena& arena, const ParserLimits& limits, Method request) noexcept {
  begin(arena, limits);
  head_.method = request;
}

void Parser::begin_after_interim() noexcept {
  const Method request = head_.method;
  restart();
  head_.method = request;
}

void Parser::begin(Arena& arena, const ParserLimits& limits) noexcept {
  take_place(arena, limits);
  restart();
}

void Parser::take_place(Arena& arena, const ParserLimits& limits) noexcept {
  arena_ = &arena;
  limits_ = limits;
  fields_ = static_cast<Field*>(arena.allocate(limits.fields_max * sizeof(Field), alignof(Field)));
}

void Parser::restart() noexcept { static_cast<ParsedMessage&>(*this) = {}; }

void Parser::start_machine() noexcept {
  llhttp_t& machine = machine_of(machine_);
  machine = ParserCallbacks::fresh_machine(role_);
  machine.data = this;
}

Result<Step> Parser::parse(Bytes input) noexcept {
  if (fields_ == nullptr) return fault(Code::http_parse_head_too_large);
  if (input.empty()) return Step{};
  const bool fresh = !started_;
  if (fresh) {
    started_ = true;
    const KnownHead* const known = known_heads_ == nullptr ? nullptr : known_heads_->find(input);
    if (known != nullptr) return recall(*known, input);
    start_machine();
  }
  std::size_t passed_bytes = 0;
  if (!line_begun_) {
    if (const auto refusal = pass_empty_lines(input, passed_bytes)) return fault(*refusal);
    if (passed_bytes == input.size()) return Step{.consumed_bytes = passed_bytes};
    input = input.subspan(passed_bytes);
  }
  auto step = execute(input, passed_bytes);
  const bool whole =
      fresh && passed_bytes == 0 && step && step->last && step->consumed_bytes == input.size();
  if (whole && step->event == Event::head && known_heads_ != nullptr) {
    known_heads_->keep(input, head_, fields(), keep_alive_, expects_continue_);
  }
  return step;
}

/// The step counts the bytes passed over before `input` too.
Result<Step> Parser::execute(Bytes input, std::size_t passed_bytes) noexcept {
  input_ = input;
  piece_ = {};
  const bool was_head = !head_done_;
  const int error = llhttp_execute(&machine_of(machine_),
                                   reinterpret_cast<const char*>(input.data()), input.size());
  auto step = step_after(error, input);
  if (!step) return step;
  if (!head_done_) remember_tail(input);
  if (!bounds_padding(*step, was_head)) {
    return fault(was_head ? Code::http_parse_head_too_large : Code::http_parse_bad_chunk);
  }
  step->consumed_bytes += passed_bytes;
  return step;
}

Method Parser::method() const noexcept {
  if (head_done_) return head_.method;
  return target_.size > 0 ? method_of(machine_of(machine_).method) : Method::other;
}

Result<Step> Parser::step_after(int error, Bytes input) noexcept {
  llhttp_t& machine = machine_of(machine_);
  Step step{.consumed_bytes = input.size(), .piece = piece_, .last = complete_};
  if (error == HPE_PAUSED || error == HPE_PAUSED_UPGRADE) {
    // llhttp_get_error_pos(), and all that llhttp_resume() and its like after an upgrade do.
    const auto* stopped = reinterpret_cast<const std::byte*>(machine.error_pos);
    step.consumed_bytes = static_cast<std::size_t>(stopped - input.data());
    machine.error = HPE_OK;
  } else if (refusal_) {
    return fault(*refusal_); // llhttp has a code of its own for each callback that refuses.
  } else if (error != HPE_OK) {
    return fault(code_of(error), error);
  }
  if (head_done_ && !head_reported_) {
    head_reported_ = true;
    step.event = Event::head;
  } else if (!piece_.empty()) {
    step.event = Event::body;
  } else if (complete_) {
    step.event = Event::end;
  } else if (!head_done_ || framing_ == BodyFraming::chunked) {
    if (auto settled = settle(); !settled) return std::unexpected(settled.error());
  }
  return step;
}

Result<Step> Parser::finish() noexcept {
  if (!started_ || complete_) return Step{};
  if (framing_ != BodyFraming::until_close) return fault(Code::request_stream_cut_short);
  complete_ = true;
  return Step{.event = Event::end, .last = true};
}

std::unexpected<Error> Parser::fault(Code code, int detail) const noexcept {
  return fail(role_ == Role::client ? answer_fault(code) : code, detail);
}

int Parser::refuse(Code code) noexcept {
  if (!refusal_) refusal_ = code;
  return HPE_USER;
}

bool Parser::in_input(const char* at) const noexcept {
  const auto* place = reinterpret_cast<const std::byte*>(at);
  return place >= input_.data() && place < input_.data() + input_.size();
}

/// False beyond the limit of the part that they belong to.
bool Parser::count(std::size_t bytes) noexcept {
  field_bytes_ += static_cast<std::uint32_t>(bytes);
  return field_bytes_ <= (head_done_ ? limits_.trailer_bytes_max : limits_.head_bytes_max);
}

int Parser::take(Token& token, const char* at, std::size_t bytes) noexcept {
  if (count(bytes) && append(token, at, bytes)) return 0;
  return refuse(head_done_ ? Code::http_parse_trailers_too_large : Code::http_parse_head_too_large);
}

/// False, if the arena is spent.
bool Parser::append(Token& token, const char* at, std::size_t bytes) noexcept {
  if (token.size == 0) {
    token = {const_cast<char*>(at), bytes};
    return true;
  }
  return join(token, at, bytes);
}

/// Apart from append(), because a token mostly comes in one piece.
[[gnu::noinline]] bool Parser::join(Token& token, const char* at, std::size_t bytes) noexcept {
  if (token.data + token.size == at) {
    token.size += bytes;
    return true;
  }
  // The token began in an earlier input and lies in the arena, mostly at its end.
  if (!arena_->extend(token.data + token.size, bytes)) {
    auto* moved = static_cast<char*>(arena_->allocate(token.size + bytes, 1));
    if (moved == nullptr) return false;
    std::memcpy(moved, token.data, token.size);
    token.data = moved;
  }
  std::memcpy(token.data + token.size, at, bytes);
  token.size += bytes;
  return true;
}

int Parser::end_field() noexcept {
  if (field_count_ == limits_.fields_max) return refuse(Code::http_parse_too_many_fields);
  field_bytes_ += 4; // ": " and CRLF, so that a head of empty fields is bounded too.
  const Field field{name_.text(), without_trailing_space(value_.text())};
  fields_[field_count_++] = field;
  if (!head_done_) read_known_field(field);
  name_ = value_ = {};
  return 0;
}

int Parser::end_head() noexcept {
  llhttp_t& machine = machine_of(machine_);
  head_field_count_ = field_count_;
  head_done_ = true;
  if (role_ == Role::server) head_.method = method_of(machine.method);
  field_bytes_ = 0; // From here on it counts trailers.
  head_.version_minor = machine.http_minor;
  status_ = machine.status_code;
  if (machine.http_major != 1 || head_.version_minor > 1) {
    return refuse(Code::http_parse_bad_version);
  }
  if (const int refused = check_coding(); refused != 0) return refused;
  if (role_ == Role::client) {
    if (const int refused = check_response(); refused != 0) return refused;
  }
  find_framing();
  keep_alive_ = !says_close_ && (head_.version_minor > 0 || says_keep_alive_) &&
                framing_ != BodyFraming::until_close;
  head_.target = target_.text();
  if (role_ == Role::server) {
    if (const int refused = check_request(); refused != 0) return refused;
  }
  machine.upgrade = 0; // An upgrade nobody accepts is an ordinary request (RFC 9110 section 7.8).
  constexpr int no_body = 1; // llhttp then waits for none, whatever the fields say.
  return framing_ == BodyFraming::none ? no_body : HPE_PAUSED;
}

int Parser::check_coding() noexcept {
  if (coding_count_ == 0) return 0;
  const bool chunked = (machine_of(machine_).flags & F_CHUNKED) != 0;
  if (!chunked || coding_count_ > 1 || head_.version_minor == 0) {
    return refuse(Code::http_parse_bad_coding);
  }
  return other_coding_ ? refuse(Code::http_parse_unknown_coding) : 0;
}

int Parser::check_response() noexcept {
  const bool interim = status_ < 200;
  if (status_ < 100 || status_ > 599 || (interim && head_.version_minor == 0)) {
    return refuse(Code::http_parse_malformed);
  }
  // A server that announces a body here may send one, to be taken for the next answer.
  if (!interim && status_ != 204) return 0;
  if (coding_count_ > 0) return refuse(Code::http_parse_bad_coding);
  const llhttp_t& machine = machine_of(machine_);
  const bool has_length = (machine.flags & F_CONTENT_LENGTH) != 0 && machine.content_length > 0;
  return has_length ? refuse(Code::http_parse_bad_length) : 0;
}

void Parser::find_framing() noexcept {
  const llhttp_t& machine = machine_of(machine_);
  if (role_ == Role::client && answer_has_no_body()) return;
  if ((machine.flags & F_CHUNKED) != 0) {
    framing_ = BodyFraming::chunked;
  } else if ((machine.flags & F_CONTENT_LENGTH) != 0) {
    content_length_ = machine.content_length;
    if (content_length_ > 0) framing_ = BodyFraming::length;
  } else if (role_ == Role::client) {
    framing_ = BodyFraming::until_close;
  }
}

bool Parser::answer_has_no_body() const noexcept {
  const bool tunnel = head_.method == Method::connect && status_ < 300;
  return tunnel || forbids_body(head_.method, status_);
}

int Parser::check_request() noexcept {
  head_.method_name = method_names[machine_of(machine_).method];
  if (host_count_ > 1 || (host_count_ == 0 && head_.version_minor == 1)) {
    return refuse(Code::http_parse_bad_host);
  }
  head_.authority = host_;
  if (!authorities_.valid(host_)) return refuse(Code::http_parse_bad_host);
  if (const auto refusal = target_fault(head_.method, head_.target, authorities_)) {
    return refuse(*refusal);
  }
  if (head_.method == Method::connect) {
    head_.authority = head_.target;
  } else if (!head_.target.starts_with('/') && head_.target != "*") {
    head_.authority = authority_of_target(head_.target);
  }
  // An HTTP/1.0 client's is ignored (RFC 9110 section 10.1.1).
  const bool fails = expects_other_ && head_.version_minor > 0;
  return fails ? refuse(Code::http_parse_unknown_expectation) : 0;
}

bool Parser::keep(Token& token) noexcept {
  if (token.size == 0 || !in_input(token.data)) return true;
  auto* copy = static_cast<char*>(arena_->allocate(token.size, 1));
  if (copy == nullptr) return false;
  std::memcpy(copy, token.data, token.size);
  token.data = copy;
  return true;
}

bool Parser::keep(std::string_view& view) noexcept {
  Token token{const_cast<char*>(view.data()), view.size()};
  if (!keep(token)) return false;
  view = token.text();
  return true;
}

// The token that is still growing is copied last, so that it can grow in place.
Result<> Parser::settle() noexcept {
  bool fits = keep(target_);
  for (std::uint32_t index = 0; index < field_count_; ++index) {
    fits = fits && keep(fields_[index].name) && keep(fields_[index].value);
  }
  fits = fits && keep(host_) && keep(name_) && keep(value_);
  if (!fits) return fault(Code::http_parse_head_too_large);
  if (head_done_) {
    head_.target = target_.text();
    fits = keep(head_.authority);
  }
  input_ = {};
  return {};
}

} // namespace ringfort::http
