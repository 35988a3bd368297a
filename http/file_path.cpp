#include "http/file_path.hpp"

#include "http/percent.hpp"

namespace ringfort::http {

namespace {

bool serves_segment(std::string_view segment, bool last, bool dot_files) noexcept {
  if (segment.empty()) return last;
  if (!segment.starts_with('.')) return true;
  if (segment == "." || segment == "..") return false;
  return dot_files || segment == ".well-known";
}

} // namespace

FilePath decode_file_path(std::string_view path, bool dot_files, std::span<char> out) noexcept {
  using enum FilePath::Kind;
  bool served = true;
  std::size_t bytes = 0;
  while (true) {
    const std::string_view encoded = path.substr(0, path.find('/'));
    const bool last = encoded.size() == path.size();
    const std::size_t begin = bytes;
    PercentReader reader(encoded);
    while (!reader.ended()) {
      const char letter = reader.next();
      if (letter == '\0') return {malformed};
      served = served && letter != '/' && bytes < out.size();
      if (served) out[bytes++] = letter;
    }
    if (reader.malformed()) return {malformed};
    const std::string_view segment(out.data() + begin, bytes - begin);
    served = served && serves_segment(segment, last, dot_files);
    if (last) return served ? FilePath{usable, bytes} : FilePath{absent};
    path.remove_prefix(encoded.size() + 1);
    served = served && bytes < out.size();
    if (served) out[bytes++] = '/';
  }
}

} // namespace ringfort::http
