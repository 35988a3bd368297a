#include "tests/sim/tls_wire.hpp"

#include <string>
#include <utility>

#include "tests/peer/client.hpp"

namespace ringfort::sim {

namespace {

peer::ClientOptions options_of(bool old) {
  peer::ClientOptions options;
  if (old) options.version_max = TLS1_2_VERSION;
  return options;
}

class TlsWire final : public Wire {
public:
  explicit TlsWire(bool old) : client_(options_of(old)) { advance(); }

  Bytes outgoing() override { return bytes_of(outgoing_); }
  void sent(std::size_t bytes) override { outgoing_.erase(0, bytes); }
  void write(std::string_view text) override {
    waiting_ += text;
    advance();
  }
  void finish() override {
    finishing_ = true;
    advance();
  }
  bool finished() override { return finished_ && outgoing_.empty(); }
  bool ended() const override { return client_.closed(); }
  std::string failure() const override { return client_.failure(); }

  bool read(Bytes arrived, std::string& text) override {
    client_.deliver(arrived);
    text += client_.news();
    advance();
    return client_.failure().empty();
  }

private:
  /// Moves on what waits for the handshake.
  void advance() {
    if (client_.failure().empty() && client_.secured()) {
      if (!waiting_.empty()) client_.write(std::exchange(waiting_, {}));
      if (finishing_ && !finished_) {
        finished_ = true;
        client_.close();
      }
    }
    outgoing_ += client_.take_outgoing();
  }

  peer::Client client_;
  std::string waiting_;
  std::string outgoing_;
  bool finishing_ = false;
  bool finished_ = false;
};

} // namespace

std::unique_ptr<Wire> make_tls_wire(bool old) { return std::make_unique<TlsWire>(old); }

} // namespace ringfort::sim
