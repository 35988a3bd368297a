// case_file — the literate cases of tests/wire/*.md, as README.md there describes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/parser.hpp"

namespace ringfort::wire {

struct Case {
  std::string name; ///< "chunked.md: a chunk size in upper case"
  http::Role role = http::Role::server;
  Method answers = Method::get; ///< of the requests, when these are answers
  std::string input;
  http::ParserLimits limits;
  std::vector<std::string> events;
};

/// All cases of one file; `problem` says what cannot be read, with its line.
struct CaseFile {
  std::vector<Case> cases;
  std::string problem;
};

CaseFile read_case_file(const std::string& path);

/// \r \n \t \0 \\ \xHH, and \{TEXT*COUNT} for repetition; nothing when the escape is not known.
std::optional<std::string> unescaped(std::string_view text);

/// The reverse, for one line of an event: bytes outside printable ASCII, and the backslash.
std::string escaped(std::string_view bytes);

} // namespace ringfort::wire
