// known_heads — heads of requests that came before, byte for byte: what they say is known already.
//
// Who polls, checks health or calls a service asks for the same again and again. Only a request
// that is nothing but its head, and came alone, is kept, once it was parsed twice with no other of
// its place in between; and none with Authorization, Proxy-Authorization or Cookie. The same bytes
// say the same: nothing is guessed, and what differs in one byte is parsed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/message.hpp>

namespace ringfort::http {

/// What the parser found in a head, as places in its bytes.
struct KnownHead {
  static constexpr std::size_t bytes_max = 512;
  static constexpr std::size_t fields_max = 24;

  struct Place {
    std::uint16_t at = 0;
    std::uint16_t size = 0;
  };
  struct NameAndValue {
    Place name;
    Place value;
  };

  std::uint16_t size = 0; ///< of its bytes; 0: none is known
  std::uint8_t field_count = 0;
  Method method = Method::other;
  std::uint8_t version_minor = 1;
  bool keep_alive = false;
  bool expects_continue = false;
  std::string_view method_name; ///< of static storage duration
  Place target;
  Place authority;
  std::array<NameAndValue, fields_max> fields;
  std::array<std::byte, bytes_max> bytes;
};

/// Of parsers with the same limits. Where: one shard.
class KnownHeads {
public:
  /// The head that is `input`, all of it; null: it is not known.
  /// Borrow: until keep().
  /// Cost: a comparison, when one of this size is known. Its time does not depend on where they
  ///       differ, so that nobody learns of another's request by parts.
  const KnownHead* find(Bytes input) noexcept {
    const KnownHead& known = place_of(input).head;
    if (known.size != input.size() || !same(known.bytes.data(), input)) return nullptr;
    ++found_;
    return &known;
  }

  /// That `input` is a whole request and no byte more, with a head that says this; views are of
  /// `input`.
  void keep(Bytes input, const Head& head, Fields fields, bool keep_alive,
            bool expects_continue) noexcept;

  /// How often find() found one: in a build that is measured or tested, whether it does at all.
  std::uint64_t found_count() const noexcept { return found_; }

private:
  static constexpr std::size_t places = 8;

  struct Place {
    std::uint64_t candidate = 0; ///< the digest of the last one that was not known
    KnownHead head;
  };

  Place& place_of(Bytes input) noexcept { return all_[input.size() % places]; }
  static bool same(const std::byte* known, Bytes input) noexcept;

  std::array<Place, places> all_;
  std::uint64_t found_ = 0;
};

} // namespace ringfort::http
