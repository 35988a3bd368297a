// Memory that runs out inside OpenSSL, at each allocation in turn, while a context is built or a
// record layer wakes.
#include <ringfort/tls.hpp>

#include <array>
#include <cstdlib>

#include <catch2/catch_test_macros.hpp>
#include <openssl/crypto.h>

#include "tests/peer/identity.hpp"
#include "tls/channel.hpp"
#include "tls/shard_context.hpp"
#include "tls/suites.hpp"

namespace ringfort::tls {
namespace {

/// Allocations of this thread that still succeed; negative: all do.
thread_local long allocations_left = -1;

bool spent() noexcept {
  if (allocations_left < 0) return false;
  if (allocations_left == 0) return true;
  --allocations_left;
  return false;
}

void* allocate(std::size_t bytes, const char*, int) noexcept {
  return spent() ? nullptr : std::malloc(bytes);
}
void* reallocate(void* memory, std::size_t bytes, const char*, int) noexcept {
  return spent() ? nullptr : std::realloc(memory, bytes);
}
void release(void* memory, const char*, int) noexcept { std::free(memory); }

// OpenSSL takes other allocators only before it has allocated anything.
const bool counted = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;

/// A shard's library and its copy of a context.
Result<> build(const Context& context) {
  const auto library = Library::create();
  if (!library) return std::unexpected(library.error());
  const auto copy = ShardContext::create(**library, context);
  if (!copy) return std::unexpected(copy.error());
  return {};
}

TEST_CASE(
    "memory: a context that cannot be allocated is tls_context.no_memory, and nothing leaks") {
  REQUIRE(counted);
  const Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  REQUIRE(build(context)); // What OpenSSL sets up once, it has set up now.
  unsigned refused = 0;
  // The first allocations are those of the library context, the SSL_CTX and the fetched ciphers.
  for (long allowed = 0; allowed < 20; ++allowed) {
    allocations_left = allowed;
    const auto built = build(context);
    allocations_left = -1;
    if (built) continue;
    ++refused;
    CHECK(built.error().code == Code::tls_context_no_memory);
  }
  CHECK(refused > 0);
  CHECK(build(context));
}

TEST_CASE("memory: a channel that cannot wake is tls_record.crypto_failed, and wakes later") {
  REQUIRE(counted);
  const auto library = *Library::create();
  DirectionKeys keys{.suite = suite_of(0x1301)};
  auto channel = *Channel::create(*library, {.receive = keys, .send = keys});
  std::array<std::byte, 64> room;
  const Bytes piece = bytes_of("x");
  const auto seal = [&] { return channel.seal({&piece, 1}, room); };
  REQUIRE(channel.rest());
  allocations_left = 0;
  const auto sealed = seal();
  allocations_left = -1;
  REQUIRE_FALSE(sealed);
  CHECK(sealed.error().code == Code::tls_record_crypto_failed);
  CHECK(seal());
}

} // namespace
} // namespace ringfort::tls
