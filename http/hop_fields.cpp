#include "http/hop_fields.hpp"

#include <algorithm>

#include "http/list_reader.hpp"

namespace ringfort::http {

namespace {

/// Whatever Connection names. Most names are told by their size.
bool always_ends_here(std::string_view name) noexcept {
  switch (name.size()) {
  case 2: return same_name(name, "te");
  case 5: return same_name(name, "proxy");
  case 7: return same_name(name, "upgrade");
  case 10: return same_name(name, "connection") || same_name(name, "keep-alive");
  case 14: return same_name(name, "http2-settings");
  case 16: return same_name(name, "proxy-connection");
  case 17: return same_name(name, "transfer-encoding");
  case 18: return same_name(name, "proxy-authenticate");
  case 19: return same_name(name, "proxy-authorization");
  case 25: return same_name(name, "proxy-authentication-info");
  default: return false;
  }
}

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
  if (always_ends_here(name)) return true;
  return names_others_ && std::ranges::any_of(fields_, [&](const Field& field) {
           return same_name(field.name, "connection") && has_member(field.value, name);
         });
}

} // namespace ringfort::http
