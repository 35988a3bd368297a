// Blocks, operations and addresses: small contracts that everything else stands on.
#include <algorithm>
#include <set>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "engine/blocks.hpp"
#include "engine/socket_address.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace ringfort::engine {
namespace {

TEST_CASE("blocks: each is its own, all can be taken, and then none") {
  Blocks blocks = *Blocks::create(8, 4'096);
  std::vector<Block> taken;
  std::set<const std::byte*> places;
  for (int count = 0; count < 8; ++count) {
    taken.push_back(blocks.try_take());
    REQUIRE(taken.back());
    CHECK(taken.back().bytes().size() == 4'096);
    std::ranges::fill(taken.back().bytes(), std::byte{0x55});
    places.insert(taken.back().bytes().data());
  }
  CHECK(places.size() == 8);
  CHECK_FALSE(blocks.try_take());
  CHECK(blocks.in_use_count() == 8);
}

TEST_CASE("blocks: the last one returned is the first one taken") {
  Blocks blocks = *Blocks::create(8, 4'096);
  const Block kept = blocks.try_take();
  Block returned = blocks.try_take();
  const std::byte* place = returned.bytes().data();
  returned = {};
  CHECK(blocks.in_use_count() == 1);
  const Block again = blocks.try_take();
  CHECK(again.bytes().data() == place);
}

TEST_CASE("blocks: a moved block goes back once") {
  Blocks blocks = *Blocks::create(2, 4'096);
  {
    Block first = blocks.try_take();
    Block second = std::move(first);
    CHECK_FALSE(first);
    CHECK(second);
    CHECK(blocks.in_use_count() == 1);
  }
  CHECK(blocks.in_use_count() == 0);
}

TEST_CASE("op: it holds a lease until its last completion, and not longer") {
  Recorder owner;
  CHECK(owner.leases.none());
  owner.op.arm();
  CHECK(owner.op.armed());
  CHECK(owner.leases.count() == 1);
  owner.op.complete({.result = 5, .flags = Completion::flag_more});
  CHECK(owner.leases.count() == 1);
  owner.op.complete({.result = 0, .flags = 0});
  CHECK(owner.leases.none());
  CHECK_FALSE(owner.op.armed());
  CHECK(owner.seen.size() == 2);
}

TEST_CASE("op: a completion that outlived its operation finds nobody") {
  Recorder owner;
  const std::uint64_t first = owner.op.arm();
  CHECK(Op::of(first) == &owner.op);
  owner.op.complete({.result = 0, .flags = 0});
  CHECK(Op::of(first) == nullptr);
  const std::uint64_t second = owner.op.arm();
  CHECK(second != first);
  CHECK(Op::of(first) == nullptr); // The same place in memory, another generation.
  CHECK(Op::of(second) == &owner.op);
  owner.op.complete({.result = 0, .flags = 0});
}

TEST_CASE("address: what is parsed is printed as it was") {
  for (const char* host : {"127.0.0.1", "0.0.0.0", "255.255.255.255"}) {
    const auto address = SocketAddress::parse(host, 8'443);
    REQUIRE(address);
    CHECK(address->text() == std::string(host) + ":8443");
    CHECK(address->host() == host);
    CHECK(address->port() == 8'443);
  }
  for (const char* host : {"::1", "::", "2001:db8::1"}) {
    const auto address = SocketAddress::parse(host, 65'535);
    REQUIRE(address);
    const std::string bracketed = std::string("[").append(host).append("]");
    CHECK(address->text() == bracketed + ":65535");
    CHECK(*address == *SocketAddress::parse(bracketed, 65'535));
  }
}

TEST_CASE("address: what is none is listen.address_invalid") {
  for (const char* host : {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.400", ":::", "[]", "[::1",
                           "127.0.0.1 ", "fe80::1%lo"}) {
    const auto address = SocketAddress::parse(host, 1);
    REQUIRE_FALSE(address);
    CHECK(address.error().code == Code::listen_address_invalid);
  }
  CHECK_FALSE(SocketAddress::parse(std::string(300, '1'), 1));
}

TEST_CASE("address: one that was never set prints as nothing") {
  CHECK(SocketAddress().text().empty());
}

} // namespace
} // namespace ringfort::engine
