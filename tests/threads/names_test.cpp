// Names that are replaced by several threads under the handshakes of several shards.
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"
#include "tests/threads/running.hpp"

namespace ringfort::threads {
namespace {

using surface::Connection;

constexpr unsigned clients = 3;
constexpr unsigned handshakes_each = 30;
constexpr std::array<const char*, 4> asked{"", "named.local", "a.wild.local", "made.local"};

/// Contexts whose sessions any of them resumes, with keys that are soon renewed.
std::vector<tls::Context> make_contexts() {
  const auto keys = tls::TicketKeys::generated({.period = std::chrono::seconds(1), .previous = 15});
  std::vector<tls::Context> contexts;
  for (const char* name : {"first", "second", "third"}) {
    tls::ContextOptions options;
    options.identities.push_back(peer::make_identity({.name = name}));
    options.ticket_keys = *keys;
    contexts.push_back(*tls::Context::create(std::move(options)));
  }
  return contexts;
}

/// A map of which every name leads to `context`.
tls::Names names_of(const tls::Context& context) {
  tls::Names names;
  names.set_default(context);
  REQUIRE(names.set("named.local", context));
  REQUIRE(names.set("*.wild.local", context));
  const tls::ContextSource source = [context](std::string_view) { return context; };
  REQUIRE(names.set("made.local", std::make_shared<const tls::ContextSource>(source)));
  return names;
}

ServiceFactory generations() {
  return [](Shard&) {
    return service([](Exchange& exchange) {
      const auto text = std::to_string(exchange.connection().generation) + "!";
      exchange.respond(200, {}, Payload::copied(text));
    });
  };
}

/// The common name of the certificate that a client of `name` is served; empty: it was refused.
std::string served(std::uint16_t port, const std::string& name) {
  peer::ClientOptions options;
  options.server_name = name;
  Connection client(port, options);
  client.send(get);
  const bool answered = client.read_until("!").ends_with('!');
  return answered ? client.peer_subject() : std::string();
}

TEST_CASE("threads: names are published, replaced and read under live handshakes on all shards") {
  const auto contexts = make_contexts();
  std::vector<tls::Names> maps;
  for (const tls::Context& context : contexts) maps.push_back(names_of(context));
  const std::set<std::string> known{"first", "second", "third"};
  tls::LiveNames names(maps.front());
  std::atomic<unsigned> clients_left = clients;
  std::atomic<unsigned> wrong = 0;
  std::atomic<unsigned> changes = 0;
  Running running;
  const auto bound = running->serve({.port = 0}, names, generations());
  REQUIRE(bound);
  running.run();
  const auto change = [&](unsigned turn) {
    const tls::Context& context = contexts[turn % contexts.size()];
    switch (turn % 4) {
    case 0: return names.publish(maps[turn / 4 % maps.size()]);
    case 1: return names.replace_default(context);
    case 2: return *names.replace("named.local", context);
    default: return *names.replace("*.wild.local", context);
    }
  };
  together(clients + 3, [&](unsigned index) {
    if (index < clients) {
      for (unsigned count = 0; count < handshakes_each; ++count) {
        if (!known.contains(served(bound->port, asked[count % asked.size()]))) ++wrong;
      }
      --clients_left;
      return;
    }
    std::uint64_t latest = 0;
    for (unsigned turn = index; clients_left > 0; ++turn) {
      const std::uint64_t seen =
          index < clients + 2 ? change(turn) : names.generations().back().number;
      if (seen < latest || seen > names.generation() || names.names().count() != 3) ++wrong;
      latest = seen;
      ++changes;
      std::this_thread::yield(); // To the shards, which have more to do.
    }
  });
  running->drain(std::chrono::seconds(10));
  CHECK(running.join());
  CHECK(wrong == 0);
  CHECK(changes > clients);
  CHECK(running->metrics().handshakes_full == clients * handshakes_each);
  CHECK(names.generations().size() == 1); // Nobody is left of those before it.
}

/// Questions on their way from the shards' choosers to a thread that answers them.
class Questions {
public:
  std::optional<tls::NameChoice> ask(const tls::NameQuery& query) {
    const std::lock_guard lock(mutex_);
    queries_.push_back(query);
    asked_.notify_one();
    return std::nullopt;
  }
  tls::NameQuery take() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return !queries_.empty(); });
    tls::NameQuery query = std::move(queries_.front());
    queries_.pop_front();
    return query;
  }

private:
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<tls::NameQuery> queries_;
};

TEST_CASE("threads: another thread answers the choosers of all shards, with contexts of its own") {
  const auto contexts = make_contexts();
  Questions questions;
  tls::Names names;
  names.set_chooser([&](const tls::NameQuery& query) { return questions.ask(query); });
  std::atomic<unsigned> wrong = 0;
  Running running;
  const auto bound = running->serve({.port = 0}, tls::LiveNames(names), generations());
  REQUIRE(bound);
  running.run();
  together(clients + 1, [&](unsigned index) {
    if (index < clients) {
      for (unsigned count = 0; count < handshakes_each / 3; ++count) {
        if (served(bound->port, "any.local").empty()) ++wrong;
      }
      return;
    }
    for (unsigned count = 0; count < clients * (handshakes_each / 3); ++count) {
      const tls::NameQuery query = questions.take();
      query.answer(tls::NameChoice::use(contexts[count % contexts.size()]));
      query.answer(tls::NameChoice::refuse()); // Too late.
    }
  });
  CHECK(wrong == 0);
}

} // namespace
} // namespace ringfort::threads
