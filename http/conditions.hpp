// conditions — whether a request still wants what there is (RFC 9110 section 13).
#pragma once

#include <cstdint>
#include <string_view>

#include <ringfort/message.hpp>

namespace ringfort::http {

/// What identifies the representation that would be sent. Borrow: its views.
struct Validators {
  std::string_view entity_tag;    ///< as ETag says it, with its quotes; W/ in front: weak
  std::int64_t last_modified = 0; ///< as Last-Modified says it, in seconds since 1970
  std::int64_t now = 0;           ///< likewise
};

enum class Precondition : std::uint8_t {
  holds,
  not_modified, ///< 304
  failed,       ///< 412
};

/// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of section
/// 13.2.2. Dates that are none are ignored; a malformed list of tags counts as far as it is one.
Precondition evaluate(Method method, Fields fields, const Validators& current) noexcept;

/// Whether Range is to be looked at: If-Range is absent, or names this representation by a strong
/// tag, or by a date after which it cannot have changed unseen (section 8.8.2.2).
bool range_applies(Fields fields, const Validators& current) noexcept;

} // namespace ringfort::http
