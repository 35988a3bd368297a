#include "cli/path_service.hpp"

#include <string>

#include <ringfort/answers.hpp>
#include <ringfort/target.hpp>

namespace ringfort::cli {

namespace {

/// Nothing: it has an encoded slash. Other codes stay: they are no dots.
bool read_segment(std::string_view segment, std::string& plain) {
  for (std::size_t at = 0; at < segment.size(); ++at) {
    const std::string_view code = segment.substr(at, 3);
    if (segment[at] == '\\' || code == "%2f" || code == "%2F" || code == "%5c" || code == "%5C") {
      return false;
    }
    const bool dot = code == "%2e" || code == "%2E";
    plain.push_back(dot ? '.' : segment[at]);
    if (dot) at += 2;
  }
  return true;
}

} // namespace

bool is_ambiguous(std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    const bool last = segment.size() == path.size();
    path.remove_prefix(segment.size());
    std::string plain;
    if (!read_segment(segment, plain)) return true;
    if (plain == "." || plain == ".." || (plain.empty() && !last)) return true;
  }
  return false;
}

void PathService::begin(Exchange& exchange) noexcept {
  const Head& head = exchange.head();
  const std::string_view path = path_of(head.target);
  if (head.method == Method::connect || !path.starts_with('/')) {
    return services_.front()->begin(exchange);
  }
  if (is_ambiguous(path)) {
    return answer_text(exchange, 400,
                       "a path without dot segments, empty ones and encoded "
                       "slashes is needed here\n");
  }
  routed_->begin(exchange);
}

} // namespace ringfort::cli
