#include "http/negotiation.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "http/letters.hpp"
#include "http/list_reader.hpp"

namespace ringfort::http {

namespace {

using Weight = std::optional<unsigned>; ///< in thousandths; none: not said

/// "0", "0.5", "1.000" (section 12.4.2); nothing when it is malformed.
Weight weight_of(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || text[0] < '0' || text[0] > '1') return {};
  if (text.size() > 1 && text[1] != '.') return {};
  unsigned weight = text[0] == '1' ? 1'000 : 0;
  unsigned unit = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!is(digit, digit_letter)) return {};
    weight += static_cast<unsigned>(digit - '0') * unit;
    unit /= 10;
  }
  return weight <= 1'000 ? Weight(weight) : Weight();
}

/// Of a member without its name, for instance "q=0.5": 1 when it is not said.
Weight weight_in(std::string_view parameters) noexcept {
  Weight weight = 1'000;
  while (!parameters.empty()) {
    std::string_view value = take_until(parameters, ';');
    if (same_name(take_until(value, '='), "q")) weight = weight_of(trimmed(value));
  }
  return weight;
}

struct Weights {
  Weight brotli;
  Weight gzip;
  Weight identity;
  Weight rest; ///< "*"

  Weight* named(std::string_view name) noexcept {
    if (same_name(name, "br")) return &brotli;
    if (same_name(name, "gzip") || same_name(name, "x-gzip")) return &gzip;
    if (same_name(name, "identity")) return &identity;
    return name == "*" ? &rest : nullptr;
  }
};

Weights weights_of(Fields fields) noexcept {
  Weights weights;
  for (const Field& field : fields) {
    if (!same_name(field.name, "accept-encoding")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      std::string_view parameters = take_until(rest, ',');
      Weight* weight = weights.named(take_until(parameters, ';'));
      // A weight that is none does not ask for anything.
      if (weight != nullptr) *weight = weight_in(parameters).value_or(0);
    }
  }
  return weights;
}

} // namespace

CodingPreference::CodingPreference(Fields fields) noexcept {
  const Weights weights = weights_of(fields);
  const unsigned rest = weights.rest.value_or(0);
  struct Choice {
    ContentCoding coding;
    unsigned weight;
  };
  // Where weights are the same, the smaller representation is sent.
  std::array<Choice, 3> choices{
      Choice{ContentCoding::brotli, weights.brotli.value_or(rest)},
      Choice{ContentCoding::gzip, weights.gzip.value_or(rest)},
      Choice{ContentCoding::identity, weights.identity.value_or(rest)},
  };
  if (choices[0].weight < choices[1].weight) std::swap(choices[0], choices[1]);
  for (const Choice& choice : std::span(choices).first(2)) {
    if (choice.weight > 0 && choice.weight >= choices[2].weight) add(choice.coding);
  }
  add(ContentCoding::identity);
}

} // namespace ringfort::http
