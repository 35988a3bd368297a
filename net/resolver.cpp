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

/// How long A records wait for AAAA records (RFC 8305 section 3, the Resolution Delay).
constexpr std::chrono::milliseconds resolution_delay{50};

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

/// The shortest that any record on the way to the addresses says. Where there are none nothing is
/// said, and a failure is worth another question soon.
Seconds lifetime_of(const Result<Addresses>& answer, const ares_addrinfo* found) noexcept {
  if (!answer && answer.error().code == Code::resolve_failed) return failure_lifetime;
  Seconds shortest = NameCache::lifetime_max;
  if (found == nullptr) return shortest;
  for (const auto* node = found->nodes; node != nullptr; node = node->ai_next) {
    shortest = std::min(shortest, Seconds(node->ai_ttl));
  }
  for (const auto* alias = found->cnames; alias != nullptr; alias = alias->next) {
    shortest = std::min(shortest, Seconds(alias->ttl));
  }
  return shortest;
}

/// Of two families, IPv6 first (RFC 6724 section 10.3). What one of them lacks says nothing of the
/// other; that a name server failed says more than that there is no record.
Result<Addresses> joined(const Result<Addresses>& one, const Result<Addresses>& other) noexcept {
  if (!one) return !other && one.error().code == Code::resolve_failed ? one : other;
  if (!other) return one;
  const bool one_first = one->all().front().family() == AF_INET6;
  Addresses all = one_first ? *one : *other;
  for (const auto& address : (one_first ? *other : *one).all()) all.add(address);
  return all;
}

ares_addrinfo_hints hints_for(int family) noexcept {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  return hints;
}

/// Of /etc/hosts, where the name is there; RFC 6761's localhost is.
std::optional<Addresses> hosts_answer(ares_channeldata* hosts, const std::string& name) noexcept {
  const ares_addrinfo_hints hints = hints_for(AF_UNSPEC);
  std::optional<Addresses> answer;
  ares_getaddrinfo(
      hosts, name.c_str(), nullptr, &hints,
      [](void* asked, int status, int, ares_addrinfo* found) {
        if (status != ARES_SUCCESS) return;
        const Addresses addresses = addresses_of(*found);
        if (!addresses.empty()) *static_cast<std::optional<Addresses>*>(asked) = addresses;
        ares_freeaddrinfo(found);
      },
      &answer);
  return answer;
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

KnownName::KnownName(std::string_view name, Resolver* resolver) noexcept
    : text(name), asked_by(resolver), delay_timer(this, [](void* self) noexcept {
        auto& delayed = *static_cast<KnownName*>(self);
        delayed.asked_by->tell_partly_soon(delayed);
      }) {}

// ---------------------------------------------------------------------------- the channels

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
  if (auto opened = resolver->open_channels(name_servers); !opened) {
    resolver->stop();
    return std::unexpected(opened.error());
  }
  return resolver;
}

// Without ares_library_init(3), which has nothing to do on Linux and is not to be called by threads
// at once.
Result<> Resolver::open_channels(const std::string& name_servers) noexcept {
  char files[] = "f";
  char servers[] = "b";
  ares_options options{};
  options.timeout = query_timeout_ms;
  options.tries = tries_max;
  options.lookups = files;
  options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    const std::uint32_t events = (readable != 0 ? POLLIN : 0u) | (writable != 0 ? POLLOUT : 0u);
    static_cast<Resolver*>(self)->sockets_.watch(socket, events);
  };
  options.sock_state_cb_data = this;
  constexpr int given =
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
  for (Channel* opened : {&hosts_, &channel_}) {
    ares_channeldata* channel = nullptr;
    const int status = ares_init_options(&channel, &options, given);
    if (status != ARES_SUCCESS) return failure_of(status);
    opened->reset(channel);
    options.lookups = servers;
  }
  if (name_servers.empty()) return {};
  const bool usable =
      ares_set_servers_ports_csv(channel_.get(), name_servers.c_str()) == ARES_SUCCESS;
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
  using State = KnownName::State;
  if (name->state == State::answered || name->state == State::known) {
    return with_port(name->answer, port);
  }
  wait(lookup, *name, port, timeout);
  if (name->state == State::partly) tell_soon(*name);
  return std::nullopt;
}

void Resolver::wait(Lookup& lookup, KnownName& name, std::uint16_t port,
                    std::chrono::nanoseconds timeout) noexcept {
  RINGFORT_CHECK(!lookup.under_way());
  lookup.name_ = &name;
  lookup.port_ = port;
  lookup.told_partly_ = false;
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
    if (name->state == KnownName::State::partly)
      tell_partly(*name);
    else
      tell_all(*name);
  }
}

void Resolver::tell_partly(KnownName& name) noexcept {
  const auto next = [&name] {
    return std::ranges::find(name.waiting, false,
                             [](const Lookup* one) { return one->told_partly_; });
  };
  for (auto place = next(); place != name.waiting.end(); place = next()) {
    Lookup& lookup = **place;
    lookup.told_partly_ = true;
    lookup.run_(lookup.owner_, with_port(name.answer, lookup.port_));
  }
}

void Resolver::tell_all(KnownName& name) noexcept {
  while (!name.waiting.empty()) {
    Lookup& lookup = *name.waiting.front();
    cancel(lookup);
    lookup.run_(lookup.owner_, with_port(name.answer, lookup.port_));
  }
  name.state = KnownName::State::known;
}

// ---------------------------------------------------------------------------- who answers

void Resolver::ask(KnownName& name) noexcept {
  if (const auto hosts = hosts_answer(hosts_.get(), name.text)) {
    NameCache::answer(name, *hosts, hosts_lifetime, loop_.now());
    return tell_soon(name);
  }
  name.lifetime = NameCache::lifetime_max;
  name.queries_under_way = 2;
  ask_servers(name, AF_INET6);
  ask_servers(name, AF_INET);
  set_timer();
}

void Resolver::ask_servers(KnownName& name, int family) noexcept {
  const ares_addrinfo_hints hints = hints_for(family);
  ares_getaddrinfo(
      channel_.get(), name.text.c_str(), nullptr, &hints,
      [](void* asked, int status, int, ares_addrinfo* found) {
        auto& about = *static_cast<KnownName*>(asked);
        about.asked_by->on_answer(about, status, found);
      },
      &name);
}

void Resolver::on_answer(KnownName& name, int status, ares_addrinfo* found) noexcept {
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(found,
                                                                           &ares_freeaddrinfo);
  const auto answer = answer_of(status, found);
  const bool first = name.queries_under_way == 2;
  name.answer = first ? answer : joined(name.answer, answer);
  name.lifetime = std::min(name.lifetime, lifetime_of(answer, found));
  if (--name.queries_under_way == 0) {
    loop_.timers().cancel(name.delay_timer);
    const auto lifetime = name.answer ? name.lifetime : failure_lifetime;
    NameCache::answer(name, name.answer, lifetime, loop_.now());
    return tell_soon(name);
  }
  if (!answer) return;
  if (answer->all().front().family() == AF_INET6) return tell_partly_soon(name);
  loop_.timers().arm(name.delay_timer, loop_.now() + resolution_delay);
}

void Resolver::tell_partly_soon(KnownName& name) noexcept {
  name.state = KnownName::State::partly;
  tell_soon(name);
}

void Resolver::tell_soon(KnownName& name) noexcept {
  if (std::ranges::find(answered_, &name) == answered_.end()) answered_.push_back(&name);
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
