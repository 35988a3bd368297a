// sim_ring — a ring without a kernel: the same concept as engine/uring_ring.hpp, held to a
// simulated world, and never kinder than io_uring(7).
//
// Nothing completes but inside submit_and_wait; what an operation was given (bytes, buffers,
// descriptors) is used as late as the kernel may, and every breach of the contract is told to the
// world.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/uio.h>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "engine/kernel_features.hpp"
#include "engine/ring_vocabulary.hpp"
#include "engine/socket_address.hpp"
#include "engine/unix_address.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::engine {

/// Where: see RingLike. Joins the newest sim::World of the thread that makes it, which must
/// outlive it.
class SimRing {
public:
  static Result<std::unique_ptr<SimRing>> create(const RingOptions& options) noexcept;
  SimRing(const SimRing&) = delete;
  SimRing& operator=(const SimRing&) = delete;
  ~SimRing();

  Result<> start() noexcept;
  const KernelFeatures& features() const noexcept { return features_; }
  const RingCounters& counters() const noexcept { return counters_; }

  Result<int> listen(const SocketAddress& address, int backlog) noexcept;
  // A simulated world has one process: no socket comes from another.
  Result<int> adopt_listener(int descriptor) noexcept;
  int accept_waiting(int listener) noexcept;
  Result<> check_free(const SocketAddress& address) noexcept;
  Result<int> open_socket(const SocketAddress& address) noexcept;
  // A simulated world has no unix sockets.
  Result<int> open_unix_socket() noexcept;
  Result<std::pair<int, int>> open_pair() noexcept;
  SocketAddress bound_address(int descriptor) noexcept;
  SocketAddress peer_address(int descriptor) noexcept;
  void shutdown_write(int descriptor) noexcept;
  void close(int descriptor) noexcept;
  void reset(int descriptor) noexcept;

  /// None: bytes that are spliced are not simulated.
  std::optional<PipeEnds> open_pipe(std::uint32_t) noexcept { return {}; }
  void set_nonblocking(int) noexcept {}
  std::int64_t splice_in(int, int, std::size_t) noexcept { return -ENOSYS; }
  std::int64_t copy_in(int, int) noexcept { return -ENOSYS; }
  std::int64_t splice_out(int, int, std::size_t) noexcept { return -ENOSYS; }

  int replace_record_keys(int descriptor, RecordSide side, Bytes keys) noexcept;
  int receive_control(int descriptor, ControlRecord& record) noexcept;
  int try_record_keys(RecordSide side, Bytes keys, Bytes in, MutableBytes out) noexcept;
  int try_rekey(Bytes keys) noexcept;

  void accept(Op& op, int listener) noexcept;
  /// To a listener of this world, at the very address that it listens at; the world decides whether
  /// and when it is answered.
  void connect(Op& op, int descriptor, const SocketAddress& address) noexcept;
  void connect(Op& op, int descriptor, const UnixAddress& address) noexcept;
  void receive(Op& op, int descriptor, ReceiveArm arm) noexcept;
  void send(Op& op, int descriptor, Bytes bytes) noexcept;
  void send_gathered(Op& op, int descriptor, const iovec* pieces, unsigned count) noexcept;
  std::optional<Completion> install_records(Op& op, int descriptor,
                                            const RecordInstall& install) noexcept;
  /// Ends by a cancel alone: nothing that is polled is simulated.
  void poll(Op& op, int descriptor, std::uint32_t events) noexcept;
  void send_control(Op& op, int descriptor, ControlRecord& record) noexcept;
  void cancel(Op& op) noexcept;

  MutableBytes buffer(std::uint16_t id) noexcept;
  void return_buffer(std::uint16_t id) noexcept;
  std::uint32_t buffers_available() const noexcept { return buffers_available_; }

  bool queued() const noexcept { return !submissions_.empty(); }
  Result<> submit_and_wait(unsigned count, std::chrono::nanoseconds wait) noexcept;
  std::size_t harvest(std::span<Harvested> harvested) noexcept;
  void wake() noexcept { woken_.store(true); }

