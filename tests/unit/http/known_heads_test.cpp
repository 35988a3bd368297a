// Heads that came before: which are known again, and that they say what parsing would find.
#include "http/known_heads.hpp"

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "http/parser.hpp"

namespace ringfort::http {
namespace {

/// A shard's parsers, one for each request.
class Reader {
public:
  explicit Reader(KnownHeads* known_heads) : known_heads_(known_heads) {}

  /// What is found in `text`, in words; "refused" when that is nothing. Views are into `text`.
  std::string read(const std::string& text) {
    std::vector<std::byte> block(32'768);
    Arena arena(block);
    Parser parser(Role::server, authorities_, known_heads_, arena, {});
    const auto step = parser.parse(bytes_of(text));
    if (!step) return "refused";
    const Head& head = parser.head();
    CHECK(parser.method() == head.method);
    lies_in_text_ = lies_in(text, head.target);
    std::string said = std::to_string(static_cast<int>(head.method)) + " ";
    said.append(head.method_name).append(" ").append(head.target).append(" ");
    said.append(head.authority).append(" ").append(std::to_string(head.version_minor));
    for (const Field& field : parser.fields()) {
      said.append("\n").append(field.name).append(": ").append(field.value);
      lies_in_text_ = lies_in_text_ && lies_in(text, field.name) && lies_in(text, field.value);
    }
    said += "\n" + std::to_string(step->consumed_bytes) + (step->last ? " last" : " more");
    said += parser.keep_alive() ? " keep-alive" : " close";
    if (parser.expects_continue()) said += " expects-continue";
    return said;
  }
  /// Each view of the last one did.
  bool lies_in_text() const { return lies_in_text_; }

private:
  static bool lies_in(const std::string& text, std::string_view view) {
    return view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size();
  }

  KnownHeads* known_heads_;
  AuthorityCheck authorities_;
  bool lies_in_text_ = false;
};

std::string request(std::string_view fields, std::string_view line = "GET /a?b=c HTTP/1.1") {
  return std::string(line) + "\r\nhost: a.example:8080\r\n" + std::string(fields) + "\r\n";
}

/// How many of three readings found the head known.
std::uint64_t found_of_three(const std::string& text) {
  KnownHeads known_heads;
  Reader reader(&known_heads);
  Reader parser(nullptr);
  for (int round = 0; round < 3; ++round) CHECK(reader.read(text) == parser.read(text));
  return known_heads.found_count();
}

TEST_CASE("known heads: what has come twice is known the third time, and says the same") {
  CHECK(found_of_three(request("")) == 1);
  CHECK(found_of_three(request("accept: */*\r\nx-empty:\r\nx-padded:  a \r\n")) == 1);
  CHECK(found_of_three(request("connection: close\r\n")) == 1);
  CHECK(found_of_three(request("expect: 100-continue\r\n")) == 1);
  CHECK(found_of_three(request("content-length: 0\r\n", "POST / HTTP/1.1")) == 1);
  CHECK(found_of_three(request("", "HEAD / HTTP/1.0")) == 1);
  CHECK(found_of_three(request("", "OPTIONS * HTTP/1.1")) == 1);
  CHECK(found_of_three(request("", "PURGE http://b.example/x HTTP/1.1")) == 1);
  CHECK(found_of_three(request("", "CONNECT a.example:443 HTTP/1.1")) == 1);
  CHECK(found_of_three("GET / HTTP/1.0\r\n\r\n") == 1);
}

TEST_CASE("known heads: what has a body, company or credentials is parsed each time") {
  CHECK(found_of_three(request("content-length: 1\r\n") + "x") == 0);
  CHECK(found_of_three(request("content-length: 1\r\n")) == 0);
  CHECK(found_of_three(request("transfer-encoding: chunked\r\n")) == 0);
  CHECK(found_of_three(request("") + request("")) == 0);
  CHECK(found_of_three("\r\n" + request("")) == 0);
  CHECK(found_of_three(request("Cookie: a=b\r\n")) == 0);
  CHECK(found_of_three(request("authorization: Basic eDp5\r\n")) == 0);
  CHECK(found_of_three(request("PROXY-AUTHORIZATION: Basic eDp5\r\n")) == 0);
  CHECK(found_of_three(request("host: twice\r\n")) == 0);
}

TEST_CASE("known heads: up to 512 bytes and 24 fields are kept") {
  const std::size_t others = request("x: \r\n").size();
  for (const std::size_t bytes : {511U, 512U, 513U}) {
    const std::string text = request("x: " + std::string(bytes - others, 'v') + "\r\n");
    REQUIRE(text.size() == bytes);
    CHECK(found_of_three(text) == (bytes <= KnownHead::bytes_max ? 1 : 0));
  }
  for (const std::size_t count : {23U, 24U}) { // And host.
    std::string fields;
    for (std::size_t index = 0; index < count; ++index) fields += "x: y\r\n";
    CHECK(found_of_three(request(fields)) == (count < KnownHead::fields_max ? 1 : 0));
  }
}

TEST_CASE("known heads: one byte that differs, wherever it is, and another is read") {
  const std::string text = request("accept: text/html\r\n");
  KnownHeads known_heads;
  Reader reader(&known_heads);
  Reader parser(nullptr);
  reader.read(text);
  reader.read(text);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char bit : {'\x01', '\x20', '\x80'}) {
      std::string other = text;
      other[at] = static_cast<char>(other[at] ^ bit);
      CHECK(reader.read(other) == parser.read(other));
    }
  }
  CHECK(known_heads.found_count() == 0);
  CHECK(reader.read(text) == parser.read(text));
  CHECK(known_heads.found_count() == 1);
}

TEST_CASE("known heads: what follows a head behind empty lines is no part of what is kept") {
  const std::string text = request("");
  for (const std::size_t surplus : {2U, 4U, 6U, 8U}) {
    KnownHeads known_heads;
    Reader reader(&known_heads);
    Reader parser(nullptr);
    std::string empty_lines;
    while (empty_lines.size() < surplus) empty_lines += "\r\n";
    const std::string next = std::string("GET /adm").substr(0, surplus);
    for (const std::string& one : {empty_lines + text + next, empty_lines + text, text + next}) {
      for (int round = 0; round < 3; ++round) CHECK(reader.read(one) == parser.read(one));
    }
    CHECK(known_heads.found_count() == 0);
  }
}

TEST_CASE("known heads: views are of the bytes that came, not of what was kept") {
  const std::string text = request("accept: */*\r\n");
  KnownHeads known_heads;
  Reader reader(&known_heads);
  for (int round = 0; round < 4; ++round) {
    const std::string copy = text;
    reader.read(copy);
    CHECK(reader.lies_in_text());
  }
  CHECK(known_heads.found_count() == 2);
}

TEST_CASE("known heads: many that take turns are each read right, whoever is kept") {
  KnownHeads known_heads;
  Reader reader(&known_heads);
  Reader parser(nullptr);
  std::vector<std::string> texts;
  for (int count = 0; count < 20; ++count) {
    texts.push_back(request("x: " + std::string(static_cast<std::size_t>(count / 2), 'v') + "\r\n",
                            count % 2 == 0 ? "GET /even HTTP/1.1" : "PUT /odds HTTP/1.1"));
  }
  for (std::size_t turn = 0; turn < 400; ++turn) {
    const std::string& text = texts[turn * turn % texts.size()];
    CHECK(reader.read(text) == parser.read(text));
  }
  CHECK(known_heads.found_count() > 0);
}

} // namespace
} // namespace ringfort::http
