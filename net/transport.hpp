// transport — plaintext in, plaintext out, over one stream: TLS in three phases, or none at all.
//
//   plain      bytes pass through
//   handshake  tls::Session, or a client's, eats what arrives and says what to send
//   records    it is gone, a client's once the first tickets have come; tls::Channel opens records
//              where they lie and seals straight into the send queue, or the kernel does either
//              (kernel_records)
// The step from handshake to records happens at a record boundary, with the leftover input still
// in our buffers, so nothing that the peer sent early is lost.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ringfort/error.hpp>

#include "net/kernel_records.hpp"
#include "net/record_reader.hpp"
#include "net/stream.hpp"
#include "tls/channel.hpp"
#include "tls/client_session.hpp"
#include "tls/session.hpp"
#include "tls/shard_context.hpp"

namespace ringfort::net {

/// Where: one shard.
class Transport {
public:
  enum class Phase : std::uint8_t { plain, handshake, records, failed };

  /// `library` is null for clear text, and otherwise outlives the transport.
  Transport(StreamHome& home, int descriptor, StreamOwner& owner,
            const tls::Library* library) noexcept;
  /// The client's side; `session` is null for clear text. Its records are never the kernel's.
  Transport(StreamHome& home, int descriptor, StreamOwner& owner, const tls::Library* library,
            std::unique_ptr<tls::ClientSession> session) noexcept;

  Stream& stream() noexcept { return stream_; }
  const Stream& stream() const noexcept { return stream_; }
  Phase phase() const noexcept { return phase_; }
  bool encrypted() const noexcept { return library_ != nullptr; }
  /// What the handshake settled; empty before the records phase.
  const tls::SessionFacts& facts() const noexcept { return facts_; }
  /// The same of the client's side.
  const tls::ClientSessionFacts& server_facts() const noexcept { return client_->facts; }

  /// The plaintext that waits; moves the handshake on and opens the next record when none does.
  /// Empty: nothing more for now; see ended() then.
  /// Borrow: until the receive() call that follows its complete use.
  /// Errors: tls_handshake.*, tls_record.*, tls_context.no_memory. The alert is already queued.
  /// Cost:   opened in place; one copy for a record that straddles receive buffers.
  [[gnu::always_inline]] Result<MutableBytes> receive() noexcept {
    if (!plaintext_.empty()) return plaintext_;
    if (phase_ != Phase::plain) return receive_secured();
    release_received();
    plaintext_ = stream_.received();
    plain_bytes_ = plaintext_.size();
    return plaintext_;
  }
  /// The client's hello is here, and receive() waits for the context that answers it.
  bool wants_context() const noexcept { return wants_context_; }
  /// The server name as the client sent it. While wants_context().
  std::string_view server_name() const noexcept { return session_->server_name(); }
  /// The protocols that it offers, each behind a byte with its length. While wants_context().
  std::string_view offered_protocols() const noexcept { return session_->offered_protocols(); }
  /// Nobody answers here: what has come and what will is no longer looked at, and lies in the
  /// stream, but for the beginning that is answered. While wants_context().
  std::vector<std::byte> leave_unopened() noexcept;
  void use(std::shared_ptr<const tls::ShardContext> context) noexcept;
  /// No context answers: queues the alert, and the transport has failed.
  void refuse(const Error& error);
  /// The next step of the handshake is costly, and receive() waits for permit_step().
  bool wants_step() const noexcept { return wants_step_; }
  void permit_step() noexcept { step_permitted_ = true; }
  /// Waits without a receive buffer: all that came goes elsewhere. While wants_step(), before the
  /// first was permitted. Errors: tls_handshake.malformed: more than may come before our answer.
  Result<> hold();
  /// Marks plaintext as used. Its memory stays as it is until the next receive() or release().
  void consume(std::size_t bytes) noexcept { plaintext_ = plaintext_.subspan(bytes); }
  /// Gives back the memory of plaintext that was used to the last byte.
  void release() noexcept {
    if (!plaintext_.empty()) return;
    release_received();
    reader_.release();
  }

  /// Where the plaintext lies: a receive buffer that can be held, or the assembly block.
  bool in_receive_buffer() const noexcept { return reader_.in_receive_buffer(); }

  /// In clear text: nothing was received that waits, its end included. What was used is given back.
  bool plain_spent() noexcept {
    if (phase_ != Phase::plain || !plaintext_.empty()) return false;
    release_received();
    return !stream_.has_received() && !stream_.peer_ended();
  }
  /// Nothing was received that waits, its end included, and nothing is left to send.
  bool idle() const noexcept {
    return plaintext_.empty() && reader_.empty() && stream_.quiet() && phase_ != Phase::handshake;
  }
  /// Whose the records are that are sent, or received: the kernel's or the user's.
  RecordLayer sealed_by() const noexcept {
    return kernel_.sends() ? RecordLayer::kernel : RecordLayer::user;
  }
  RecordLayer opened_by() const noexcept {
    return kernel_.receives() ? RecordLayer::kernel : RecordLayer::user;
  }
  /// What is sent now would put the hand-over to the kernel off.
  bool send_waits() const noexcept { return kernel_.send_waits(); }
  /// Something goes on as soon as bytes were sent.
  bool waits_for_sent() const noexcept { return kernel_.pending() || stream_.sends_record_first(); }

