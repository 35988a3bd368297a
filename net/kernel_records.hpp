// kernel_records — one connection's records in the kernel's hands: when each direction goes over,
// and what is left to do for it afterwards.
//
//   send     goes over when TCP has accepted every byte that was sealed here, because the kernel
//            counts on from there; until then whoever can wait does (send_waits)
//   receive  goes over at a record boundary with nothing left in our buffers; so that the kernel
//            hands over no byte too many, receives go one by one until then
// A direction that the kernel refuses stays Ringfort's: with the protocol set and no keys, the
// socket carries bytes as they are, which are sealed records then as before.
#pragma once

#include <ringfort/error.hpp>

#include "net/record_policy.hpp"
#include "net/stream.hpp"
#include "tls/channel.hpp"

namespace ringfort::net {

/// Where: one shard.
class KernelRecords {
public:
  KernelRecords(StreamHome& home, Stream& stream) noexcept : home_(home), stream_(stream) {}

  /// The handshake is over: settles who is to have which direction.
  void begin(const tls::Suite& suite) noexcept;
  /// Gives the kernel what is ready to go. `at_boundary`: nothing was received that waits.
  /// Cost: two or three setsockopt(2), once for a connection.
  void hand_over(tls::Channel& channel, bool at_boundary) noexcept;
  /// What has not gone over stays here; receives go on as usual.
  void abandon() noexcept;

  bool sends() const noexcept { return sends_; }
  bool receives() const noexcept { return receives_; }
  bool pending() const noexcept { return wants_send_ || wants_receive_; }
  bool wants_receive() const noexcept { return wants_receive_; }
  /// What is sent now would put the hand-over off.
  bool send_waits() const noexcept { return wants_send_ && stream_.queued_bytes() > 0; }

  /// Deals with what ended the receive: a record that is no data, or none at all.
  /// Errors: tls_record.bad_mac, tls_record.oversized, tls_record.malformed, those of
  ///         Channel::receive_opened, tls_record.key_update_unsupported.
  Result<tls::Channel::Received> receive_control(tls::Channel& channel) noexcept;
  /// The same for what nobody wants to know any more. False: nothing can be received after it.
  bool discard_control() noexcept;
  /// Queues our KeyUpdate before what is queued.
  /// Errors: tls_record.key_update_unsupported.
  Result<> send_key_update() noexcept;
  /// After a send: follows our KeyUpdate. Errors: tls_record.key_update_unsupported.
  Result<> on_sent(tls::Channel& channel) noexcept;

private:
  bool install(engine::RecordSide side, const tls::DirectionKeys& keys) noexcept;
  void keep_send() noexcept;
  void keep_receive() noexcept;
  Result<> rekey(engine::RecordSide side, const tls::DirectionKeys& keys) noexcept;

  StreamHome& home_;
  Stream& stream_;
  bool wants_send_ = false;
  bool wants_receive_ = false;
  bool sends_ = false;
  bool receives_ = false;
};

} // namespace ringfort::net