  std::chrono::nanoseconds now() const noexcept;
  std::int64_t unix_seconds() const noexcept;

private:
  enum class Kind : std::uint8_t { accept, receive, send, install, connect, poll, cancel };
  enum class Holder : std::uint8_t { kernel, completion, host };

  /// One operation: queued for submission, then held by the kernel until its last completion.
  struct Request {
    Kind kind = Kind::accept;
    bool finished = false;
    std::uint64_t user_data = 0;
    int descriptor = -1;
    ReceiveArm arm;
    std::uint8_t record_type = 0; ///< of a control record; 0: data
    std::uint32_t received_bytes = 0;
    std::vector<RecordStep> steps; ///< of an installation, that are still to be taken
    RecordInstall install;
    const SocketAddress* address = nullptr; ///< the caller's, of a connect
    SocketAddress address_as_given;
    const iovec* table = nullptr;   ///< the caller's pieces: read when it is submitted
    std::vector<iovec> pieces;      ///< of a send, as submitted
    std::vector<std::byte> as_sent; ///< what they, or the keys, held when it was asked for
  };

  /// A completion, with the user_data of its operation.
  struct Posted {
    std::uint64_t user_data;
    Completion completion;
  };

  SimRing(sim::World& world, const RingOptions& options);

  Request& queue(Kind kind, int descriptor, std::uint64_t user_data);
  void forget(sim::World::Descriptor& found, int descriptor);
  void flush() noexcept;
  void take_cancel(std::uint64_t user_data);
  void take_returned_buffers();
  bool wait_once(std::chrono::nanoseconds deadline);
  bool progress(bool all);
  bool attempt(Request& request);
  bool attempt_accept(Request& request);
  int take_from_backlog(int listener);
  bool attempt_connect(Request& request);
  bool attempt_receive(Request& request);
  bool attempt_send(Request& request);
  bool attempt_install(Request& request);
  int take_step(int descriptor, RecordStep step, const RecordInstall& install);
  int enable_records(sim::World::Descriptor& descriptor);
  int set_record_keys(int descriptor, RecordSide side, Bytes keys);
  bool readable(sim::World::Descriptor& descriptor);
  bool receive_once(Request& request, sim::World::Descriptor& descriptor);
  int send_through(const Request& request, sim::World::Descriptor& descriptor, Bytes bytes);
  bool fail_once(sim::Occasion occasion, Request& request, sim::Link& link);
  void perhaps_break(sim::Link& link);
  std::size_t shortened(std::size_t bytes, unsigned per_mille);
  std::vector<std::byte> bytes_given(const Request& request);
  void post(Request& request, int result, std::uint32_t flags);
  void finish(Request& request, int result) { post(request, result, 0); }
  void require_alone(Kind kind, int descriptor);
  bool under_way(int descriptor, Kind kind) const;

  static constexpr std::uint64_t user_data_internal = 0; ///< cancels and wakes
  static constexpr std::byte poison{0xdd};

  sim::World& world_;
  KernelFeatures features_;
  RingCounters counters_;
  std::uint32_t submission_entries_;
  bool started_ = false;
  std::atomic<bool> woken_{false};

  std::deque<Request> submissions_; ///< references stay valid while it grows
  std::vector<std::unique_ptr<Request>> held_;
  std::deque<Posted> posted_;
  std::size_t visible_ = 0;      ///< of these, lie in the completion queue
  std::vector<Posted> repeated_; ///< of a planted defect

  std::vector<std::byte> memory_;
  std::uint32_t buffer_bytes_;
  std::vector<Holder> holders_;
  std::deque<std::uint16_t> kernel_buffers_; ///< in the order in which they will be filled
  std::vector<std::uint16_t> returned_;      ///< since the last enter
  std::uint32_t buffers_available_;
};

} // namespace ringfort::engine
