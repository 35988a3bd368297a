#include "http/hop_fields.hpp"

#include <algorithm>
#include <array>

#include "http/list_reader.hpp"

namespace ringfort::http {

namespace {

constexpr std::array<std::string_view, 11> always{"connection",
                                                  "keep-alive",
                                                  "proxy-connection",
                                                  "te",
                                                  "transfer-encoding",
                                                  "upgrade",
                                                  "proxy-authenticate",
                                                  "proxy-authorization",
                                                  "proxy-authentication-info",
                                                  "proxy",
                                                  "http2-settings"};

bool names_field(std::string_view connection) noexcept {
  while (!connection.empty()) {
    const std::string_view member = take_until(connection, ',');
    if (!member.empty() && !same_name(member, "close") && !same_name(member, "keep-alive")) {
      return true;
    }
  }
  return false;
}

} // namespace

HopFields::HopFields(Fields fields) noexcept
    : fields_(fields), names_others_(std::ranges::any_of(fields, [](const Field& field) {
        return same_name(field.name, "connection") && names_field(field.value);
      })) {}

bool HopFields::end_here(std::string_view name) const noexcept {
  if (std::ranges::any_of(always, [&](std::string_view one) { return same_name(one, name); })) {
    return true;
  }
  return names_others_ && std::ranges::any_of(fields_, [&](const Field& field) {
           return same_name(field.name, "connection") && has_member(field.value, name);
         });
}

} // namespace ringfort::http
