// words — text compared by words: sooner than a call is made, for what is short and asked often.
#pragma once

#include <cstring>

namespace ringfort::http {

/// The bytes from `at` on, in the host's order.
template <class Word>
Word word_at(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

} // namespace ringfort::http
