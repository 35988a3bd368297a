// words — text compared by words: sooner than a call is made, for what is short and asked often.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringfort::http {

/// The bytes from `at` on, in the host's order.
template <class Word>
Word word_at(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Whether both are the same, to the letter's case.
inline bool same_text(std::string_view one, std::string_view other) noexcept {
  using Word = std::uint64_t;
  const std::size_t bytes = one.size();
  if (bytes != other.size()) return false;
  if (bytes < sizeof(Word)) return std::equal(one.begin(), one.end(), other.begin());
  const std::size_t last = bytes - sizeof(Word);
  if (bytes <= 2 * sizeof(Word)) {
    const Word begin = word_at<Word>(one.data()) ^ word_at<Word>(other.data());
    return (begin | (word_at<Word>(one.data() + last) ^ word_at<Word>(other.data() + last))) == 0;
  }
  for (std::size_t at = 0; at < last; at += sizeof(Word)) {
    if (word_at<Word>(one.data() + at) != word_at<Word>(other.data() + at)) return false;
  }
  return word_at<Word>(one.data() + last) == word_at<Word>(other.data() + last);
}

} // namespace ringfort::http
