// Many hosts on paper (docs/scale-out.md, "Topology and sizing"), played through: ticket keys that
// are rolled while clients come back to any host, and connections that a hash spreads over shards.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <ringfort/ticket_keys.hpp>

#include "tests/sim/prng.hpp"
#include "tls/ticket_keys.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;
using std::chrono::minutes;

/// A key of a file, told from others by its number.
std::string key_text(std::uint32_t number) {
  std::string key(80, '\x5a');
  key.replace(0, 8, std::to_string(10'000'000 + number));
  return key;
}

/// A host's file, as the engine reads it.
class Host {
public:
  void take(const std::vector<std::uint32_t>& numbers) {
    if (numbers == numbers_) return;
    numbers_ = numbers;
    std::string file;
    for (const std::uint32_t number : numbers) file += key_text(number);
    const auto keys = tls::TicketKeys::from_file_text(bytes_of(file));
    REQUIRE(keys);
    REQUIRE(keys->secrets().read(0, present_));
  }

  const tls::TicketSecret& seals() const { return present_.newest_first[0]; }
  bool opens(const tls::TicketSecret& key) const {
    const auto* const end = present_.newest_first.begin() + present_.count;
    return std::find(present_.newest_first.begin(), end, key) != end;
  }
  std::size_t keys() const { return present_.count; }

private:
  std::vector<std::uint32_t> numbers_;
  tls::TicketKeys::Secrets::Present present_;
};

/// How keys are rolled: within each hour one step after the other, each of them on all hosts, at a
/// minute of its own for each host.
struct Rolling {
  minutes append = 0min; ///< the new key opens from then on
  minutes front = 20min; ///< and seals
  minutes take_out = 40min;
  minutes spread = 10min; ///< until all hosts have taken a step
};

constexpr minutes rotation = 60min;
constexpr minutes lifetime = 120min;
constexpr std::size_t keys_max = lifetime / rotation + 2;

struct Ticket {
  tls::TicketSecret key;
  minutes sealed_at;
};

/// Keys that lie in a host's file `late` minutes behind the others, newest sealing one first.
std::vector<std::uint32_t> file_at(const Rolling& rolling, minutes now, minutes late) {
  const auto hours_since = [&](minutes step) {
    const auto passed = now - step - late;
    return passed.count() < 0 ? 0 : static_cast<std::uint32_t>(passed / rotation + 1);
  };
  // Before all of it there were keys 1..3, the last of which sealed.
  constexpr std::uint32_t first = keys_max - 1;
  const std::uint32_t newest = first + hours_since(rolling.append);
  const std::uint32_t sealing = first + hours_since(rolling.front);
  const std::uint32_t oldest = 1 + hours_since(rolling.take_out);
  std::vector<std::uint32_t> numbers{sealing};
  for (std::uint32_t number = std::max(newest, sealing) + 1; number-- > oldest;) {
    if (number != sealing) numbers.push_back(number);
  }
  return numbers;
}

/// Of tickets that were brought to some host within their lifetime, those that it did not know.
struct Fleet {
  std::uint64_t brought = 0;
  std::uint64_t unknown = 0;
  std::size_t keys_most = 0;

  Fleet(std::size_t host_count, const Rolling& rolling) {
    Prng prng(host_count);
    std::vector<Host> hosts(host_count);
    std::deque<Ticket> tickets;
    for (minutes now = 0min; now < 12h; now += 1min) {
      for (Host& host : hosts) {
        const minutes late(prng.mix(static_cast<std::uint64_t>(&host - hosts.data())) %
                           static_cast<std::uint64_t>(rolling.spread.count()));
        host.take(file_at(rolling, now, late));
        keys_most = std::max(keys_most, host.keys());
      }
      while (!tickets.empty() && now - tickets.front().sealed_at > lifetime) tickets.pop_front();
      const auto any = [&prng](auto& of) -> auto& { return of[prng.below(of.size())]; };
      for (int client = 0; client < 200; ++client) {
        if (!tickets.empty()) {
          ++brought;
          unknown += !any(hosts).opens(any(tickets).key);
        }
        tickets.push_back({any(hosts).seals(), now});
      }
    }
  }
};

TEST_CASE("fleet: keys rolled in three steps lose no session, on one host and on a thousand") {
  const std::size_t hosts = GENERATE(1U, 2U, 30U, 1'000U);
  const Fleet fleet(hosts, Rolling{});
  CHECK(fleet.brought > 100'000);
  CHECK(fleet.unknown == 0);
  CHECK(fleet.keys_most == keys_max);
}

TEST_CASE("fleet: a key that seals before all hosts have it, or goes too early, loses sessions") {
  const Fleet at_once(1'000, {.append = 20min, .front = 20min});
  CHECK(at_once.unknown > 0);
  const Fleet too_early(1'000, {.take_out = 20min});
  CHECK(too_early.unknown > 0);
  CHECK(Fleet(1, {.append = 20min, .front = 20min}).unknown == 0); // Alone it does not matter.
}

TEST_CASE("fleet: connections that a hash spreads stay within what the formula sets aside") {
  struct Size {
    std::uint64_t hosts;
    std::uint64_t shards;
    std::uint64_t connections_each;
  };
  const Size size = GENERATE(Size{2, 4, 10'000}, Size{8, 8, 17'858}, Size{1'000, 8, 500});
  // One host is gone.
  const std::uint64_t shard_count = (size.hosts - 1) * size.shards;
  std::vector<std::uint32_t> shards(shard_count);
  Prng prng(size.hosts);
  for (std::uint64_t left = shard_count * size.connections_each; left > 0; --left) {
    ++shards[prng.below(shard_count)];
  }
  const double each = static_cast<double>(size.connections_each);
  const double spread = each + 4 * std::sqrt(each);
  const auto most = *std::ranges::max_element(shards);
  CHECK(most > each);
  CHECK(most <= 1.25 * spread);
  // The quarter is for what else differs; chance alone hardly ever wants some of it.
  const auto beyond = std::ranges::count_if(shards, [&](auto one) { return one > spread; });
  CHECK(static_cast<double>(beyond) <= 1 + static_cast<double>(shard_count) / 1'000);
}

} // namespace
} // namespace ringfort::sim
