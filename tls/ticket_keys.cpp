#include "tls/ticket_keys.hpp"

#include <algorithm>
#include <ctime>
#include <limits>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "tls/file.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

constexpr std::chrono::seconds period_max = std::chrono::days(7);

} // namespace

// ---------------------------------------------------------------------------- the secrets

TicketKeys::Secrets::Present::~Present() { OPENSSL_cleanse(this, sizeof *this); }

TicketKeys::Secrets::Secrets(const TicketSecret& root, const TicketRotation& rotation,
                             std::int64_t now_unix_s)
    : rotation_(rotation), first_period_unix_s_(now_unix_s), ratchet_(std::in_place, root) {}

TicketKeys::Secrets::Secrets(std::span<const TicketSecret> given) {
  present_.count = given.size();
  std::ranges::copy(given, present_.newest_first.begin());
}

TicketKeys::Secrets::Secrets(const Snapshot& snapshot)
    : first_period_unix_s_(snapshot.first_period_unix_s),
      ratchet_(std::in_place, std::span(snapshot.ahead).first(snapshot.ahead_count)) {
  rotation_.period = std::chrono::seconds(snapshot.period_s);
  rotation_.previous = static_cast<std::uint8_t>(snapshot.previous);
  present_.period = snapshot.present_period;
  present_.count = snapshot.present_count;
  present_.newest_first = snapshot.newest_first;
}

TicketKeys::Secrets::~Secrets() = default;

TicketKeys::Secrets::Snapshot::~Snapshot() { OPENSSL_cleanse(this, sizeof *this); }

bool TicketKeys::Secrets::Snapshot::is_sound() const noexcept {
  return mark == mark_of_this_layout && period_s >= 1 && period_s <= period_max.count() &&
         previous < count_max && present_count <= previous + 1 && ahead_count <= ahead.size() &&
         TicketRatchet::is_sound(std::span(ahead).first(ahead_count));
}

bool TicketKeys::Secrets::write(Snapshot& out) {
  if (!ratchet_) return false;
  const std::lock_guard lock(mutex_);
  const auto ahead = ratchet_->ahead();
  out.first_period_unix_s = first_period_unix_s_;
  out.period_s = rotation_.period.count();
  out.previous = rotation_.previous;
  out.present_period = present_.period;
  out.present_count = static_cast<std::uint32_t>(present_.count);
  out.ahead_count = static_cast<std::uint32_t>(ahead.size());
  out.newest_first = present_.newest_first;
  std::ranges::copy(ahead, out.ahead.begin());
  return true;
}

std::uint32_t TicketKeys::Secrets::period_at(std::int64_t now_unix_s) const noexcept {
  constexpr std::int64_t last = std::numeric_limits<std::uint32_t>::max();
  if (!ratchet_ || now_unix_s <= first_period_unix_s_) return 0;
  const std::int64_t passed_s = now_unix_s - first_period_unix_s_;
  return static_cast<std::uint32_t>(std::min(passed_s / rotation_.period.count(), last));
}

bool TicketKeys::Secrets::read(std::uint32_t period, Present& out) noexcept {
  const std::lock_guard lock(mutex_);
  if (ratchet_ && !move_on_to(period)) return false;
  out.period = present_.period;
  out.count = present_.count;
  out.newest_first = present_.newest_first;
  return true;
}

bool TicketKeys::Secrets::move_on_to(std::uint32_t period) noexcept {
  if (present_.count > 0 && period <= present_.period) return true;
  const std::uint32_t previous = rotation_.previous;
  // After a jump only the periods are gone through whose keys are to be kept.
  const std::uint32_t oldest = period > previous ? period - previous : 0;
  std::uint32_t next = present_.count > 0 ? std::max(present_.period + 1, oldest) : oldest;
  for (;; ++next) {
    TicketSecret secret;
    if (!ratchet_->advance(next, secret)) return false;
    auto& kept = present_.newest_first;
    std::shift_right(kept.begin(), kept.begin() + previous + 1, 1);
    kept[0] = secret;
    OPENSSL_cleanse(secret.data(), secret.size());
    present_.count = std::min<std::size_t>(present_.count + 1, previous + 1U);
    present_.period = next;
    if (next == period) return true;
  }
}

