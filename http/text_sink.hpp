// text_sink — where a head's text goes: it is measured, or written into space that is long enough.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/message.hpp>

#include "http/date.hpp"
#include "http/field_lines.hpp"
#include "http/framing.hpp"

namespace ringfort::http {

/// A number as its digits.
template <int Base = 10>
struct Digits {
  static constexpr std::size_t bytes_max = 20;

  std::uint64_t number;

  /// The end of what was written; `at` has room for it.
  char* write(char* at) const noexcept {
    return std::to_chars(at, at + bytes_max, number, Base).ptr;
  }
};

class Measure {
public:
  template <std::size_t Bytes>
  void put(const char (&)[Bytes]) noexcept {
    bytes_ += Bytes - 1;
  }
  void put(const DateLine& line) noexcept { bytes_ += line.size(); }
  void put(std::string_view text) noexcept { bytes_ += text.size(); }
  void put(std::span<const Field> fields) noexcept { bytes_ += bytes_of_lines(fields); }
  template <int Base>
  void put(Digits<Base> digits) noexcept {
    std::array<char, Digits<Base>::bytes_max> text;
    bytes_ += static_cast<std::size_t>(digits.write(text.data()) - text.data());
  }
  std::size_t bytes() const noexcept { return bytes_; }

private:
  std::size_t bytes_ = 0;
};

class Writer {
public:
  explicit Writer(MutableBytes space) noexcept : at_(reinterpret_cast<char*>(space.data())) {}

  /// A literal: its length is known here, so the copy is a move or two and no call.
  template <std::size_t Bytes>
  void put(const char (&text)[Bytes]) noexcept {
    std::memcpy(at_, text, Bytes - 1);
    at_ += Bytes - 1;
  }
  void put(const DateLine& line) noexcept {
    std::memcpy(at_, line.data(), line.size());
    at_ += line.size();
  }
  void put(std::string_view text) noexcept { at_ = std::copy(text.begin(), text.end(), at_); }
  void put(std::span<const Field> fields) noexcept { at_ = write_lines(at_, fields); }
  template <int Base>
  void put(Digits<Base> digits) noexcept {
    at_ = digits.write(at_);
  }

  std::size_t bytes_since(MutableBytes space) const noexcept {
    return static_cast<std::size_t>(at_ - reinterpret_cast<char*>(space.data()));
  }

private:
  char* at_;
};

/// The field that tells of a body that is there (RFC 9112 section 6); no line for other framings.
template <class Sink>
void put_framing(Sink& sink, BodyFraming framing, std::uint64_t length) noexcept {
  if (framing == BodyFraming::chunked) {
    sink.put("transfer-encoding: chunked\r\n");
  } else if (framing == BodyFraming::length) {
    sink.put("content-length: ");
    sink.put(Digits<>{length});
    sink.put("\r\n");
  }
}

} // namespace ringfort::http
