// kernel_records — one connection's records in the kernel's hands: when each direction goes over,
// and what is left to do for it afterwards.
//
//   send     goes over when TCP has accepted every byte that was sealed here, because the kernel
//            counts on from there; until then whoever can wait does (send_waits)
//   receive  goes over at a record boundary with nothing left in our buffers; so that the kernel
//            hands over no byte too many, receives go one by one until then
// wanted -> installing -> kernel, or user: a direction that the kernel refuses stays Ringfort's.
// With the protocol set and no keys, the socket carries bytes as they are, which are sealed records
// then as before. While sends are being installed nobody knows who seals what comes next, so it is
// queued as it is and the stream holds it back: settle_queued() in Transport.
#pragma once

#include <memory>

#include <ringfort/error.hpp>

#include "net/record_policy.hpp"
#include "net/stream.hpp"
#include "tls/channel.hpp"
#include "tls/kernel_keys.hpp"

namespace ringfort::net {

/// Where: one shard.
class KernelRecords {
public:
  KernelRecords(StreamHome& home, Stream& stream) noexcept : home_(home), stream_(stream) {}

  /// The handshake is over: settles who is to have which direction.
  void begin(const tls::Suite& suite) noexcept;
  /// Gives the kernel what is ready to go. `at_boundary`: nothing was received that waits.
  /// Cost: two or three linked submissions and one completion, mostly once for a connection; so
  ///       many setsockopt(2) instead before Linux 6.7.
  void hand_over(tls::Channel& channel, bool at_boundary) noexcept;
  /// What hand_over() began is over.
  void on_installed(tls::Channel& channel, engine::Completion completion) noexcept;
  /// What has not gone over, and is not about to, stays here; receives go on as usual.
  void abandon() noexcept;

  bool sends() const noexcept { return send_ == Side::kernel; }
  bool receives() const noexcept { return receive_ == Side::kernel; }
  bool pending() const noexcept { return send_ == Side::wanted || receive_ == Side::wanted; }
  bool wants_receive() const noexcept { return receive_ == Side::wanted; }
  bool installs_send() const noexcept { return send_ == Side::installing; }
  /// What is sent now would put the hand-over off, or has to wait for it.
  bool send_waits() const noexcept {
    return installs_send() || (send_ == Side::wanted && stream_.queued_bytes() > 0);
  }

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
  /// Who protects one direction's records, or is to.
  enum class Side : std::uint8_t { user, wanted, installing, kernel };
  /// What the kernel reads until it is over.
  struct Installation {
    tls::KernelKeys send;
    tls::KernelKeys receive;
  };

  void keep_send() noexcept;
  void keep_receive() noexcept;
  void settle_send(tls::Channel& channel, bool installed) noexcept;
  void settle_receive(tls::Channel& channel, bool installed) noexcept;
  Result<> rekey(engine::RecordSide side, const tls::DirectionKeys& keys) noexcept;

  StreamHome& home_;
  Stream& stream_;
  Side send_ = Side::user;
  Side receive_ = Side::user;
  bool has_protocol_ = false;
  bool abandoned_ = false;
  std::unique_ptr<Installation> installation_; ///< while one is under way
};

} // namespace ringfort::net
