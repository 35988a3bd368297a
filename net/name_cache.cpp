#include "net/name_cache.hpp"

#include <algorithm>
#include <iterator>

namespace ringfort::net {

KnownName* NameCache::find(std::string_view text, std::chrono::nanoseconds now) noexcept {
  const auto found = by_text_.find(text);
  if (found == by_text_.end()) return nullptr;
  const Place place = found->second;
  if (place->state != KnownName::State::known || now < place->expires) return &*place;
  erase(place);
  return nullptr;
}

KnownName* NameCache::add(std::string_view text, Resolver* asked_by) noexcept {
  if (names_.size() == names_max) {
    const auto oldest = std::ranges::find(names_, KnownName::State::known, &KnownName::state);
    if (oldest == names_.end()) return nullptr;
    erase(oldest);
  }
  KnownName& name = names_.emplace_back(text, asked_by);
  by_text_.emplace(name.text, std::prev(names_.end()));
  return &name;
}

void NameCache::answer(KnownName& name, const Result<Addresses>& answer,
                       std::chrono::seconds lifetime, std::chrono::nanoseconds now) noexcept {
  name.answer = answer;
  name.expires = now + std::clamp(lifetime, lifetime_min, lifetime_max);
  name.state = KnownName::State::answered;
}

void NameCache::erase(Place place) noexcept {
  by_text_.erase(place->text);
  names_.erase(place);
}

} // namespace ringfort::net
