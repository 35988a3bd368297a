// error — what failed, where in a connection's life, whose doing it was, and what follows.
//
// Every failure is a row of fault.def. Logic branches on stage, origin or reaction, never on
// `detail` and never on text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ringfort {

/// Where in the life of an engine or a connection a failure was born.
enum class Stage : std::uint8_t {
  config,
  ring,
  listen,
  accept,
  proxy_header, ///< by which a proxy says for whom it speaks
  resolve,
  connect,
  proxy, ///< who stands between a client and its servers
  tls_context,
  tls_handshake,
  tls_record,
  passthrough, ///< of connections that are not opened here
  http_parse,
  request_stream,
  handler,
  response_stream,
  call,   ///< of a request to another server: what its caller does, and waits for
  upload, ///< that request on its way
  answer, ///< and what comes back
  drain,
};

/// Whose doing a failure is.
enum class Origin : std::uint8_t {
  peer,   ///< the other end of the connection
  host,   ///< kernel, disk, memory
  limit,  ///< a bound that this engine was configured with
  caller, ///< the embedding program broke a contract
};

/// What the engine does about it.
enum class Reaction : std::uint8_t {
  answer,      ///< answer with the row's status, then close
  close,       ///< close this connection
  back_off,    ///< wait, then try again
  tell_caller, ///< hand the error to the embedding program
  stop_shard,  ///< the shard cannot go on
};

enum class Code : std::uint16_t {
#define X(stage, name, origin, reaction, status, text, alias) stage##_##name,
#include <ringfort/fault.def>
#undef X
};

/// One row of fault.def.
struct Fault {
  Stage stage;
  Origin origin;
  Reaction reaction;
  std::uint16_t status;        ///< HTTP status of the answer; 0 where none can be given
  std::string_view stage_name; ///< "tls_handshake"
  std::string_view name;       ///< "timed_out"
  std::string_view text;       ///< one sentence for people: cause, and remedy where there is one
  std::string_view alias;      ///< the code other stacks use for it; empty where none does
};

/// The rows of fault.def, by Code.
inline constexpr Fault faults[] = {
#define X(stage, name, origin, reaction, status, text, alias)                                      \
  {Stage::stage, Origin::origin, Reaction::reaction, status, #stage, #name, text, alias},
#include <ringfort/fault.def>
#undef X
};
inline constexpr std::size_t fault_count = std::size(faults);

/// The row of a code. Cost: an array index.
constexpr const Fault& fault_of(Code code) noexcept {
  return faults[static_cast<std::size_t>(code)];
}

constexpr std::string_view name_of(Origin origin) noexcept {
  constexpr std::string_view names[] = {"peer", "host", "limit", "caller"};
  return names[static_cast<std::size_t>(origin)];
}

/// A failure as a value of 16 bytes.
struct Error {
  Code code;
  std::uint16_t shard = 0;
  /// errno, TLS alert, OpenSSL reason or llhttp code: for people and logs only.
  std::int32_t detail = 0;
  /// Slot (low 32 bits) and generation (high 32 bits) of the connection; 0 where there is none.
  std::uint64_t connection = 0;

  friend bool operator==(const Error&, const Error&) = default;
};
static_assert(sizeof(Error) == 16);

/// "stage.name". Allocates.
inline std::string full_name(const Fault& fault) {
  return std::string(fault.stage_name).append(".").append(fault.name);
}

/// "stage.name: text (detail N: what it is)", for logs and messages. Allocates.
inline std::string explain(const Error& error) {
  constexpr std::string_view detail_mark = " (detail: ";
  const Fault& fault = fault_of(error.code);
  const std::size_t end = fault.text.find(detail_mark);
  std::string text = full_name(fault);
  text.append(": ").append(fault.text.substr(0, end));
  if (error.detail == 0) return text;
  text.append(" (detail ").append(std::to_string(error.detail));
  if (end == fault.text.npos) return text.append(")");
  return text.append(": ").append(fault.text.substr(end + detail_mark.size()));
}

/// A value or the Error that stands in its place. Dropping one without a look is a warning.
template <class T = std::monostate>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;

  /// The value, for a main function that has nothing better to do: a failure is explained on
  /// standard error and ends the process with status 1.
  T or_exit() && {
    if (this->has_value()) return std::move(**this);
    std::fputs(explain(this->error()).append("\n").c_str(), stderr);
    std::exit(1);
  }
};

/// Shorthand for returning a failure.
inline std::unexpected<Error> fail(Code code, std::int32_t detail = 0) noexcept {
  return std::unexpected(Error{.code = code, .detail = detail});
}

} // namespace ringfort
