// The first message of a handshake: any bytes as they are, and any bytes as a message that lies in
// records. The first byte chooses: below 128 as they are, else the records' size.
#include <algorithm>
#include <string>
#include <vector>

#include <ringfort/check.hpp>

#include "tests/fuzz/target.hpp"
#include "tls/client_hello.hpp"

namespace {

using namespace ringfort;

using Read = Result<tls::ClientHello>;

bool same(const Read& one, const Read& other) {
  if (!one || !other) return !one && !other && one.error().code == other.error().code;
  return (one->bytes > 0) == (other->bytes > 0) && one->server_name() == other->server_name();
}

/// The message in records of `record_bytes`, the last one shorter.
std::vector<std::byte> in_records(Bytes message, std::size_t record_bytes) {
  std::vector<std::byte> records;
  while (!message.empty()) {
    const Bytes piece = message.first(std::min(record_bytes, message.size()));
    for (const std::size_t byte : {std::size_t{22}, std::size_t{3}, std::size_t{1},
                                   piece.size() >> 8, piece.size() & 0xff}) {
      records.push_back(static_cast<std::byte>(byte));
    }
    records.insert(records.end(), piece.begin(), piece.end());
    message = message.subspan(piece.size());
  }
  return records;
}

/// In memory of exactly its size, so that a read beyond it is seen.
Read read(Bytes input) {
  const std::vector<std::byte> exact(input.begin(), input.end());
  Read hello = tls::read_client_hello(exact);
  if (hello && fuzz::planted()) hello->bytes *= 2;
  return hello;
}

/// What is known of a hello does not change with the bytes that follow.
void check_pieces(Bytes input, const Read& whole) {
  for (std::size_t bytes = 0; bytes < input.size(); bytes += 1 + bytes / 8) {
    const Read part = read(input.first(bytes));
    if (!part) {
      RINGFORT_CHECK(!whole);
    } else if (part->bytes > 0) {
      RINGFORT_CHECK(whole && whole->bytes == part->bytes && same(part, whole));
    } else if (whole && whole->bytes > 0) {
      RINGFORT_CHECK(bytes < whole->bytes);
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  constexpr std::size_t header_bytes = 5;
  if (bytes < 1 || bytes > 2'048) return 0;
  Bytes content = std::as_bytes(std::span(data, bytes)).subspan(1);
  if (data[0] < 128) {
    const Read whole = read(content);
    if (whole) RINGFORT_CHECK(whole->bytes <= content.size());
    check_pieces(content, whole);
    return 0;
  }
  // Seeds are records.
  if (content.size() > header_bytes && data[1] == 22) content = content.subspan(header_bytes);
  const auto records = in_records(content, data[0] - std::size_t{127});
  const Read whole = read(records);
  check_pieces(records, whole);
  const auto one_record = in_records(content, content.size() + 1);
  const Read of_one = read(one_record);
  if (of_one && of_one->bytes > 0) RINGFORT_CHECK(same(whole, of_one));
  if (whole && whole->bytes > 0) RINGFORT_CHECK(same(whole, of_one));
  return 0;
}
