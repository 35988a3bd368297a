// The server's handshake, against any bytes: it ends in a fault or waits, and is never secured by
// what is no handshake.
#include <ringfort/check.hpp>

#include "tests/fuzz/target.hpp"
#include "tests/peer/identity.hpp"
#include "tls/session.hpp"

namespace {

using namespace ringfort;

tls::Library& library() {
  static const auto library = *tls::Library::create();
  return *library;
}

const std::shared_ptr<const tls::ShardContext>& context() {
  static const tls::Context description = peer::make_context({peer::KeyType::ecdsa_p256});
  static const std::shared_ptr<const tls::ShardContext> shard =
      *tls::ShardContext::create(library(), description);
  return shard;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const auto session = std::make_unique<tls::Session>(library(), 1'800'000'000);
  Bytes rest = std::as_bytes(std::span(data, bytes));
  while (!rest.empty() || session->holds_hello()) {
    const bool held = session->holds_hello();
    const auto progress = session->receive(rest);
    if (!progress) {
      RINGFORT_CHECK(fault_of(progress.error().code).stage == Stage::tls_handshake);
      return 0;
    }
    RINGFORT_CHECK(progress->wants != tls::Session::Wants::nothing);
    const std::size_t consumed_bytes = progress->consumed_bytes + (fuzz::planted() ? 1 : 0);
    RINGFORT_CHECK(consumed_bytes <= rest.size());
    rest = rest.subspan(consumed_bytes);
    if (progress->wants == tls::Session::Wants::context) {
      session->use(context());
    } else if (consumed_bytes == 0 && !held) {
      return 0;
    }
  }
  return 0;
}
