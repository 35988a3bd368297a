// Wakers in other threads' hands: before the handler waits, while it does, and after it has gone.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/surface/connection.hpp"
#include "tests/threads/running.hpp"

namespace ringfort::threads {
namespace {

using surface::Connection;

/// What a handler waits for. The waker's call is all that lies between writing and reading it.
struct Errand {
  Waker waker;
  std::string* result;
};

/// Errands on their way from the shards to the threads that do them.
class Board {
public:
  void put(Errand errand) {
    const std::lock_guard lock(mutex_);
    errands_.push_back(errand);
    changed_.notify_one();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  std::optional<Errand> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !errands_.empty(); });
    if (errands_.empty()) return std::nullopt;
    const Errand errand = errands_.front();
    errands_.pop_front();
    return errand;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Errand> errands_;
  bool closed_ = false;
};

Task<> wait_for_errand(Exchange& exchange, Board& board) {
  std::string result;
  board.put({exchange.waker(), &result});
  if (!co_await exchange.woken()) co_return;
  exchange.respond(200, {}, Payload::copied(result));
}

TEST_CASE("threads: what is written before a wake is read after it, and late wakes harm nobody") {
  constexpr unsigned wakers = 2;
  constexpr unsigned clients = 3;
  constexpr unsigned requests_each = 100;
  Board board;
  std::atomic<unsigned> answered = 0;
  std::atomic<unsigned> clients_left = clients;
  Running running;
  const auto bound = running->serve_plain({.port = 0}, [&board](Shard&) {
    return service([&board](Exchange& exchange) { return wait_for_errand(exchange, board); });
  });
  REQUIRE(bound);
  running.run();
  together(wakers + clients, [&](unsigned index) {
    if (index < wakers) {
      std::optional<Waker> earlier;
      while (const auto errand = board.take()) {
        errand->result->assign("a result too long for the string itself to hold it!");
        errand->waker.wake();
        if (earlier) earlier->wake(); // Its exchange has ended, or is about to.
        earlier = errand->waker;
      }
      return;
    }
    Connection client(bound->port);
    for (unsigned request = 0; request < requests_each; ++request) {
      client.send(get);
      if (client.read_until("!").ends_with("hold it!")) ++answered;
    }
    if (--clients_left == 0) board.close();
  });
  CHECK(answered == clients * requests_each);
}

TEST_CASE("threads: wakes in the midst of a drain are taken or refused") {
  constexpr unsigned wakers = 2;
  constexpr unsigned clients = 3;
  Board board;
  std::atomic<unsigned> waiting = 0;
  Running running;
  const auto bound = running->serve_plain({.port = 0}, [&](Shard&) {
    return service([&](Exchange& exchange) -> Task<> {
      board.put({exchange.waker(), nullptr});
      ++waiting;
      waiting.notify_all();
      while (co_await exchange.woken()) {} // Until the drain cuts it.
    });
  });
  REQUIRE(bound);
  running.run();
  together(wakers + clients + 1, [&](unsigned index) {
    if (index < wakers) {
      const auto errand = board.take();
      while (errand && errand->waker.wake()) {}
    } else if (index < wakers + clients) {
      Connection client(bound->port);
      client.send(get);
      (void)client.read_to_end();
    } else {
      for (unsigned seen = waiting; seen < clients; seen = waiting) waiting.wait(seen);
      running->drain(std::chrono::milliseconds(50));
    }
  });
  CHECK(running.join());
}

} // namespace
} // namespace ringfort::threads
