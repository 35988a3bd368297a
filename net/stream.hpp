// stream — a plain byte stream over the ring: received bytes where the kernel put them, sent bytes
// gathered, one send in flight, and an orderly end.
//
// The invariant: while leases() are held the stream stays where it is; the descriptor is closed
// only after the last completion (a descriptor with an armed receive would never really close).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <sys/uio.h>

#include <ringfort/error.hpp>

#include "engine/loop.hpp"
#include "engine/pipes.hpp"
#include "net/receive_queue.hpp"
#include "net/record_policy.hpp"
#include "net/send_queue.hpp"

namespace ringfort::net {

/// What a stream tells the connection that it belongs to.
class StreamOwner {
public:
  /// Bytes arrived, or the peer's FIN did: see Stream::received() and Stream::ended().
  virtual void on_received() noexcept = 0;
  /// The kernel accepted bytes: see Stream::queued_bytes().
  virtual void on_sent() noexcept = 0;
  /// Whether something goes on as soon as on_sent() is called.
  virtual bool waits_for_sent() const noexcept = 0;
  /// What install_records() began is over, as its completion says.
  virtual void on_installed(engine::Completion completion) noexcept = 0;
  /// The transport is gone (detail: errno). Nothing more can be sent or received.
  virtual void on_broken(int error_number) noexcept = 0;
  /// After stop(): no operation is left, the descriptor is closed.
  virtual void on_settled() noexcept = 0;

protected:
  ~StreamOwner() = default;
};

/// Counters of a shard that streams add to.
struct StreamCounters {
  engine::Counter received_bytes;
  engine::Counter sent_bytes;
};

/// What the streams of one shard share.
struct StreamHome {
  engine::Loop& loop;
  std::span<HeldBuffer> held_buffers;
  std::uint32_t receive_credit_bytes;
  const RecordPolicy& records;
  StreamCounters counters;
  RecordCounters record_counters;
};

/// Where: one shard.
class Stream {
public:
  Stream(StreamHome& home, int descriptor, StreamOwner& owner) noexcept;
  ~Stream();

  /// Arms the first receive.
  void start() noexcept;

  /// The oldest unread bytes, in their receive buffer; empty when none wait.
  /// Borrow: until consumed.
  [[gnu::always_inline]] MutableBytes received() const noexcept { return received_.front(); }
  bool has_received() const noexcept { return !received_.empty(); }
  std::uint16_t received_buffer_id() const noexcept { return received_.front_id(); }
  /// Marks received bytes as used and arms the next receive when credit allows it again.
  void consume(std::size_t bytes) noexcept;
  /// The peer's FIN came, and everything before it has been consumed.
  bool ended() const noexcept { return peer_ended_ && received_.empty(); }
  bool peer_ended() const noexcept { return peer_ended_; }
  /// StreamOwner::on_broken() was called.
  bool broken() const noexcept { return broken_; }
  /// Neither bytes nor a FIN wait to be read, and no byte to be sent.
  bool quiet() const noexcept {
    return received_.empty() && !peer_ended_ && receive_stopped_by_ == 0 && queued_bytes() == 0;
  }

  // How receives are armed. At first freely: as much as the credit allows.
  /// One by one, each when receive_next() asks for it, so that it is known when none is under way.
  void receive_singly() noexcept { flow_ = Flow::single; }
  /// Asks for one receive, of `bytes_max` at most (0: what a buffer holds). It may be asked for
  /// again before it has come.
  void receive_next(std::uint32_t bytes_max) noexcept;
  void receive_freely() noexcept;
  /// Freely, and what comes has been opened by the kernel: a record that is no data, or is not
  /// right, stops the receive.
  void receive_opened() noexcept;
  /// A send is under way: the kernel may have taken more than sent_bytes() tells.
  bool sending() const noexcept { return send_op_.armed(); }
  /// An operation to receive is under way.
  bool receiving() const noexcept { return receive_op_.armed() || starved_.linked(); }
  /// The errno that stopped the receive, once everything before it was used; 0: none did.
  int receive_stopped_by() const noexcept { return received_.empty() ? receive_stopped_by_ : 0; }
  /// Goes on after what stopped it was dealt with.
  void resume_receive() noexcept;

  /// Room to write `bytes_min` or more into; empty when the shard's blocks are spent.
  MutableBytes send_space(std::size_t bytes_min) noexcept { return sending_.space(bytes_min); }
  void commit(std::size_t bytes) noexcept { sending_.commit(bytes); }
  /// Copies them behind what is queued. Errors: response_stream.no_blocks.
  Result<> queue(std::span<const Bytes> pieces) noexcept {
    for (const Bytes piece : pieces) {
      if (!piece.empty() && !sending_.append(piece)) return fail(Code::response_stream_no_blocks);
    }
    return {};
  }
  Result<> queue(Bytes bytes) noexcept { return queue({&bytes, 1}); }
  /// What the kernel has not accepted yet.
  std::size_t queued_bytes() const noexcept {
    return sending_.queued_bytes() + record_.size + last_record_.size;
  }
  /// What the kernel has accepted, and what came, since the stream began.
  std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }
  /// Received and not used, by the capacity of the buffers that it lies in.
  std::size_t held_bytes() const noexcept { return received_.held_bytes(); }
  /// Starts a send of what is queued, unless one is in flight.
  /// Cost: one submission however many pieces are queued, up to `gather_max` blocks.
  void flush() noexcept;

  // Bytes that go on as they came, without a copy.
  /// Starts a send of what `from` has received, of where that lies, unless one is in flight or
  /// something is queued. Borrow: `from` consumes nothing before take_forwarded() has said what.
  void forward(const Stream& from) noexcept;
  /// What the kernel has accepted of it since the last call.
  std::size_t take_forwarded() noexcept { return std::exchange(forwarded_bytes_, 0); }

