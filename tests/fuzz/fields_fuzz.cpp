// Heads: the first line is a target, the others are fields, "name:value". The first byte chooses
// method and version. What the parser and its pieces say is held against a reader of three lines.
#include <array>
#include <string>
#include <vector>

#include <ringfort/check.hpp>

#include "http/authority.hpp"
#include "http/field_lines.hpp"
#include "http/parser.hpp"
#include "http/request_target.hpp"
#include "http/upgrade.hpp"
#include "tests/fuzz/lines.hpp"
#include "tests/fuzz/target.hpp"

namespace ringfort::http {
namespace {

/// One at a time: their memory is never freed, because quarantine would slow the fuzzer down.
struct Message {
  explicit Message(Role role) : parser(role, authorities) { parser.begin(arena, {}); }

  static inline std::array<std::byte, 32'768> block;
  Arena arena{block};
  AuthorityCheck authorities;
  Parser parser;
};

std::string trimmed_text(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return std::string(text);
}

/// Whether a field of this name lists `member`.
bool lists(const std::vector<Field>& fields, std::string_view name, std::string_view member) {
  for (const Field& field : fields) {
    if (!same_name(field.name, name)) continue;
    std::string_view rest = field.value;
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      more = comma != std::string_view::npos;
      if (same_name(trimmed_text(rest.substr(0, comma)), member)) return true;
      if (more) rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

void check_authority(std::string_view text, AuthorityCheck& authorities) {
  const bool valid = valid_authority(text);
  RINGFORT_CHECK(authorities.valid(text) == valid); // Whatever it was asked before,
  RINGFORT_CHECK(authorities.valid(text) == valid); // and again.
  if (!valid) return;
  for (const char letter : text) RINGFORT_CHECK(letter > ' ' && letter < 0x7f);
  RINGFORT_CHECK(text.find_first_of("@/?#\\\"<>") == std::string_view::npos);
}

void check_target(Method method, std::string_view target, AuthorityCheck& authorities) {
  if (target_fault(method, target, authorities)) return;
  RINGFORT_CHECK(!target.empty() && !target.contains('#'));
  const bool is_authority = method == Method::connect;
  RINGFORT_CHECK(valid_authority(is_authority ? target : authority_of_target(target)));
  if (is_authority) RINGFORT_CHECK(target.contains(':'));
}

/// What may be sent reads as the same fields at the other end: nothing in them ends a line.
void check_sent(const std::vector<Field>& fields, FieldLines& lines) {
  if (!lines.set(fields)) {
    RINGFORT_CHECK(!may_send(fields) || bytes_of_lines(fields) > 1'024);
    return;
  }
  RINGFORT_CHECK(lines.set(fields) && lines.text().size() == bytes_of_lines(fields));
  RINGFORT_CHECK(lines.has_date() == Fields(fields).find("date").has_value());
  std::string text = "HTTP/1.1 200 OK\r\n";
  text.append(lines.text()).append("content-length: 0\r\n\r\n");
  Message message(Role::client);
  if (fields.size() >= 100) return; // More than a reader takes, with the length.
  const auto step = message.parser.parse(bytes_of(text));
  RINGFORT_CHECK(step.has_value() && step->last && step->consumed_bytes == text.size());
  const Fields read = message.parser.fields();
  RINGFORT_CHECK(read.size() == fields.size() + 1);
  for (std::size_t index = 0; index < fields.size(); ++index) {
    RINGFORT_CHECK(read[index].name == fields[index].name);
    RINGFORT_CHECK(read[index].value == trimmed_text(fields[index].value));
  }
}

/// What a head that was taken says of host, expectation, connection and upgrade.
void check_head(const Parser& parser, const std::vector<Field>& fields, bool old) {
  const Fields all(fields);
  RINGFORT_CHECK(parser.fields().size() == fields.size());
  for (std::size_t index = 0; index < fields.size(); ++index) {
    RINGFORT_CHECK(parser.fields()[index].name == fields[index].name);
    RINGFORT_CHECK(parser.fields()[index].value == fields[index].value);
  }
  RINGFORT_CHECK(all.count("host") == 1 || (old && all.count("host") == 0));
  RINGFORT_CHECK(valid_authority(parser.head().authority));
  RINGFORT_CHECK(valid_authority(all.find("host").value_or("")));
  const bool close = lists(fields, "connection", "close");
  const bool kept = lists(fields, "connection", "keep-alive");
  RINGFORT_CHECK(parser.keep_alive() == (!close && (!old || kept)));
  bool expects = false;
  for (const Field& field : fields) {
    if (!same_name(field.name, "expect")) continue;
    const bool known = same_name(field.value, "100-continue");
    expects = expects || known;
    // Another one is refused, but not of HTTP/1.0.
    RINGFORT_CHECK(known || field.value.empty() || old);
  }
  RINGFORT_CHECK((parser.expects_continue() && !fuzz::planted()) == expects);
  const std::string_view offered = offered_protocols(parser.head(), parser.fields());
  const bool upgrades = !old && lists(fields, "connection", "upgrade");
  RINGFORT_CHECK(offered == (upgrades ? all.find("upgrade").value_or("") : ""));
  const std::string first = trimmed_text(offered.substr(0, offered.find(',')));
  RINGFORT_CHECK(first.empty() || offers(offered, first));
}

} // namespace
} // namespace ringfort::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace ringfort;
  using namespace ringfort::http;
  if (bytes < 2 || bytes > 4'096) return 0;
  constexpr std::array methods{Method::get, Method::connect, Method::options, Method::head};
  constexpr std::array<const char*, 4> names{"GET", "CONNECT", "OPTIONS", "HEAD"};
  const std::size_t choice = data[0] % methods.size();
  const bool old = (data[0] & 0x80) != 0;
  std::string_view rest = fuzz::text_after_choice(data, bytes);
  const std::string_view target = fuzz::take_line(rest);
  AuthorityCheck authorities;
  check_authority(target, authorities);
  check_target(methods[choice], target, authorities);
  std::vector<Field> fields;
  std::string text = std::string(names[choice]) + " " + std::string(target);
  text.append(old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  std::vector<std::string> values; // As a reader has them.
  const auto lines = fuzz::lines_of(rest);
  values.reserve(lines.size());
  FieldLines sent(1'024);
  for (const std::string_view line : lines) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.contains('\r')) continue;
    const std::string_view value = line.substr(colon + 1);
    fields.push_back({line.substr(0, colon), values.emplace_back(trimmed_text(value))});
    check_authority(fields.back().value, authorities);
    check_sent({{line.substr(0, colon), value}}, sent);
    text.append(line).append("\r\n");
  }
  check_sent(fields, sent);
  text.append("\r\n");
  Message message(Role::server);
  const auto step = message.parser.parse(bytes_of(text));
  if (step && step->event != Event::need_more) check_head(message.parser, fields, old);
  return 0;
}
