// negotiation — which content coding a client would rather have (RFC 9110 section 12.5.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <ringfort/message.hpp>

namespace ringfort::http {

enum class ContentCoding : std::uint8_t { brotli, gzip, identity };

/// Codings, the most wanted first. Identity ends the list, for it is always there to be sent, also
/// where a client says that it wants none of it.
class CodingPreference {
public:
  explicit CodingPreference(Fields fields) noexcept;

  std::span<const ContentCoding> order() const noexcept { return {order_.data(), count_}; }

private:
  void add(ContentCoding coding) noexcept { order_[count_++] = coding; }

  std::array<ContentCoding, 3> order_{};
  std::size_t count_ = 0;
};

} // namespace ringfort::http
