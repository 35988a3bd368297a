#include "http/upgrade.hpp"

#include "http/list_reader.hpp"

namespace ringfort::http {

std::string_view offered_protocols(const Head& head, Fields fields) noexcept {
  if (head.version_minor == 0) return {};
  bool connection_names_it = false;
  for (const Field& field : fields) {
    const bool is_connection = same_name(field.name, "connection");
    connection_names_it |= is_connection && has_member(field.value, "upgrade");
  }
  return connection_names_it ? fields.find("upgrade").value_or("") : std::string_view();
}

bool offers(std::string_view offered, std::string_view protocol) noexcept {
  return !protocol.empty() && has_member(offered, protocol);
}

} // namespace ringfort::http
