// record_reader — whole TLS records out of a stream: where they lie in a receive buffer, or copied
// together when they straddle two.
#pragma once

#include <cstddef>

#include <ringfort/error.hpp>

#include "engine/blocks.hpp"
#include "net/stream.hpp"
#include "tls/channel.hpp"

namespace ringfort::net {

/// Where: one shard.
class RecordReader {
public:
  RecordReader(engine::Blocks& blocks, Stream& stream) noexcept
      : blocks_(blocks), stream_(stream) {}

  /// The next whole record; empty when more has to arrive.
  /// Borrow: until release(). Errors: tls_record.malformed, tls_record.oversized,
  ///         response_stream.no_blocks.
  /// Cost:   one copy for a record that straddles receive buffers.
  Result<MutableBytes> next(const tls::Channel& channel) noexcept;
  /// Gives back the memory of the record that next() answered last.
  void release() noexcept {
    if (opened_bytes_ > 0 || opened_in_assembly_) give_back();
  }
  /// The stream has dropped its buffers.
  void forget() noexcept { opened_bytes_ = 0; }

  /// Part of a record was taken out of the stream.
  bool partial() const noexcept { return assembled_bytes_ > 0 && !opened_in_assembly_; }
  bool empty() const noexcept { return assembled_bytes_ == 0; }
  /// Bytes that the peer has yet to send before next() can go on: the rest of a header, then of its
  /// record. Only while partial().
  std::size_t missing_bytes() const noexcept { return wanted_bytes_; }
  /// The record that next() answered last lies in a receive buffer, not in the assembly.
  bool in_receive_buffer() const noexcept { return !opened_in_assembly_; }

private:
  void give_back() noexcept;
  Result<MutableBytes> assemble(const tls::Channel& channel) noexcept;

  engine::Blocks& blocks_;
  Stream& stream_;
  bool opened_in_assembly_ = false;
  std::size_t opened_bytes_ = 0; ///< of the stream's front, lie under the record
  engine::Block assembly_;       ///< a record that straddles receive buffers
  std::size_t assembled_bytes_ = 0;
  std::size_t wanted_bytes_ = 0;
};

} // namespace ringfort::net
