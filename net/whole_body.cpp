// whole_body — gathers a request's pieces under a bound.
#include <ringfort/whole_body.hpp>

#include <algorithm>
#include <cstdint>

#include "net/exchange_state.hpp"

namespace ringfort {

namespace {

/// What is set aside for a length that is only announced.
constexpr std::size_t reserved_bytes_max = 65'536;

} // namespace

Task<Result<WholeBody>> whole_body(Exchange& exchange) {
  auto& state = static_cast<net::ExchangeState&>(exchange);
  return whole_body(exchange, state.body_bytes_max());
}

Task<Result<WholeBody>> whole_body(Exchange& exchange, std::size_t bytes_max) {
  auto& state = static_cast<net::ExchangeState&>(exchange);
  const std::uint64_t announced = state.parser().content_length(); // 0 for a chunked body.
  if (announced > bytes_max) co_return state.refuse_body();
  std::vector<std::byte> gathered;
  while (true) {
    const auto piece = co_await exchange.body().read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return WholeBody(std::move(gathered));
    if (piece->size() > bytes_max - gathered.size()) co_return state.refuse_body();
    if (gathered.empty() && state.request_complete()) co_return WholeBody(*piece);
    if (gathered.empty()) gathered.reserve(std::min<std::size_t>(announced, reserved_bytes_max));
    gathered.insert(gathered.end(), piece->begin(), piece->end());
  }
}

} // namespace ringfort
