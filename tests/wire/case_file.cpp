#include "tests/wire/case_file.hpp"

#include <charconv>
#include <cstddef>
#include <fstream>
#include <sstream>

namespace ringfort::wire {

namespace {

template <class Number>
bool read_number(std::string_view text, Number& number, int base = 10) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

/// "\{TEXT*COUNT}", from its brace on; the bytes used, or 0.
std::size_t repeat(std::string_view text, std::string& out) {
  const std::size_t close = text.find('}');
  const std::size_t star = text.substr(0, close).rfind('*');
  std::size_t count = 0;
  if (close == text.npos || star == text.npos) return 0;
  if (!read_number(text.substr(star + 1, close - star - 1), count)) return 0;
  const auto part = unescaped(text.substr(1, star - 1));
  if (!part) return 0;
  for (std::size_t index = 0; index < count; ++index) out += *part;
  return close + 1;
}

/// One escape, from after its backslash; the bytes used, or 0.
std::size_t unescape_one(std::string_view text, std::string& out) {
  if (text.empty()) return 0;
  unsigned byte = 0;
  switch (text[0]) {
  case 'r': out += '\r'; return 1;
  case 'n': out += '\n'; return 1;
  case 't': out += '\t'; return 1;
  case '0': out += '\0'; return 1;
  case '\\': out += '\\'; return 1;
  case '{': return repeat(text, out);
  case 'x':
    if (text.size() < 3 || !read_number(text.substr(1, 2), byte, 16)) return 0;
    out += static_cast<char>(byte);
    return 3;
  default: return 0;
  }
}

Method method_named(std::string_view name) {
  if (name == "HEAD") return Method::head;
  return name == "CONNECT" ? Method::connect : Method::get;
}

std::uint32_t* limit_named(http::ParserLimits& limits, std::string_view name) {
  if (name == "head_bytes_max") return &limits.head_bytes_max;
  if (name == "target_bytes_max") return &limits.target_bytes_max;
  if (name == "fields_max") return &limits.fields_max;
  if (name == "trailer_bytes_max") return &limits.trailer_bytes_max;
  return name == "chunk_extension_bytes_max" ? &limits.chunk_extension_bytes_max : nullptr;
}

/// Reads one file, line by line.
class Reader {
public:
  explicit Reader(std::string file_name) : file_name_(std::move(file_name)) {}

  bool take(std::string_view line) {
    if (line.starts_with("```")) return fence(line.substr(3));
    switch (block_) {
    case Block::message: return message_line(line);
    case Block::events: made_.cases.back().events.emplace_back(line); return true;
    case Block::other: return true;
    case Block::none: break;
    }
    if (line.starts_with("## ")) heading_ = line.substr(3);
    return true;
  }

  bool end() const {
    return block_ == Block::none && !made_.cases.empty() && !made_.cases.back().events.empty();
  }
  CaseFile made() && { return std::move(made_); }

private:
  enum class Block : std::uint8_t { none, message, events, other };

  bool fence(std::string_view info) {
    if (block_ != Block::none) {
      block_ = Block::none;
      return info.empty();
    }
    if (info.starts_with("request")) return open_message(http::Role::server, info.substr(7));
    if (info.starts_with("response")) return open_message(http::Role::client, info.substr(8));
    block_ = info == "events" ? Block::events : Block::other;
    return block_ != Block::events || (!made_.cases.empty() && made_.cases.back().events.empty());
  }

  bool open_message(http::Role role, std::string_view settings) {
    if (heading_.empty()) return false;
    block_ = Block::message;
    Case& one = made_.cases.emplace_back();
    one.name = file_name_ + ": " + heading_;
    one.role = role;
    heading_.clear();
    std::istringstream words{std::string(settings)};
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      if (equals == word.npos || !set(one, word.substr(0, equals), word.substr(equals + 1))) {
        return false;
      }
    }
    return true;
  }

  static bool set(Case& one, std::string_view name, std::string_view value) {
    if (name == "answers" && one.role == http::Role::client) {
      one.answers = method_named(value);
      return true;
    }
    auto* const limit = limit_named(one.limits, name);
    return limit != nullptr && read_number(value, *limit);
  }

  bool message_line(std::string_view line) {
    const bool continues = line.ends_with("\\") && !line.ends_with("\\\\");
    if (continues) line.remove_suffix(1);
    const auto bytes = unescaped(line);
    if (!bytes) return false;
    made_.cases.back().input += *bytes;
    if (!continues) made_.cases.back().input += "\r\n";
    return true;
  }

  std::string file_name_;
  std::string heading_;
  Block block_ = Block::none;
  CaseFile made_;
};

} // namespace

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t used = unescape_one(text.substr(1), out);
    if (used == 0) return std::nullopt;
    text.remove_prefix(1 + used);
  }
  return out;
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte == '\\') {
      out += "\\\\";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte == '\n') {
      out += "\\n";
    } else if (value < 0x20 || value > 0x7e) {
      out += {'\\', 'x', digits[value >> 4], digits[value & 15]};
    } else {
      out += byte;
    }
  }
  return out;
}

CaseFile read_case_file(const std::string& path) {
  std::ifstream file(path);
  Reader reader(path.substr(path.rfind('/') + 1));
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!reader.take(line)) return {{}, path + ":" + std::to_string(number) + ": not understood"};
  }
  if (!file.eof() || !reader.end()) return {{}, path + ": cannot be read, or ends inside a case"};
  return std::move(reader).made();
}

} // namespace ringfort::wire
