#include "cli/redirection.hpp"

#include <algorithm>

#include <ringfort/target.hpp>

namespace ringfort::cli {

namespace {

bool has_scheme(std::string_view reference) noexcept {
  const std::size_t mark = reference.find_first_of(":/?#");
  return mark != reference.npos && mark > 0 && reference[mark] == ':';
}

/// Without its "." and ".." segments (RFC 3986 section 5.2.4). `path` begins with a slash.
std::string without_dots(std::string_view path) {
  std::string kept;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    const bool dots = segment == "/." || segment == "/..";
    if (segment == "/..") kept.erase(std::min(kept.rfind('/'), kept.size()));
    if (!dots) {
      kept.append(segment);
    } else if (path.empty()) {
      kept.push_back('/');
    }
  }
  return kept;
}

} // namespace

std::string origin_of(const Url& url) {
  const bool v6 = url.host.contains(':');
  std::string origin = url.encrypted ? "https://" : "http://";
  origin.append(v6 ? "[" : "").append(url.host).append(v6 ? "]:" : ":");
  return origin.append(std::to_string(url.port));
}

bool is_redirection(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string_view method_after(int status, std::string_view method) noexcept {
  if (status == 303 && method != "HEAD") return "GET";
  if ((status == 301 || status == 302) && method == "POST") return "GET";
  return method;
}

std::string resolved_url(const Url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  if (has_scheme(reference)) return std::string(reference);
  if (reference.starts_with("//")) {
    return std::string(base.encrypted ? "https:" : "http:").append(reference);
  }
  const std::string_view path = path_of(base.target);
  if (reference.empty()) return origin_of(base).append(base.target);
  if (reference.starts_with('?')) return origin_of(base).append(path).append(reference);
  const std::string_view query = reference.substr(std::min(reference.find('?'), reference.size()));
  const std::string_view name = reference.substr(0, reference.size() - query.size());
  std::string whole(name.starts_with('/') ? "" : path.substr(0, path.rfind('/') + 1));
  return origin_of(base).append(without_dots(whole.append(name))).append(query);
}

} // namespace ringfort::cli
