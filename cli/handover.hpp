// handover — a successor of the program's file takes over its listening sockets, its admin socket
// and its generated ticket keys, and this process serves out what it has begun. No connection is
// refused or reset for it: the sockets, and who waits in their queues, stay as they are. Should the
// successor fail before this process has ended, this one ends at once.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <ringfort/engine.hpp>
#include <ringfort/ticket_keys.hpp>

#include "cli/admin.hpp"
#include "cli/descriptor.hpp"
#include "cli/polling_thread.hpp"
#include "cli/service_notice.hpp"
#include "cli/successor.hpp"

namespace ringfort::cli {

class Handover {
public:
  struct Terms {
    std::chrono::milliseconds patience; ///< until a successor has to be ready
    std::chrono::milliseconds grace;    ///< of Engine::retire()
  };

  /// How this process was started. Before the working directory changes.
  Handover() : invocation_(Invocation::of_this_process()) {}

  /// Keeps what a successor will need, and waits to be asked. `keys` are those that tickets are
  /// sealed with, where there are any. Errors: listen.failed.
  /// Borrow: all of it until stop(). Where: between the engine's serve() and run().
  Result<> start(Engine& engine, Admin& admin, ServiceNotice& notice,
                 std::optional<tls::TicketKeys> keys, const Terms& terms);
  /// This process has started well: it may have a successor. False, with errno set.
  bool allow();
  /// Hands over, in a thread of its own, when that is allowed. Where: any thread.
  void ask();
  /// Hands over, and answers what came of it. Where: the admin's thread.
  Admin::Answer run();
  /// No successor any more, and no port is held open. One that is not ready yet is killed.
  /// Where: any thread.
  void stop();

private:
  void wait();
  void watch();
  Admin::Answer refuse(const std::string& reason) const;
  Admin::Answer run_alone();
  Admin::Answer hand_over();
  std::vector<Gift> gifts(const Descriptor& keys) const;

  Invocation invocation_;
  Engine* engine_ = nullptr;
  Admin* admin_ = nullptr;
  ServiceNotice* notice_ = nullptr;
  std::optional<tls::TicketKeys> keys_;
  Terms terms_{};
  Descriptor asked_;          ///< eventfd(2)
  Descriptor stop_;           ///< eventfd(2): readable from stop() on
  std::atomic_flag starting_; ///< a successor: one at a time
  std::mutex mutex_;          ///< guards what follows
  bool allowed_ = false;
  std::vector<std::vector<Descriptor>> sockets_; ///< of each endpoint; none: it is over
  std::optional<Successor> successor_;           ///< who has taken over
  PollingThread thread_;                         ///< waits to be asked
  PollingThread watch_;                          ///< waits for the successor's end
};

} // namespace ringfort::cli
