#include "net/resolver.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <ares.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ringfort/check.hpp>

#include "engine/socket_address.hpp"
#include "tls/host_name.hpp"

namespace ringfort::net {

namespace {

using Seconds = std::chrono::seconds;

/// How long the answer of /etc/hosts is kept, which does not say.
constexpr Seconds hosts_lifetime{60};
constexpr Seconds failure_lifetime{1};

/// One query of one server is sent again after this, then after twice as long, and so on.
constexpr int query_timeout_ms = 2'000;
constexpr int tries_max = 3;

std::unexpected<Error> failure_of(int status) noexcept {
  switch (status) {
  case ARES_ENOTFOUND:
  case ARES_ENODATA:
  case ARES_EBADNAME: return fail(Code::resolve_name_unknown, status);
  default: return fail(Code::resolve_failed, status);
  }
}

Addresses addresses_of(const ares_addrinfo& found) noexcept {
  Addresses addresses;
  for (const auto* node = found.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_addrlen > engine::SocketAddress::capacity()) continue;
    engine::SocketAddress address;
    std::memcpy(address.data(), node->ai_addr, node->ai_addrlen);
    addresses.add(address);
  }
  return addresses;
}

Result<Addresses> answer_of(int status, const ares_addrinfo* found) noexcept {
  if (status != ARES_SUCCESS) return failure_of(status);
  const Addresses addresses = addresses_of(*found);
  if (addresses.empty()) return failure_of(ARES_ENODATA);
  return addresses;
}

/// The shortest that any record on the way to the addresses says.
Seconds lifetime_of(const ares_addrinfo& found) noexcept {
  Seconds shortest = NameCache::lifetime_max;
  for (const auto* node = found.nodes; node != nullptr; node = node->ai_next) {
    shortest = std::min(shortest, Seconds(node->ai_ttl));
  }
  for (const auto* alias = found.cnames; alias != nullptr; alias = alias->next) {
    shortest = std::min(shortest, Seconds(alias->ttl));
  }
  return shortest;
}

Result<Addresses> with_port(const Result<Addresses>& answer, std::uint16_t port) noexcept {
  if (!answer) return std::unexpected(answer.error());
  return answer->with_port(port);
}

} // namespace

Lookup::Lookup(void* owner, Run run) noexcept
    : owner_(owner), run_(run),
      timeout_timer_(this, [](void* self) noexcept { static_cast<Lookup*>(self)->on_timeout(); }) {}

void Lookup::on_timeout() noexcept {
  name_->asked_by->cancel(*this);
  run_(owner_, fail(Code::resolve_timed_out));
}

// ---------------------------------------------------------------------------- the channel

void Resolver::Destroy::operator()(ares_channeldata* channel) const noexcept {
  ares_destroy(channel);
}

Resolver::Resolver(engine::Loop& loop) noexcept
    : loop_(loop),
      sockets_(loop, this,
               [](void* self, int descriptor, bool readable, bool writable) noexcept {
                 static_cast<Resolver*>(self)->on_ready(descriptor, readable, writable);
               }),
      query_timer_(this,
                   [](void* self) noexcept {
                     static_cast<Resolver*>(self)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
                   }),
      told_(this, [](void* self) noexcept { static_cast<Resolver*>(self)->tell(); }) {}

Resolver::~Resolver() { RINGFORT_CHECK(settled()); }

Result<std::unique_ptr<Resolver>> Resolver::create(engine::Loop& loop,
                                                   const std::string& name_servers) noexcept {
  std::unique_ptr<Resolver> resolver(new Resolver(loop)); // The constructor is private.
  if (auto opened = resolver->open_channel(name_servers); !opened) {
    resolver->stop();
    return std::unexpected(opened.error());
  }
  return resolver;
}

// Without ares_library_init(3), which has nothing to do on Linux and is not to be called by threads
// at once.
Result<> Resolver::open_channel(const std::string& name_servers) noexcept {
  char files_then_servers[] = "fb";
  ares_options options{};
  options.timeout = query_timeout_ms;
  options.tries = tries_max;
  options.lookups = files_then_servers;
  options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    const std::uint32_t events = (readable != 0 ? POLLIN : 0u) | (writable != 0 ? POLLOUT : 0u);
    static_cast<Resolver*>(self)->sockets_.watch(socket, events);
  };
  options.sock_state_cb_data = this;
  ares_channeldata* channel = nullptr;
  const int status = ares_init_options(&channel, &options,
                                       ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                           ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) return failure_of(status);
  channel_.reset(channel);
  if (name_servers.empty()) return {};
  const bool usable = ares_set_servers_ports_csv(channel, name_servers.c_str()) == ARES_SUCCESS;
  if (!usable) return fail(Code::config_invalid);
  return {};
}

