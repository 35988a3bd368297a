// field_lines — the fields of a response as they are on the wire, checked.
//
// A server says mostly the same fields again and again: as long as it does, neither the check nor
// the writing is repeated.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <ringfort/message.hpp>

namespace ringfort::http {

/// Whether each field can be sent: a token for its name, no control byte in its value, and none of
/// the engine's own (connection, keep-alive, content-length, transfer-encoding).
bool may_send(std::span<const Field> fields) noexcept;

/// The bytes of all lines, and the lines themselves; `at` has room, and the end is answered.
std::size_t bytes_of_lines(std::span<const Field> fields) noexcept;
char* write_lines(char* at, std::span<const Field> fields) noexcept;

/// The lines of the last set of fields. Where: one shard.
class FieldLines {
public:
  /// Bounds what set() takes.
  explicit FieldLines(std::size_t bytes_max) : space_(bytes_max) {}
  FieldLines(const FieldLines&) = delete; // What is known are views of the own space.
  FieldLines& operator=(const FieldLines&) = delete;

  /// Makes text() the lines of `fields`; false when they may not be sent or are too long.
  /// Cost: a comparison when it holds() them.
  bool set(std::span<const Field> fields) noexcept;

  /// Whether text() is the lines of `fields`; never so of more than 32.
  bool holds(std::span<const Field> fields) const noexcept;
  /// Borrow: until the next set().
  std::string_view text() const noexcept { return {space_.data(), bytes_}; }
  bool has_date() const noexcept { return has_date_; }

private:
  static constexpr std::size_t too_many = ~std::size_t{0};

  void remember(std::span<const Field> fields) noexcept;

  std::vector<char> space_;
  std::size_t bytes_ = 0;
  std::array<Field, 32> known_; ///< as views of the lines
  std::size_t known_count_ = 0; ///< of these fields, or too_many
  bool has_date_ = false;
};

} // namespace ringfort::http
