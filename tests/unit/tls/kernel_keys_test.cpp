// Known answers: the bytes that setsockopt(2) takes, for every cipher and version, in the byte
// order of the machines that Ringfort runs on (little endian for version and cipher).
#include "tls/kernel_keys.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/tls/hex.hpp"

namespace ringfort::tls {
namespace {

/// Key 00 01 02 ..., iv a0 a1 a2 ..., the sequence number given.
DirectionKeys keys_of(std::uint16_t suite, std::uint64_t sequence) {
  DirectionKeys keys{.suite = suite_of(suite), .sequence = sequence};
  for (std::size_t at = 0; at < keys.key.size(); ++at) keys.key[at] = static_cast<std::byte>(at);
  for (std::size_t at = 0; at < keys.iv.size(); ++at) {
    keys.iv[at] = static_cast<std::byte>(0xa0 + at);
  }
  return keys;
}

const std::string key_16 = "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ";
const std::string key_32 = key_16 + "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f ";
const std::string salt = "a0 a1 a2 a3 ";
const std::string sequence_text = "01 02 03 04 05 06 07 08 ";
constexpr std::uint64_t sequence = 0x0102030405060708;

void require(std::uint16_t suite, const std::string& expected) {
  CHECK(same_bytes(KernelKeys(keys_of(suite, sequence)).bytes(), from_hex(expected)));
}

TEST_CASE("kernel keys: TLS 1.3 GCM has the static iv in salt and iv") {
  const std::string iv = "a4 a5 a6 a7 a8 a9 aa ab ";
  require(0x1301, "04 03 33 00 " + iv + key_16 + salt + sequence_text);
  require(0x1302, "04 03 34 00 " + iv + key_32 + salt + sequence_text);
}

TEST_CASE("kernel keys: TLS 1.2 GCM counts its explicit nonce on from the sequence number") {
  require(0xc02b, "03 03 33 00 " + sequence_text + key_16 + salt + sequence_text);
  require(0xc030, "03 03 34 00 " + sequence_text + key_32 + salt + sequence_text);
}

TEST_CASE("kernel keys: ChaCha20-Poly1305 has the whole iv and no salt, in both versions") {
  const std::string iv = "a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ";
  require(0x1303, "04 03 36 00 " + iv + key_32 + sequence_text);
  require(0xcca9, "03 03 36 00 " + iv + key_32 + sequence_text);
}

TEST_CASE("kernel keys: each direction says where its own sequence stands") {
  const auto first = KernelKeys(keys_of(0x1301, 0));
  const auto second = KernelKeys(keys_of(0x1301, 1));
  CHECK_FALSE(same_bytes(first.bytes(), second.bytes()));
  CHECK(same_bytes(second.bytes().last(8), from_hex("00 00 00 00 00 00 00 01")));
}

/// What lies where an object was, once it is gone.
template <class T, class... Arguments>
bool leaves_nothing(Arguments&&... arguments) {
  alignas(T) std::array<std::byte, sizeof(T)> place{};
  T* object = std::construct_at(reinterpret_cast<T*>(place.data()), arguments...);
  const auto secret = [&place] {
    return std::ranges::search(place, std::array{std::byte{5}, std::byte{6}, std::byte{7}}).size();
  };
  REQUIRE(secret() > 0);
  std::destroy_at(object);
  return secret() == 0;
}

TEST_CASE("kernel keys: they, and the keys they are made of, are wiped when they go") {
  const DirectionKeys keys = keys_of(0x1302, 1);
  CHECK(leaves_nothing<DirectionKeys>(keys));
  CHECK(leaves_nothing<KernelKeys>(keys));
}

} // namespace
} // namespace ringfort::tls