void Resolver::stop() noexcept {
  loop_.timers().cancel(query_timer_);
  channel_.reset(); // Its queries are answered from inside, and its sockets are no longer watched.
}

// ---------------------------------------------------------------------------- who asks

std::optional<Result<Addresses>> Resolver::resolve(std::string_view host, std::uint16_t port,
                                                   std::chrono::nanoseconds timeout,
                                                   Lookup& lookup) noexcept {
  if (const auto literal = engine::SocketAddress::parse(host, port)) {
    return Addresses(std::span(&*literal, 1));
  }
  const tls::HostName text(host);
  if (!text) return failure_of(ARES_EBADNAME);
  if (channel_ == nullptr) return failure_of(ARES_EDESTRUCTION);
  KnownName* name = names_.find(text.text(), loop_.now());
  if (name == nullptr) {
    name = names_.add(text.text(), this);
    if (name == nullptr) return failure_of(ARES_ENOMEM);
    ask(*name);
  }
  if (name->state != KnownName::State::asked) return with_port(name->answer, port);
  wait(lookup, *name, port, timeout);
  return std::nullopt;
}

void Resolver::wait(Lookup& lookup, KnownName& name, std::uint16_t port,
                    std::chrono::nanoseconds timeout) noexcept {
  RINGFORT_CHECK(!lookup.under_way());
  lookup.name_ = &name;
  lookup.port_ = port;
  name.waiting.push_back(&lookup);
  loop_.timers().arm(lookup.timeout_timer_, loop_.now() + timeout);
}

void Resolver::cancel(Lookup& lookup) noexcept {
  if (!lookup.under_way()) return;
  loop_.timers().cancel(lookup.timeout_timer_);
  std::exchange(lookup.name_, nullptr)->waiting.remove(&lookup);
}

// They are told outside of c-ares, so that they may ask again, or stop all.
void Resolver::tell() noexcept {
  for (KnownName* name : std::exchange(answered_, {})) {
    while (!name->waiting.empty()) {
      Lookup& lookup = *name->waiting.front();
      cancel(lookup);
      lookup.run_(lookup.owner_, with_port(name->answer, lookup.port_));
    }
    name->state = KnownName::State::known;
  }
}

// ---------------------------------------------------------------------------- who answers

void Resolver::ask(KnownName& name) noexcept {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  asking_ = &name;
  ares_getaddrinfo(
      channel_.get(), name.text.c_str(), nullptr, &hints,
      [](void* asked, int status, int, ares_addrinfo* found) {
        auto& about = *static_cast<KnownName*>(asked);
        about.asked_by->on_answer(about, status, found);
      },
      &name);
  asking_ = nullptr;
  set_timer();
}

void Resolver::on_answer(KnownName& name, int status, ares_addrinfo* found) noexcept {
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(found,
                                                                           &ares_freeaddrinfo);
  const bool at_once = asking_ == &name;
  const auto answer = answer_of(status, found);
  const auto lifetime = !answer ? failure_lifetime : at_once ? hosts_lifetime : lifetime_of(*found);
  NameCache::answer(name, answer, lifetime, loop_.now());
  answered_.push_back(&name);
  loop_.defer(told_);
}

void Resolver::on_ready(int descriptor, bool readable, bool writable) noexcept {
  process(readable ? descriptor : ARES_SOCKET_BAD, writable ? descriptor : ARES_SOCKET_BAD);
}

void Resolver::process(int readable, int writable) noexcept {
  ares_process_fd(channel_.get(), readable, writable);
  set_timer();
}

void Resolver::set_timer() noexcept {
  timeval room{};
  const timeval* wait = ares_timeout(channel_.get(), nullptr, &room);
  if (wait == nullptr) return loop_.timers().cancel(query_timer_);
  loop_.timers().arm(query_timer_, loop_.now() + Seconds(wait->tv_sec) +
                                       std::chrono::microseconds(wait->tv_usec));
}

} // namespace ringfort::net