  // Where the kernel seals what is sent: records that are no data.
  /// Before what is queued. After it nothing is sent until release_sends(), because the record
  /// after it has other keys. Not while sends_record_first().
  void send_record_first(std::uint8_t type, Bytes content) noexcept;
  bool sends_record_first() const noexcept { return record_.size > 0 || holds_sends_; }
  /// After what is queued, as the last thing that is sent.
  void send_record_last(std::uint8_t type, Bytes content) noexcept;
  bool holds_sends() const noexcept { return holds_sends_; }
  void release_sends() noexcept;

  // While the kernel takes over, what is queued waits, and nothing can be received.
  /// An answer, or on_installed() follows; until then the keys' bytes stay. Not while a side that
  /// is named has bytes under way. See RingLike::install_records.
  std::optional<engine::Completion> install_records(const engine::RecordInstall& install) noexcept;
  /// What was queued meanwhile is not what goes out: takes it back.
  SendQueue take_queued() noexcept { return std::move(sending_); }
  /// The content of the record that send_record_last() left; empty without one.
  /// Borrow: until the next one.
  Bytes take_last_record() noexcept {
    return Bytes(last_record_.bytes).first(std::exchange(last_record_.size, std::uint8_t{0}));
  }

  // Bytes that the kernel moves on, from socket to pipe to socket (splice(2)).
  /// Receives no more, until receive_freely(): what is under way may still bring something, and
  /// on_received() tells when it is over.
  void hold_receives() noexcept;
  /// Nothing is under way, received or queued.
  bool still() const noexcept {
    return leases_.none() && !starved_.linked() && received_.empty() && queued_bytes() == 0;
  }
  /// From now on only the three below move its bytes. For good; after hold_receives(), when it is
  /// still().
  void begin_splicing() noexcept;
  /// Moves what has come into `pipe`, which is empty, at most so much. Answers whether something
  /// was there; if not, on_received() follows when it is, unless the peer has ended or the
  /// transport is gone.
  bool splice_into(engine::Pipe& pipe, std::size_t bytes_max) noexcept;
  /// Moves as much as can be sent out of `pipe`, and answers how much. on_sent() follows when the
  /// rest can.
  std::size_t splice_from(engine::Pipe& pipe) noexcept;
  /// on_received() follows in another turn, when something is there.
  void await_received() noexcept;

  /// FIN after the last queued byte; only when queued_bytes() is zero.
  void shutdown_write() noexcept;
  /// Cancels what is in flight and drops what is queued; on_settled() follows, never from inside
  /// this call. `reset` closes with RST.
  void stop(bool reset) noexcept;

  /// Gives the socket away. While receives go one by one and nothing is under way or queued.
  int release_descriptor() noexcept;

  const engine::Leases& leases() const noexcept { return leases_; }
  int descriptor() const noexcept { return descriptor_; }

private:
  static constexpr unsigned gather_max = 8;

  enum class Flow : std::uint8_t { free, single, opened, held, spliced };
  /// A record that waits to be sent.
  struct Content {
    std::uint8_t type = 0;
    std::uint8_t size = 0;
    std::array<std::byte, 2> bytes{};
  };

  void on_receive(engine::Completion completion) noexcept;
  void on_receive_ended(engine::Completion completion) noexcept;
  void on_send(engine::Completion completion) noexcept;
  void on_special_send(engine::Completion completion) noexcept;
  std::size_t count_sent(engine::Completion completion) noexcept;
  void on_install(engine::Completion completion) noexcept;
  void on_ready(engine::Completion completion, void (StreamOwner::*tell)()) noexcept;
  bool wants_receive() const noexcept;
  void arm_receive() noexcept;
  void receive_in_turn() noexcept;
  void receive_now() noexcept;
  std::size_t receive_credit_bytes() const noexcept;
  void pause_uncapped_receive() noexcept;
  bool stops_receive(int error_number) const noexcept;
  bool send_record() noexcept;
  inline void arm_send(unsigned piece_count) noexcept;
  void release_lent() noexcept;
  void break_off(int error_number) noexcept;
  void settle_when_idle() noexcept;

  StreamHome& home_;
  StreamOwner& owner_;
  int descriptor_;
  Flow flow_ = Flow::free;
  // One word, so that several of them are one test.
  bool peer_ended_ : 1 = false;
  bool broken_ : 1 = false;
  bool stopping_ : 1 = false;
  bool reset_ : 1 = false;
  bool pausing_ : 1 = false;       ///< an uncapped multishot is being cancelled to stop the flow
  bool readable_ : 1 = false;      ///< spliced: a poll has said so, and nothing was moved since
  bool asked_ : 1 = false;         ///< for one receive, when they go one by one
  bool sending_queue_ : 1 = false; ///< the send under way is of what is queued
  bool sending_record_ : 1 = false;
  bool record_goes_first_ : 1 = false;
  bool holds_sends_ : 1 = false;
  bool installs_send_ : 1 = false;
  bool installs_receive_ : 1 = false;
  int receive_stopped_by_ = 0;
  std::uint32_t asked_bytes_max_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
  engine::ControlRecord record_; ///< being sent, or next to be
  Content last_record_;
  std::array<iovec, gather_max> pieces_;
  /// Receive buffers that are being sent from, another stream's: held, because that may stop first.
  std::array<std::uint16_t, gather_max> lent_;
  std::uint8_t lent_count_ = 0;
  std::size_t forwarded_bytes_ = 0;

  engine::Leases leases_;
  engine::Op receive_op_;
  engine::Op send_op_;
  engine::Op install_op_;
  engine::Starved starved_;
  engine::Deferred settled_;
  ReceiveQueue received_;
  SendQueue sending_;
};

} // namespace ringfort::net
