// kernel_play — one connection whose records the simulated kernel is to protect, step by step.
#pragma once

#include <string>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {

using namespace std::chrono_literals;

/// A TLS server that answers with who protects its records, and a client that knows it.
struct KernelPlay {
  explicit KernelPlay(RecordLayer layer = RecordLayer::kernel, const Knobs& knobs = {},
                      int version_max = TLS1_3_VERSION)
      : play(options_of(layer), knobs), tls(of_version(version_max)) {
    play.serve(answer, &context);
    client = &play.connect();
  }

  /// To "/read" only when the whole body is there.
  static Task<> answer(Exchange& exchange);
  static peer::ClientOptions of_version(int version_max) {
    peer::ClientOptions options;
    options.version_max = version_max;
    return options;
  }
  static EngineOptions options_of(RecordLayer layer) {
    EngineOptions options = Play::kind_options();
    options.record_layer = layer;
    return options;
  }

  void shake_hands() {
    REQUIRE(play.converse(*client, tls, [&] { return tls.secured(); }));
    client->send(tls.take_outgoing()); // Its Finished, before any request.
    play.run_for(100ms);
  }
  /// The answer to one GET.
  std::string ask() {
    tls.write(get);
    const auto seen = tls.received().size();
    REQUIRE(play.converse(
        *client, tls, [&] { return tls.received().find("receives ", seen) != std::string::npos; }));
    return tls.received().substr(seen);
  }
  /// The handshake with the request in the client's last flight.
  void shake_hands_asking(std::string_view request) {
    REQUIRE(play.run_until([&] {
      if (tls.secured()) return true;
      if (const auto outgoing = tls.take_outgoing(); !outgoing.empty()) client->send(outgoing);
      if (const auto news = client->news(); !news.empty()) tls.deliver(bytes_of(news));
      return tls.secured();
    }));
    tls.write(request);
  }
  bool converse_to_end() {
    return play.converse(*client, tls, [&] { return client->ended(); });
  }
  Metrics metrics() { return play.engine().metrics(); }

  tls::Context context = ecdsa_context();
  Play play;
  peer::Client tls;
  Actor* client = nullptr;
};

} // namespace ringfort::sim