  /// Part of a record was received.
  bool partial() const noexcept {
    return phase_ == Phase::records && !kernel_.receives() &&
           (!reader_.empty() || stream_.has_received());
  }

  /// No plaintext will follow: close_notify, or FIN on a plain stream.
  bool ended() const noexcept;
  /// The peer's FIN came without close_notify, so what came before it may be cut.
  bool truncated() const noexcept;

  /// Arms the receive that is wanted next, where they go one by one, and gives the kernel what is
  /// ready to go over. After whatever may have changed that.
  void move_on() noexcept {
    if (phase_ == Phase::handshake || phase_ == Phase::records) move_records_on();
  }
  /// After a send was accepted. Errors: tls_record.key_update_unsupported.
  Result<> on_sent() noexcept;
  /// The kernel has taken records over, or has not. Errors: as send(); bytes of an answer are lost.
  Result<> on_installed(engine::Completion completion) noexcept;
  /// Nothing moves: gives back what the next record can make again.
  void rest() noexcept {
    if (channel_ && channel_->rest()) ++home_.record_counters.rested;
  }
  /// Drops what was received. Answers how much that was.
  std::size_t discard_received() noexcept;
  /// Seals (or copies) the pieces into the send queue, as one record when they fit one.
  /// Errors: response_stream.no_blocks, tls_record.crypto_failed, tls_record.key_exhausted,
  ///         tls_record.key_update_unsupported.
  Result<> send(std::span<const Bytes> pieces) noexcept {
    return phase_ == Phase::plain ? stream_.queue(pieces) : send_secured(pieces);
  }
  /// Our side of an orderly end (RFC 8446 section 6.1). Nothing may be sent after it.
  void send_close_notify() noexcept;

  /// Stream::stop(); what was received is dropped.
  void stop(bool reset) noexcept;

private:
  void release_received() noexcept {
    if (plain_bytes_ > 0) stream_.consume(std::exchange(plain_bytes_, 0));
  }
  Result<MutableBytes> fail_with(const Error& error) noexcept;
  Result<> advance_handshake() noexcept;
  Result<> advance_client() noexcept;
  Result<> open_channel(tls::Handshake& handshake, tls::Side side) noexcept;
  Result<> begin_records() noexcept;
  Result<> begin_client_records() noexcept;
  Result<> queue_session_output() noexcept;
  Result<MutableBytes> receive_secured() noexcept;
  Result<MutableBytes> receive_records() noexcept;
  Result<MutableBytes> receive_opened() noexcept;
  Result<> open_record(MutableBytes record) noexcept;
  Result<> open_early_record(MutableBytes record) noexcept;
  Result<> take(const tls::Channel::Received& received) noexcept;
  Result<> send_to_kernel(std::span<const Bytes> pieces) noexcept;
  Result<> send_secured(std::span<const Bytes> pieces) noexcept;
  Result<> send_records(std::span<const Bytes> pieces) noexcept;
  Result<> settle_queued() noexcept;
  Result<> send_control() noexcept;
  void queue_alert(tls::Alert alert) noexcept;
  Result<> send_one_record(std::span<const Bytes> pieces, std::size_t bytes) noexcept;

  /// What only a client's side has.
  struct ClientSide {
    explicit ClientSide(std::unique_ptr<tls::ClientSession> one) noexcept
        : session(std::move(one)) {}

    std::unique_ptr<tls::ClientSession> session; ///< until the first data
    tls::ClientSessionFacts facts;
    bool greeted = false; ///< its hello is out
  };

  void move_records_on() noexcept;
  tls::Handshake* handshake() const noexcept;

  StreamHome& home_;
  const tls::Library* library_;
  Stream stream_;
  RecordReader reader_;
  KernelRecords kernel_;
  Phase phase_;
  bool wants_context_ = false;
  bool wants_step_ = false;
  bool step_permitted_ = false;
  bool peer_closed_ = false; ///< close_notify came
  bool sent_close_ = false;
  MutableBytes plaintext_;
  std::size_t plain_bytes_ = 0; ///< of the stream's front, are the plaintext of a plain stream
  std::unique_ptr<tls::Session> session_;
  std::unique_ptr<ClientSide> client_; ///< null on a server's side, and in clear text
  std::optional<tls::Channel> channel_;
  tls::SessionFacts facts_{};
};

} // namespace ringfort::net
