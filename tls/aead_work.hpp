// aead_work — an AEAD with a key, in one direction: the functions of OpenSSL's own provider, called
// directly.
//
// EVP asks the provider for a nonce's length, by a parameter's name, whenever a nonce is set, and
// checks again in each call what is known here: some 500 instructions for each record.
#pragma once

#include <utility>

#include <ringfort/bytes.hpp>

namespace ringfort::tls {

struct BaseAead;

/// A key at work, in one direction. Each answers false when the provider refuses.
/// Where: one shard.
class AeadWork {
public:
  enum class Direction : bool { open, seal };

  AeadWork(const BaseAead& aead, Direction direction) noexcept
      : aead_(&aead), direction_(direction) {}
  AeadWork(AeadWork&& other) noexcept
      : aead_(other.aead_), context_(std::exchange(other.context_, nullptr)),
        direction_(other.direction_) {}
  AeadWork& operator=(AeadWork&& other) noexcept {
    std::swap(aead_, other.aead_);
    std::swap(context_, other.context_);
    std::swap(direction_, other.direction_);
    return *this;
  }
  ~AeadWork() { end(); }

  /// Makes what the key needs, more than 1 KiB, unless it is there.
  bool use_key(Bytes key) noexcept;
  /// Wipes and frees it.
  void end() noexcept;
  bool has_key() const noexcept { return context_ != nullptr; }

  // While it has a key, in this order; update() for the bytes of one message, piece by piece.
  bool use_nonce(Bytes nonce) noexcept { return begin({}, nonce); }
  bool authenticate(Bytes additional) noexcept { return update(nullptr, additional); }
  bool update(std::byte* out, Bytes in) noexcept;
  /// Of a sealer: ends the message and writes its tag.
  bool finish(MutableBytes tag) noexcept;
  /// Of an opener: the tag that the message has to have, told before it ends.
  bool expect(MutableBytes tag) noexcept;
  /// Of an opener: false too when the message has another tag.
  bool finish() noexcept;

private:
  bool begin(Bytes key, Bytes nonce) noexcept;

  const BaseAead* aead_;
  void* context_ = nullptr;
  Direction direction_;
};

} // namespace ringfort::tls
