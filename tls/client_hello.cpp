#include "tls/client_hello.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace ringfort::tls {

namespace {

constexpr std::byte handshake_record{22};
constexpr std::size_t record_header_bytes = 5;
constexpr std::uint32_t client_hello_type = 1;
constexpr std::uint32_t server_name_extension = 0;
constexpr std::uint32_t protocols_extension = 16; // ALPN, RFC 7301 section 3.1.
constexpr std::uint32_t host_name_type = 0;

bool looks_like_http(Bytes input) noexcept {
  constexpr std::string_view starts[] = {"GET ", "HEAD", "POST", "PUT ", "DELE",
                                         "OPTI", "PATC", "CONN", "TRAC", "PRI "};
  const std::string_view text = text_of(input.first(std::min<std::size_t>(input.size(), 4)));
  return std::any_of(std::begin(starts), std::end(starts),
                     [text](std::string_view start) { return start.starts_with(text); });
}

/// Why reading stopped.
enum class Stop : std::uint8_t { nothing, short_of_bytes, malformed };

/// Walks over the handshake bytes of consecutive records as if they were one stretch.
class Cursor {
public:
  explicit Cursor(Bytes input) noexcept : input_(input) {}

  Stop stopped() const noexcept { return stop_; }
  bool going() const noexcept { return stop_ == Stop::nothing; }
  /// Of the records begun so far, whole ones counted whole.
  std::size_t record_end() const noexcept { return at_ + in_record_; }
  /// Handshake bytes passed.
  std::size_t passed() const noexcept { return passed_; }

  /// A big-endian number; 0 once stopped.
  std::uint32_t number(unsigned bytes) noexcept {
    std::uint32_t value = 0;
    while (bytes-- > 0 && begin_byte()) {
      value = value << 8 | std::to_integer<std::uint32_t>(input_[at_]);
      pass(1);
    }
    return going() ? value : 0;
  }

  void skip(std::size_t bytes) noexcept {
    while (bytes > 0 && begin_byte()) {
      const std::size_t step = std::min({bytes, in_record_, input_.size() - at_});
      pass(step);
      bytes -= step;
    }
  }

  void copy(char* out, std::size_t bytes) noexcept {
    for (; bytes > 0 && begin_byte(); --bytes, pass(1)) {
      *out++ = std::to_integer<char>(input_[at_]);
    }
  }

  /// Unless it has stopped before: what was not read cannot be wrong.
  void fail() noexcept {
    if (going()) stop_ = Stop::malformed;
  }

private:
  /// Steps into the next record where one has ended.
  bool begin_byte() noexcept {
    while (going() && in_record_ == 0) {
      if (input_.size() - at_ < record_header_bytes) {
        stop_ = Stop::short_of_bytes;
      } else if (input_[at_] != handshake_record || input_[at_ + 1] != std::byte{3}) {
        stop_ = Stop::malformed;
      } else {
        in_record_ = (std::to_integer<std::size_t>(input_[at_ + 3]) << 8) +
                     std::to_integer<std::size_t>(input_[at_ + 4]);
        at_ += record_header_bytes;
        if (in_record_ == 0) stop_ = Stop::malformed; // RFC 8446 section 5.1.
      }
    }
    if (going() && at_ == input_.size()) stop_ = Stop::short_of_bytes;
    return going();
  }

  void pass(std::size_t bytes) noexcept {
    at_ += bytes;
    in_record_ -= bytes;
    passed_ += bytes;
  }

