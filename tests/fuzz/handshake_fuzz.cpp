// The server's handshake, against any bytes: it ends in a fault or waits, and is never secured by
// what is no handshake.
#include <ringfort/check.hpp>

#include "tests/fuzz/target.hpp"
#include "tests/peer/identity.hpp"
#include "tls/session.hpp"

namespace {

ringfort::tls::ShardContext& context() {
  using namespace ringfort;
  static const tls::Context description = peer::make_context({peer::KeyType::ecdsa_p256});
  static const auto library = *tls::Library::create();
  static const auto shard = *tls::ShardContext::create(*library, description);
  return *shard;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace ringfort;
  const auto session = *tls::Session::accept(context(), 1'800'000'000);
  Bytes rest = std::as_bytes(std::span(data, bytes));
  while (!rest.empty()) {
    const auto progress = session->receive(rest);
    if (!progress) {
      RINGFORT_CHECK(fault_of(progress.error().code).stage == Stage::tls_handshake);
      return 0;
    }
    RINGFORT_CHECK(!progress->done);
    RINGFORT_CHECK(progress->consumed_bytes <= rest.size());
    if (progress->consumed_bytes == 0) return 0;
    rest = rest.subspan(progress->consumed_bytes);
  }
  return 0;
}
