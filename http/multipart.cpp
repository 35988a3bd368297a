#include "http/multipart.hpp"

namespace ringfort::http {

MultipartRanges::Text MultipartRanges::content_type() const noexcept {
  return Text().add("multipart/byteranges; boundary=").add(boundary());
}

MultipartRanges::Text MultipartRanges::head(const ByteRange& range) const noexcept {
  Text text;
  text.add("\r\n--").add(boundary()).add("\r\ncontent-type: ").add(type_);
  text.add("\r\ncontent-range: ").add(content_range(range, size_).view());
  return text.add("\r\n\r\n");
}

MultipartRanges::Text MultipartRanges::end() const noexcept {
  return Text().add("\r\n--").add(boundary()).add("--\r\n");
}

std::uint64_t MultipartRanges::content_length(std::span<const ByteRange> ranges) const noexcept {
  std::uint64_t bytes = end().view().size();
  for (const ByteRange& range : ranges) bytes += head(range).view().size() + range.bytes();
  return bytes;
}

} // namespace ringfort::http