// Given ones never change: no lock is needed.
bool TicketKeys::Secrets::same_given(const Secrets& other) const noexcept {
  if (ratchet_ || other.ratchet_ || present_.count != other.present_.count) return false;
  return CRYPTO_memcmp(present_.newest_first.data(), other.present_.newest_first.data(),
                       present_.count * sizeof(TicketSecret)) == 0;
}

std::string TicketKeys::Secrets::text() const {
  if (!ratchet_) return std::to_string(present_.count) + " given, the first one seals";
  return "generated, renewed every " + std::to_string(rotation_.period.count()) + " s, " +
         std::to_string(rotation_.previous) + " previous kept";
}

// ---------------------------------------------------------------------------- the public surface

Result<TicketKeys> TicketKeys::generated(const TicketRotation& rotation) {
  if (rotation.period < std::chrono::seconds(1) || rotation.period > period_max ||
      rotation.previous >= Secrets::count_max) {
    return fail(Code::config_invalid);
  }
  const ErrorQueueGuard guard;
  TicketSecret root;
  if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(root.data()), root.size()) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  TicketKeys keys(std::make_shared<Secrets>(root, rotation, std::time(nullptr)));
  OPENSSL_cleanse(root.data(), root.size());
  return keys;
}

Result<TicketKeys> TicketKeys::from_file_text(Bytes text) {
  constexpr std::size_t key_bytes = 80;
  constexpr std::size_t short_key_bytes = 48;
  const std::size_t step = text.size() == short_key_bytes ? short_key_bytes : key_bytes;
  const std::size_t count = text.size() / step;
  if (count == 0 || count > Secrets::count_max || text.size() % step != 0) {
    return fail(Code::tls_context_bad_ticket_keys, static_cast<std::int32_t>(text.size()));
  }
  const ErrorQueueGuard guard;
  std::array<TicketSecret, Secrets::count_max> given;
  for (std::size_t index = 0; index < count; ++index) {
    const Bytes key = text.subspan(index * step, step);
    if (EVP_Digest(key.data(), key.size(), reinterpret_cast<unsigned char*>(given[index].data()),
                   nullptr, EVP_sha256(), nullptr) != 1) {
      return fail(Code::tls_context_no_memory);
    }
  }
  TicketKeys keys(std::make_shared<Secrets>(std::span(given).first(count)));
  OPENSSL_cleanse(given.data(), sizeof given);
  return keys;
}

std::vector<std::byte> TicketKeys::snapshot() const {
  Secrets::Snapshot snapshot;
  if (!secrets_->write(snapshot)) return {};
  const Bytes bytes = std::as_bytes(std::span(&snapshot, 1));
  return {bytes.begin(), bytes.end()};
}

Result<TicketKeys> TicketKeys::from_snapshot(Bytes bytes) {
  Secrets::Snapshot snapshot;
  const bool fits = bytes.size() == sizeof snapshot;
  if (fits) copy_into(std::as_writable_bytes(std::span(&snapshot, 1)), bytes);
  if (!fits || !snapshot.is_sound()) {
    return fail(Code::tls_context_bad_ticket_keys, static_cast<std::int32_t>(bytes.size()));
  }
  return TicketKeys(std::make_shared<Secrets>(snapshot));
}

bool operator==(const TicketKeys& one, const TicketKeys& other) noexcept {
  return one.secrets_ == other.secrets_ || one.secrets_->same_given(*other.secrets_);
}

std::string TicketKeys::text() const { return secrets_->text(); }

Result<TicketKeys> load_ticket_keys(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  auto keys = TicketKeys::from_file_text(bytes_of(*text));
  OPENSSL_cleanse(text->data(), text->size());
  return keys;
}

} // namespace ringfort::tls
