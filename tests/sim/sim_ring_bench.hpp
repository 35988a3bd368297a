// sim_ring_bench — a simulated ring with one accepted connection, for tests of the double itself.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "engine/ring.hpp"
#include "engine/socket_address.hpp"
#include "tests/sim/world.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace ringfort::sim {

using engine::Completion;
using engine::Harvested;
using engine::Recorder;
using engine::SimRing;
using engine::SocketAddress;
using namespace std::chrono_literals;

inline constexpr std::uint32_t buffer_bytes = 64;
inline constexpr std::uint32_t buffer_count = 4;

/// A client that acts only when the test says so.
class Silent final : public Peer {
public:
  void act() override {}
};

/// A world, a ring, a listener, and one accepted connection.
struct Bench {
  explicit Bench(const Knobs& knobs = {}, std::uint64_t seed = 1) : world(seed, knobs) {
    ring = std::move(*SimRing::create({.submission_entries = 8,
                                       .completion_entries = 32,
                                       .buffer_count = buffer_count,
                                       .buffer_bytes = buffer_bytes}));
    REQUIRE(ring->start());
    listener = *ring->listen(*SocketAddress::parse("127.0.0.1", 0), 16);
    port = ring->bound_address(listener).port();
    ring->accept(accept.op, listener);
    connect();
    for (int turns = 0; accept.seen.empty() && turns < 100; ++turns) turn(1ms);
    REQUIRE(accept.seen.at(0).result >= 0);
    descriptor = accept.seen.at(0).result;
  }
  /// Everything is ended as the contract asks, unless a test did so itself.
  ~Bench() {
    for (Recorder* recorder : {&accept, &receive, &send, &install}) {
      if (recorder->op.armed()) ring->cancel(recorder->op);
    }
    for (int turns = 0; armed() && turns < 1000; ++turns) turn(1ms);
    for (const std::uint16_t id : held) ring->return_buffer(id);
    ring.reset();
  }

  bool armed() const {
    return accept.op.armed() || receive.op.armed() || send.op.armed() || install.op.armed();
  }
  void connect() {
    link = world.connect(client, port);
    REQUIRE(link != nullptr);
  }
  /// One turn as the loop makes it.
  std::size_t turn(Time wait, unsigned count = 1) {
    REQUIRE(ring->submit_and_wait(count, wait));
    Harvested batch[16];
    const std::size_t taken = ring->harvest(batch);
    for (std::size_t index = 0; index < taken; ++index) {
      const Completion& completion = batch[index].completion;
      if (completion.has_buffer()) held.push_back(completion.buffer_id());
      batch[index].op->complete(completion);
    }
    return taken;
  }
  std::size_t turns(int count) {
    std::size_t taken = 0;
    while (count-- > 0) taken += turn(1ms);
    return taken;
  }
  /// The text that all receives brought, and the buffers back to the kernel.
  std::string take_received() {
    std::string text;
    for (const Completion& completion : receive.seen) {
      if (completion.result <= 0) continue;
      text += text_of(
          ring->buffer(completion.buffer_id()).first(static_cast<std::size_t>(completion.result)));
    }
    for (const std::uint16_t id : held) ring->return_buffer(id);
    held.clear();
    return text;
  }
  std::string client_reads(std::size_t bytes_max) {
    std::string text(bytes_max, '\0');
    const auto arrival = link->client_receive(std::as_writable_bytes(std::span(text)));
    text.resize(arrival.bytes);
    return text;
  }

  World world;
  Silent client;
  std::unique_ptr<SimRing> ring;
  Recorder accept;
  Recorder receive;
  Recorder send;
  Recorder install;
  Link* link = nullptr;
  int listener = -1;
  int descriptor = -1;
  std::uint16_t port = 0;
  std::vector<std::uint16_t> held;
};

} // namespace ringfort::sim
