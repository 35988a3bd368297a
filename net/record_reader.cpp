#include "net/record_reader.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::net {

void RecordReader::give_back() noexcept {
  if (opened_bytes_ > 0) stream_.consume(std::exchange(opened_bytes_, 0));
  if (opened_in_assembly_) {
    opened_in_assembly_ = false;
    assembled_bytes_ = 0;
    assembly_ = {};
  }
}

Result<MutableBytes> RecordReader::next(const tls::Channel& channel) noexcept {
  const MutableBytes input = stream_.received();
  if (assembled_bytes_ == 0) {
    if (input.empty()) return MutableBytes{};
    const auto record_bytes = channel.record_bytes(input);
    if (!record_bytes) return std::unexpected(record_bytes.error());
    if (*record_bytes != 0 && *record_bytes <= input.size()) {
      opened_bytes_ = *record_bytes;
      return input.first(*record_bytes);
    }
    assembly_ = blocks_.try_take();
    if (!assembly_) return fail(Code::response_stream_no_blocks);
  }
  return assemble(channel);
}

Result<MutableBytes> RecordReader::assemble(const tls::Channel& channel) noexcept {
  std::size_t record_bytes = 0;
  while (true) {
    const MutableBytes assembled = assembly_.bytes().first(assembled_bytes_);
    if (record_bytes == 0 && assembled.size() >= tls::record_header_bytes) {
      const auto length = channel.record_bytes(assembled);
      if (!length) return std::unexpected(length.error());
      record_bytes = *length;
    }
    if (record_bytes != 0 && assembled.size() == record_bytes) {
      opened_in_assembly_ = true;
      return assembled;
    }
    wanted_bytes_ =
        (record_bytes == 0 ? tls::record_header_bytes : record_bytes) - assembled.size();
    const MutableBytes input = stream_.received();
    if (input.empty()) return MutableBytes{};
    const std::size_t bytes = std::min(wanted_bytes_, input.size());
    copy_into(assembly_.bytes().subspan(assembled_bytes_), input.first(bytes));
    assembled_bytes_ += bytes;
    stream_.consume(bytes);
  }
}

} // namespace ringfort::net
