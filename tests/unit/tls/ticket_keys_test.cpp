// Ticket keys: what a file may hold, how generated ones follow one another, and that the past is
// gone. Time is an argument throughout.
#include <ringfort/ticket_keys.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/tls.hpp>

#include "tests/peer/identity.hpp"
#include "tls/ticket_keys.hpp"
#include "tls/ticket_ratchet.hpp"
#include "tls/tickets.hpp"

namespace ringfort::tls {
namespace {

using std::chrono::seconds;

constexpr std::int64_t start_unix_s = 1'800'000'000;
constexpr TicketSecret root{std::byte{7}};

TicketSecret secret_of(std::uint32_t period) {
  TicketRatchet ratchet(root);
  TicketSecret secret;
  REQUIRE(ratchet.advance(period, secret));
  return secret;
}

std::vector<TicketSecret> present(TicketKeys::Secrets& secrets, std::int64_t now_unix_s) {
  TicketKeys::Secrets::Present now;
  REQUIRE(secrets.read(secrets.period_at(now_unix_s), now));
  return {now.newest_first.begin(), now.newest_first.begin() + static_cast<long>(now.count)};
}

// ---------------------------------------------------------------------------- the next process

TEST_CASE(
    "ticket keys: generated ones go on in another process, key for key, with what they open") {
  const auto keys = TicketKeys::generated({.period = seconds(60), .previous = 2});
  REQUIRE(keys);
  TicketKeys::Secrets& here = keys->secrets();
  TicketKeys::Secrets::Present now;
  REQUIRE(here.read(5, now));
  const auto there = TicketKeys::from_snapshot(keys->snapshot());
  REQUIRE(there);
  CHECK(there->text() == keys->text());
  for (const std::uint32_t period : {5U, 6U, 90U}) {
    TicketKeys::Secrets::Present one;
    TicketKeys::Secrets::Present other;
    REQUIRE(here.read(period, one));
    REQUIRE(there->secrets().read(period, other));
    CHECK(one.period == other.period);
    CHECK(one.count == other.count);
    CHECK(one.newest_first == other.newest_first);
  }
}

TEST_CASE("ticket keys: a snapshot that is cut, of another layout or unsound is refused") {
  const auto refused = [](Bytes bytes) {
    const auto keys = TicketKeys::from_snapshot(bytes);
    return !keys && keys.error().code == Code::tls_context_bad_ticket_keys;
  };
  const auto whole = TicketKeys::generated()->snapshot();
  CHECK(refused({}));
  CHECK(refused(Bytes(whole).first(whole.size() - 1)));
  for (const std::size_t at : {0UL, 23UL, 24UL, 32UL, 36UL}) { // mark, period, previous, counts
    auto changed = whole;
    changed[at] = std::byte{0xff};
    CHECK(refused(changed));
  }
  auto apart = whole;
  apart[40 + 16 * 32 + 32] = std::byte{1}; // The first leaf of the root.
  CHECK(refused(apart));
}

TEST_CASE("ticket keys: those of a file have no snapshot, for the file is there") {
  const std::vector<std::byte> file(80, std::byte{1});
  CHECK(TicketKeys::from_file_text(file)->snapshot().empty());
}

// ---------------------------------------------------------------------------- the ratchet

TEST_CASE("ratchet: step by step and at one jump the same secrets are arrived at") {
  TicketRatchet stepping(root);
  std::vector<TicketSecret> seen;
  for (std::uint32_t period = 0; period < 70; ++period) {
    TicketSecret secret;
    REQUIRE(stepping.advance(period, secret));
    CHECK(secret == secret_of(period));
    for (const TicketSecret& other : seen) CHECK(secret != other);
    seen.push_back(secret);
  }
}

TEST_CASE("ratchet: the present can be asked for again, and nothing before it") {
  TicketRatchet ratchet(root);
  TicketSecret first;
  TicketSecret again;
  REQUIRE(ratchet.advance(1'000, first));
  REQUIRE(ratchet.advance(1'000, again));
  CHECK(first == again);
  for (const std::uint32_t past : {999U, 512U, 1U, 0U}) CHECK_FALSE(ratchet.advance(past, again));
  CHECK(ratchet.advance(1'001, again));
}

TEST_CASE("ratchet: the memory of one that has gone on holds no secret of the past") {
  const TicketSecret past = secret_of(4);
  TicketRatchet ratchet(root);
  TicketSecret secret;
  const auto holds = [&ratchet](const TicketSecret& wanted) {
    const std::string_view memory(reinterpret_cast<const char*>(&ratchet), sizeof ratchet);
    return memory.contains({reinterpret_cast<const char*>(wanted.data()), wanted.size()});
  };
  REQUIRE(ratchet.advance(4, secret));
  CHECK(holds(past));
  REQUIRE(ratchet.advance(5, secret));
  CHECK_FALSE(holds(past));
  CHECK_FALSE(holds(root));
}

TEST_CASE("ratchet: the last period there is can be jumped to, and is the end") {
  TicketRatchet ratchet(root);
  TicketSecret secret;
  REQUIRE(ratchet.advance(UINT32_MAX, secret));
  CHECK(secret == secret_of(UINT32_MAX));
  CHECK_FALSE(ratchet.advance(UINT32_MAX - 1, secret));
}

// ---------------------------------------------------------------------------- generated keys

TEST_CASE("ticket keys: a new one each period, and as many previous ones as asked are kept") {
  TicketKeys::Secrets secrets(root, {.period = seconds(60), .previous = 2}, start_unix_s);
  CHECK(present(secrets, start_unix_s) == std::vector{secret_of(0)});
  CHECK(present(secrets, start_unix_s + 59) == std::vector{secret_of(0)});
  CHECK(present(secrets, start_unix_s + 60) == std::vector{secret_of(1), secret_of(0)});
  CHECK(present(secrets, start_unix_s + 240) ==
        std::vector{secret_of(4), secret_of(3), secret_of(2)});
}

TEST_CASE("ticket keys: one that was not asked for a while arrives where the others are") {
  TicketKeys::Secrets busy(root, {.period = seconds(60), .previous = 3}, start_unix_s);
  TicketKeys::Secrets idle(root, {.period = seconds(60), .previous = 3}, start_unix_s);
  for (int minute = 0; minute <= 100; ++minute) (void)present(busy, start_unix_s + 60 * minute);
  CHECK(present(busy, start_unix_s + 6'000) == present(idle, start_unix_s + 6'000));
}

TEST_CASE("ticket keys: a clock set back changes nothing, one set far forward is followed") {
  TicketKeys::Secrets secrets(root, {.period = seconds(60), .previous = 1}, start_unix_s);
  const auto now = present(secrets, start_unix_s + 600);
  CHECK(present(secrets, start_unix_s) == now);
  CHECK(present(secrets, -5) == now);
  constexpr std::int64_t thousand_years_s = 31'556'952'000;
  const auto far = present(secrets, start_unix_s + thousand_years_s);
  CHECK(far == std::vector{secret_of(525'949'200), secret_of(525'949'199)});
  CHECK(present(secrets, start_unix_s + 660) == far);
  CHECK(present(secrets, INT64_MAX / 2).front() == secret_of(UINT32_MAX));
}

TEST_CASE("ticket keys: a rotation out of its range is config.invalid") {
  for (const TicketRotation& rotation :
       {TicketRotation{.period = seconds(0)}, TicketRotation{.period = std::chrono::days(8)},
        TicketRotation{.previous = 16}}) {
    CHECK(TicketKeys::generated(rotation).error().code == Code::config_invalid);
  }
  const auto keys = TicketKeys::generated({.period = std::chrono::days(7), .previous = 15});
  REQUIRE(keys);
  CHECK(keys->text() == "generated, renewed every 604800 s, 15 previous kept");
}

// ---------------------------------------------------------------------------- given keys

TEST_CASE("SC-19: a ticket key file of another size is tls_context.bad_ticket_keys") {
  for (const unsigned bytes : {0U, 1U, 47U, 49U, 79U, 81U, 96U, 100U, 240U + 48U, 17U * 80U}) {
    const auto keys = TicketKeys::from_file_text(bytes_of(std::string(bytes, 'k')));
    REQUIRE_FALSE(keys);
    CHECK(keys.error().code == Code::tls_context_bad_ticket_keys);
    CHECK(keys.error().detail == static_cast<std::int32_t>(bytes));
  }
  for (const unsigned bytes : {48U, 80U, 240U, 16U * 80U}) {
    CHECK(TicketKeys::from_file_text(bytes_of(std::string(bytes, 'k'))));
  }
}

TEST_CASE("ticket keys: those of a file do not rotate, and keep their order") {
  const std::string first(80, 'a');
  const std::string second(80, 'b');
  const auto both = TicketKeys::from_file_text(bytes_of(first + second));
  const auto alone = TicketKeys::from_file_text(bytes_of(second));
  REQUIRE(both);
  REQUIRE(alone);
  CHECK(both->text() == "2 given, the first one seals");
  const auto now = present(both->secrets(), start_unix_s);
  REQUIRE(now.size() == 2);
  CHECK(now == present(both->secrets(), start_unix_s + 1'000'000));
  CHECK(now[1] == present(alone->secrets(), 0)[0]);
}

TEST_CASE(
    "ticket keys: given ones are the same when their bytes are, generated ones to themselves") {
  const std::string first(80, 'a');
  const std::string second(80, 'b');
  const auto given = [](const std::string& text) {
    return TicketKeys::from_file_text(bytes_of(text)).value();
  };
  CHECK(given(first + second) == given(first + second));
  CHECK(given(first + second) != given(second + first));
  CHECK(given(first) != given(first + second));
  const TicketKeys generated = TicketKeys::generated().value();
  CHECK(generated == TicketKeys(generated));
  CHECK(generated != TicketKeys::generated().value());
  CHECK(generated != given(first));
}

TEST_CASE("ticket keys: a file is read, and one that is not there is tls_context.unreadable") {
  const auto path =
      std::filesystem::temp_directory_path() / ("ringfort-keys-" + std::to_string(::getpid()));
  std::ofstream(path) << std::string(160, 'k');
  const auto keys = load_ticket_keys(path);
  std::filesystem::remove(path);
  REQUIRE(keys);
  CHECK(keys->text().starts_with("2 given"));
  const auto missing = load_ticket_keys(path);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::tls_context_unreadable);
  CHECK(missing.error().detail == ENOENT);
}

// ---------------------------------------------------------------------------- derived keys

TEST_CASE("tickets: shards derive the same keys, other bindings other ones, names included") {
  const auto library = *Library::create();
  const TicketKeys keys = *TicketKeys::from_file_text(bytes_of(std::string(80, 'k')));
  Tickets one(*library, keys, TicketBinding{}, seconds(60));
  Tickets same(*library, keys, TicketBinding{}, seconds(60));
  Tickets other(*library, keys, TicketBinding{std::byte{1}}, seconds(60));
  const Tickets::Key& key = *one.sealing(start_unix_s);
  const Bytes name = std::as_bytes(std::span(key.name));
  REQUIRE(same.opening(name, start_unix_s) != nullptr);
  CHECK(same.opening(name, start_unix_s)->aes == key.aes);
  CHECK(same.opening(name, start_unix_s)->hmac == key.hmac);
  CHECK(other.opening(name, start_unix_s) == nullptr);
  CHECK(other.sealing(start_unix_s)->aes != key.aes);
}

TEST_CASE("tickets: a key opens for as many periods as are kept, and is unknown then") {
  const auto library = *Library::create();
  const auto keys = TicketKeys::generated({.period = seconds(60), .previous = 2});
  REQUIRE(keys);
  Tickets tickets(*library, *keys, TicketBinding{}, seconds(600));
  const std::int64_t now_unix_s = std::time(nullptr);
  const Tickets::Key old = *tickets.sealing(now_unix_s);
  const Bytes name = std::as_bytes(std::span(old.name));
  CHECK(tickets.opening(name, now_unix_s) == tickets.sealing(now_unix_s));
  // The keys began within the second before or at `now`, so +60..+180 is at most period 3.
  CHECK(tickets.opening(name, now_unix_s + 119) != nullptr);
  CHECK(tickets.opening(name, now_unix_s + 119) != tickets.sealing(now_unix_s + 119));
  CHECK(tickets.opening(name, now_unix_s + 240) == nullptr);
  CHECK(tickets.opening(name, now_unix_s) == nullptr); // Not even when the clock goes back.
}

// ---------------------------------------------------------------------------- in a context

TEST_CASE("SC-20: a ticket lifetime out of its range is config.invalid") {
  for (const seconds lifetime : {seconds(-1), seconds(0), seconds(604'801)}) {
    ContextOptions options;
    options.identities.push_back(peer::make_identity(peer::KeyType::ecdsa_p256));
    options.ticket_lifetime = lifetime;
    CHECK(Context::create(options).error().code == Code::config_invalid);
    options.ticket_lifetime = std::chrono::days(7);
    CHECK(Context::create(options));
  }
}

TEST_CASE("context: ticket keys are generated when none are given, and can be handed on") {
  const Context first = peer::make_context({peer::KeyType::ecdsa_p256});
  REQUIRE(first.options().ticket_keys);
  ContextOptions options;
  options.ticket_keys = first.options().ticket_keys;
  const Context second = peer::make_context({peer::KeyType::ecdsa_p256}, options);
  CHECK(&second.options().ticket_keys->secrets() == &first.options().ticket_keys->secrets());
}

} // namespace
} // namespace ringfort::tls
