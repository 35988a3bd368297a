// ring — the seam: one concept, one alias. The library is compiled twice, once over the kernel's
// ring and once over a simulated one, with no virtual call and no template above this line.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "engine/ring_vocabulary.hpp"

struct iovec;

namespace ringfort::engine {

class SocketAddress;
class UnixAddress;
struct KernelFeatures;

/// What every ring can do. All calls are made on the shard's own thread, except `wake`.
/// Submissions are queued and go to the kernel with the next submit_and_wait; a full queue is
/// flushed first. A failed operation is a completion with -errno, never a return value.
template <class R>
concept RingLike = requires(R ring, const R const_ring, Op& op, const RingOptions& options, int fd,
                            const SocketAddress& address, const UnixAddress& unix_address,
                            Bytes bytes, const iovec* pieces, unsigned count,
                            std::chrono::nanoseconds wait, std::span<Harvested> harvested,
                            ControlRecord& record, const RecordInstall& install, MutableBytes room,
                            std::uint32_t events) {
  /// Probes, sets up and registers everything. Errors: ring.refused, ring.kernel_too_old,
  /// ring.no_memory. The ring may be made on another thread than the one that runs it.
  { R::create(options) } -> std::same_as<Result<std::unique_ptr<R>>>;
  /// Makes the calling thread the ring's only submitter. Once, before any other call below.
  { ring.start() } -> std::same_as<Result<>>;
  { const_ring.features() } -> std::same_as<const KernelFeatures&>;
  { const_ring.counters() } -> std::same_as<const RingCounters&>;

  // Sockets, outside the hot path.
  /// A listening TCP socket with SO_REUSEPORT, SO_REUSEADDR, TCP_NODELAY inherited by what it
  /// accepts. Errors: listen.*. `bound_address` tells the port that the kernel chose for 0.
  { ring.listen(address, int{} /*backlog*/) } -> std::same_as<Result<int>>;
  /// A duplicate of a listening TCP socket of somebody else's, with the options that `listen` sets.
  /// Errors: listen.not_a_socket, listen.wrong_socket_type, listen.not_listening, listen.failed.
  { ring.adopt_listener(fd) } -> std::same_as<Result<int>>;
  /// A connection that waits to be accepted, without waiting for one; negative: there is none.
  { ring.accept_waiting(fd) } -> std::same_as<int>;
  /// Whether nobody listens there: SO_REUSEPORT alone would share another program's port unseen.
  { ring.check_free(address) } -> std::same_as<Result<>>;
  /// A TCP socket to connect to `address` with, and with the options of accepted ones.
  /// Errors: connect.descriptors_spent, connect.unreachable (its family is not there),
  /// connect.failed.
  { ring.open_socket(address) } -> std::same_as<Result<int>>;
  /// The same of a unix socket. Errors: connect.descriptors_spent, connect.failed.
  { ring.open_unix_socket() } -> std::same_as<Result<int>>;
  /// Two unix sockets that are connected to each other. Errors: as open_unix_socket.
  { ring.open_pair() } -> std::same_as<Result<std::pair<int, int>>>;
  { ring.bound_address(fd) } -> std::same_as<SocketAddress>;
  { ring.peer_address(fd) } -> std::same_as<SocketAddress>;
  /// FIN after what was sent so far (shutdown(2), SHUT_WR).
  { ring.shutdown_write(fd) } -> std::same_as<void>;
  /// Closes a descriptor that no armed operation uses.
  { ring.close(fd) } -> std::same_as<void>;
  /// Closes with RST instead of FIN (SO_LINGER 0).
  { ring.reset(fd) } -> std::same_as<void>;

  // Bytes from one socket to another by a pipe in between (splice(2)), as they come: see `poll`.
  /// A pipe that holds so many bytes. Nothing when there is none to be had: for want of descriptors
  /// or pages (pipe(7)).
  { ring.open_pipe(std::uint32_t{} /*bytes*/) } -> std::same_as<std::optional<PipeEnds>>;
  /// For good, and for `splice`: receives and sends would end with -EAGAIN where they used to wait.
  { ring.set_nonblocking(fd) } -> std::same_as<void>;
  /// Moves at most so many that a socket has received into a pipe, by its write end. The count, 0
  /// at the stream's end, or -errno.
  { ring.splice_in(fd, fd, std::size_t{} /*bytes_max*/) } -> std::same_as<std::int64_t>;
  /// The same by recv(2), some at a time: it goes past urgent data, where splice(2) stops as if
  /// nothing more were there, or the end. Into an empty pipe.
  { ring.copy_in(fd, fd) } -> std::same_as<std::int64_t>;
  /// Moves at most so many that lie in a pipe, by its read end, to a socket. The count or -errno;
  /// no SIGPIPE comes of it.
  { ring.splice_out(fd, fd, std::size_t{} /*bytes_max*/) } -> std::same_as<std::int64_t>;

  // Records that the kernel protects, where it does. Each answers 0 (or a byte count) or -errno.
  /// Replaces a side's keys (Linux 6.14+). `bytes`: struct tls12_crypto_info_*.
  { ring.replace_record_keys(fd, RecordSide{}, bytes) } -> std::same_as<int>;
  /// The record that ended a receive with -EIO. The length, at most ControlRecord::bytes_max.
  { ring.receive_control(fd, record) } -> std::same_as<int>;
  /// Tries keys on a pair of sockets of its own: what the kernel makes of plaintext (send) or of
  /// records (receive) is written to `room`; the byte count.
  { ring.try_record_keys(RecordSide{}, bytes, bytes, room) } -> std::same_as<int>;
  /// Whether keys can be replaced (Linux 6.14+), tried likewise with keys of TLS 1.3.
  { ring.try_rekey(bytes) } -> std::same_as<int>;

  // Operations.
  /// Connects what open_socket() made; `address` stays until the completion. One that fails or is
  /// cancelled leaves a socket that can only be closed.
  { ring.connect(op, fd, address) } -> std::same_as<void>;
  { ring.connect(op, fd, unix_address) } -> std::same_as<void>;
  { ring.accept(op, fd) } -> std::same_as<void>;                       // multishot
  { ring.receive(op, fd, ReceiveArm{}) } -> std::same_as<void>;        // provided buffers
  { ring.send(op, fd, bytes) } -> std::same_as<void>;                  // may be short
  { ring.send_gathered(op, fd, pieces, count) } -> std::same_as<void>; // may be short
  /// Takes the steps of `install` in their order, up to the first that fails. An answer, when the
  /// kernel can only be called for them: it is over then. Nothing, where it is an operation, Linux
  /// 6.7+: its completion is the same, and until then the keys' bytes stay. Until a side's step has
  /// succeeded the socket carries that side's bytes as they are, so none are sent or received.
  { ring.install_records(op, fd, install) } -> std::same_as<std::optional<Completion>>;
  /// Waits once for `events` (poll(2)): its result is those that came. It holds the file, not the
  /// descriptor, so that one may be closed by others first; then it ends by a cancel alone.
  { ring.poll(op, fd, events) } -> std::same_as<void>;
  /// `record` stays until the completion.
  { ring.send_control(op, fd, record) } -> std::same_as<void>;
  /// Asks the kernel to end `op`; its own last completion (-ECANCELED or its result) still comes.
  { ring.cancel(op) } -> std::same_as<void>;

  // Receive buffers.
  { ring.buffer(std::uint16_t{}) } -> std::same_as<MutableBytes>;
  { ring.return_buffer(std::uint16_t{}) } -> std::same_as<void>;
  /// Buffers that the kernel can fill now.
  { const_ring.buffers_available() } -> std::same_as<std::uint32_t>;

  // The turn.
  /// Something is queued for submission.
  { const_ring.queued() } -> std::same_as<bool>;
  /// One io_uring_enter: submits what is queued, then waits until `count` completions are there or
  /// `wait` has passed (zero: does not wait). Errors: ring.enter_failed.
  { ring.submit_and_wait(count, wait) } -> std::same_as<Result<>>;
  /// Takes completions in order, without running them. Fewer than the span holds: all taken.
  { ring.harvest(harvested) } -> std::same_as<std::size_t>;
  /// Ends another thread's (or a signal handler's) wait for this ring. Async-signal-safe.
  { ring.wake() } -> std::same_as<void>;

  // Time and chance enter here, so that a simulated run is a function of its seed.
  { ring.now() } -> std::same_as<std::chrono::nanoseconds>; // monotonic
  { ring.unix_seconds() } -> std::same_as<std::int64_t>;
};

} // namespace ringfort::engine

#if defined(RINGFORT_RING_SIM)
#include "tests/sim/sim_ring.hpp"
#else
#include "engine/uring_ring.hpp"
#endif

namespace ringfort::engine {

#if defined(RINGFORT_RING_SIM)
using Ring = SimRing;
#else
using Ring = UringRing;
#endif
static_assert(RingLike<Ring>);

} // namespace ringfort::engine
