// wire — what lies between a simulated client's HTTP bytes and its connection: nothing, or TLS.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <ringfort/bytes.hpp>

namespace ringfort::sim {

class Wire {
public:
  virtual ~Wire() = default;

  /// Bytes for the network, oldest first. Borrow: until the next call on the wire.
  virtual Bytes outgoing() = 0;
  virtual void sent(std::size_t bytes) = 0;
  /// Takes HTTP bytes to send; they show up in outgoing() at once or after the handshake.
  virtual void write(std::string_view text) = 0;
  /// Takes network bytes and appends the HTTP bytes in them to `text`. False: the peer broke the
  /// protocol, failure() says how.
  virtual bool read(Bytes arrived, std::string& text) = 0;
  /// Nothing more will be written.
  virtual void finish() = 0;
  /// Whether all that was written, and the end, has gone to the network.
  virtual bool finished() = 0;
  /// Whether a FIN now is an orderly end of what was read.
  virtual bool ended() const = 0;
  virtual std::string failure() const { return {}; }
};

class PlainWire final : public Wire {
public:
  Bytes outgoing() override { return bytes_of(outgoing_); }
  void sent(std::size_t bytes) override { outgoing_.erase(0, bytes); }
  void write(std::string_view text) override { outgoing_ += text; }
  bool read(Bytes arrived, std::string& text) override {
    text += text_of(arrived);
    return true;
  }
  void finish() override {}
  bool finished() override { return outgoing_.empty(); }
  bool ended() const override { return true; }

private:
  std::string outgoing_;
};

} // namespace ringfort::sim