  Bytes input_;
  std::size_t at_ = 0;
  std::size_t in_record_ = 0; ///< bytes of the current record that are left
  std::size_t passed_ = 0;
  Stop stop_ = Stop::nothing;
};

/// The first host name of the extension; names of other types are passed over.
void read_server_name(Cursor& cursor, std::size_t extension_bytes, ClientHello& hello) noexcept {
  const std::size_t end = cursor.passed() + extension_bytes;
  if (extension_bytes < 2 || cursor.number(2) != extension_bytes - 2) return cursor.fail();
  while (cursor.going() && cursor.passed() < end) {
    const std::uint32_t type = cursor.number(1);
    const std::size_t bytes = cursor.number(2);
    if (bytes == 0 || cursor.passed() + bytes > end) return cursor.fail();
    if (type != host_name_type || hello.name_bytes > 0 || bytes > hello.name.size()) {
      cursor.skip(bytes);
    } else {
      cursor.copy(hello.name.data(), bytes);
      hello.name_bytes = bytes;
    }
  }
}

void read_protocols(Cursor& cursor, std::size_t extension_bytes, ClientHello& hello) noexcept {
  const std::size_t end = cursor.passed() + extension_bytes;
  if (extension_bytes < 2 || cursor.number(2) != extension_bytes - 2) return cursor.fail();
  while (cursor.going() && cursor.passed() < end) {
    const std::size_t bytes = cursor.number(1);
    if (bytes == 0 || cursor.passed() + bytes > end) return cursor.fail();
    if (hello.protocols_bytes + 1 + bytes > hello.protocols.size()) {
      cursor.skip(bytes);
      continue;
    }
    char* const place = hello.protocols.data() + hello.protocols_bytes;
    *place = static_cast<char>(bytes);
    cursor.copy(place + 1, bytes);
    hello.protocols_bytes += 1 + bytes;
  }
}

void read_extensions(Cursor& cursor, std::size_t end, ClientHello& hello) noexcept {
  while (cursor.going() && cursor.passed() < end) {
    const std::uint32_t type = cursor.number(2);
    const std::size_t bytes = cursor.number(2);
    if (cursor.passed() + bytes > end) return cursor.fail();
    if (type == server_name_extension) {
      read_server_name(cursor, bytes, hello);
    } else if (type == protocols_extension) {
      read_protocols(cursor, bytes, hello);
    } else {
      cursor.skip(bytes);
    }
  }
}

void read_message(Cursor& cursor, ClientHello& hello) noexcept {
  constexpr std::size_t version_and_random_bytes = 2 + 32;
  const std::uint32_t type = cursor.number(1);
  if (type != client_hello_type) return cursor.fail();
  const std::size_t body_bytes = cursor.number(3);
  const std::size_t end = cursor.passed() + body_bytes;
  cursor.skip(version_and_random_bytes);
  cursor.skip(cursor.number(1));                 // legacy_session_id
  cursor.skip(cursor.number(2));                 // cipher_suites
  cursor.skip(cursor.number(1));                 // legacy_compression_methods
  if (cursor.going() && cursor.passed() < end) { // A hello of TLS 1.0 may end here.
    const std::size_t extensions_bytes = cursor.number(2);
    if (cursor.passed() + extensions_bytes != end) return cursor.fail();
    read_extensions(cursor, end, hello);
  }
  if (cursor.passed() != end) cursor.fail();
}

} // namespace

Result<ClientHello> read_client_hello(Bytes input) noexcept {
  if (input.empty()) return ClientHello{};
  if (input[0] != handshake_record || (input.size() > 1 && input[1] != std::byte{3})) {
    return ringfort::fail(looks_like_http(input) ? Code::tls_handshake_plain_http
                                                 : Code::tls_handshake_not_tls);
  }
  ClientHello hello;
  Cursor cursor(input);
  read_message(cursor, hello);
  if (cursor.stopped() == Stop::malformed) return ringfort::fail(Code::tls_handshake_malformed);
  if (cursor.stopped() == Stop::nothing) hello.bytes = cursor.record_end();
  const bool whole = hello.bytes > 0 && hello.bytes <= input.size();
  if (whole && hello.bytes <= hello_bytes_max) return hello;
  if (whole || input.size() >= hello_bytes_max)
    return ringfort::fail(Code::tls_handshake_oversized_hello);
  hello.bytes = 0;
  return hello;
}

} // namespace ringfort::tls
