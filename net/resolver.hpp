// resolver — from a host to its addresses: literal ones at once, names by /etc/hosts and the name
// servers (c-ares), whose answers are kept as long as they say.
//
// c-ares opens its sockets itself; the ring tells when they are ready, and a timer when a query is
// to be sent again. A and AAAA records are asked for side by side, and who waits need not wait for
// both (RFC 8305 section 3).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/error.hpp>

#include "engine/loop.hpp"
#include "net/addresses.hpp"
#include "net/name_cache.hpp"
#include "net/polled_sockets.hpp"

struct ares_addrinfo;
struct ares_channeldata;

namespace ringfort::net {

/// Somebody who waits for a name's addresses. Living inside its owner.
class Lookup {
public:
  /// Told once; twice where one family's addresses are known some time before the others, or the
  /// failure: under_way() is still true in the first, and both families are in the second.
  /// Errors: resolve.*. Borrow: `answer` until it returns.
  using Run = void (*)(void* owner, const Result<Addresses>& answer) noexcept;

  Lookup(void* owner, Run run) noexcept;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup() { RINGFORT_CHECK(!under_way()); }

  bool under_way() const noexcept { return name_ != nullptr; }

private:
  friend class Resolver;

  void on_timeout() noexcept;

  void* owner_;
  Run run_;
  KnownName* name_ = nullptr; ///< what it waits for
  std::uint16_t port_ = 0;
  bool told_partly_ = false;
  engine::Timer timeout_timer_;
};

/// Where: one shard. Immovable until it has settled.
class Resolver {
public:
  /// `name_servers`: "127.0.0.1:5353,[::1]:53"; empty: those of /etc/resolv.conf.
  /// Errors: config.invalid, where they are no addresses; resolve.failed.
  /// Cost:   reads /etc/resolv.conf, once for all.
  static Result<std::unique_ptr<Resolver>> create(engine::Loop& loop,
                                                  const std::string& name_servers) noexcept;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  /// The addresses of `host` (a name, or an address without brackets), each with `port`, as they
  /// are to be tried (RFC 6724). An answer where it is known at once; nothing: `lookup` is told, at
  /// the end of a turn, or when `timeout` has passed.
  /// Errors: resolve.name_unknown, resolve.failed; to the lookup also resolve.timed_out.
  /// Cost:   a literal address or a name that is known: a copy. Otherwise allocates, reads
  ///         /etc/hosts, and shares the query with whoever asks for the same name.
  std::optional<Result<Addresses>> resolve(std::string_view host, std::uint16_t port,
                                           std::chrono::nanoseconds timeout,
                                           Lookup& lookup) noexcept;
  /// Tells `lookup` nothing any more. The query goes on: its answer is worth keeping.
  void cancel(Lookup& lookup) noexcept;

  /// Ends all queries; who waits is told resolve.failed, and who asks later is answered so.
  void stop() noexcept;
  /// Stopped, and nothing is under way or to be told.
  bool settled() const noexcept {
    return channel_ == nullptr && sockets_.none() && answered_.empty();
  }

private:
  struct Destroy {
    void operator()(ares_channeldata* channel) const noexcept;
  };

  friend struct KnownName;

  using Channel = std::unique_ptr<ares_channeldata, Destroy>;

  explicit Resolver(engine::Loop& loop) noexcept;
  Result<> open_channels(const std::string& name_servers) noexcept;
  void wait(Lookup& lookup, KnownName& name, std::uint16_t port,
            std::chrono::nanoseconds timeout) noexcept;
  void ask(KnownName& name) noexcept;
  void ask_servers(KnownName& name, int family) noexcept;
  void on_ready(int descriptor, bool readable, bool writable) noexcept;
  void on_answer(KnownName& name, int status, ares_addrinfo* found) noexcept;
  void tell_partly_soon(KnownName& name) noexcept;
  void tell_soon(KnownName& name) noexcept;
  void process(int readable, int writable) noexcept;
  void set_timer() noexcept;
  void tell() noexcept;
  static void tell_partly(KnownName& name) noexcept;
  void tell_all(KnownName& name) noexcept;

  engine::Loop& loop_;
  Channel hosts_;   ///< reads /etc/hosts, and answers at once
  Channel channel_; ///< asks the name servers
  NameCache names_;
  std::vector<KnownName*> answered_; ///< who waits for them is to be told
  PolledSockets sockets_;
  engine::Timer query_timer_; ///< of c-ares, for all its queries
  engine::Deferred told_;
};

} // namespace ringfort::net
