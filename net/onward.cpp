#include "net/onward.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "http/authority.hpp"
#include "http/forwarded.hpp"
#include "http/hop_fields.hpp"
#include "http/upgrade.hpp"
#include "net/exchange_state.hpp"
#include "net/peer_text.hpp"

namespace ringfort::net {

namespace {

constexpr std::size_t own_fields_max = 6; ///< what this hop says itself

/// Fields in an arena, as many as there is room for.
class FieldRoom {
public:
  FieldRoom(Arena& arena, std::size_t count_max) noexcept
      : fields_(static_cast<Field*>(arena.allocate(count_max * sizeof(Field), alignof(Field)))) {}

  bool none() const noexcept { return fields_ == nullptr; }
  void add(std::string_view name, std::string_view value) noexcept {
    std::construct_at(fields_ + count_++, Field{name, value});
  }
  void add_unless_empty(std::string_view name, std::string_view value) noexcept {
    if (!value.empty()) add(name, value);
  }
  std::span<const Field> all() const noexcept { return {fields_, count_}; }

private:
  Field* fields_;
  std::size_t count_ = 0;
};

/// What the engine writes itself, and what a gateway says anew.
bool written_here(std::string_view name) noexcept {
  switch (name.size()) {
  case 4: return same_name(name, "host");
  case 6: return same_name(name, "expect");
  case 14: return same_name(name, "content-length");
  default: return http::claims_client(name);
  }
}

/// Path and query of what may have come in absolute form (RFC 9112 section 3.2.1).
std::string_view origin_form(std::string_view target) noexcept {
  const std::string_view authority = http::authority_of_target(target);
  if (authority.empty()) return target;
  const auto begin = static_cast<std::size_t>(authority.data() - target.data());
  target.remove_prefix(begin + authority.size());
  return target.empty() ? "/" : target;
}

std::optional<std::uint64_t> length_of(Fields fields) noexcept {
  const auto text = fields.find("content-length");
  if (!text) return {};
  std::uint64_t length = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), length);
  return parsed.ec == std::errc{} ? std::optional(length) : std::nullopt;
}

/// This hop's facts, or what a trusted proxy says of the hop before it.
Forwarded public_hop(const Exchange& exchange, const GatewayPlan& plan) noexcept {
  const auto& state = static_cast<const ExchangeState&>(exchange);
  Forwarded hop = plan.trusted_proxies.claims(exchange);
  if (hop.client.empty()) hop.client = host_of_peer(state.peer());
  if (hop.scheme.empty()) hop.scheme = state.encrypted() ? "https" : "http";
  if (hop.host.empty()) hop.host = exchange.head().authority;
  return hop;
}

/// The first that may be, of those that the client offers; empty when none is.
std::string_view offered_upgrade(const Exchange& exchange, const GatewayPlan& plan) noexcept {
  const std::string_view offered = exchange.offered_protocols();
  const auto& allowed = plan.options.upgrades;
  const auto found = std::ranges::find_if(
      allowed, [&](const std::string& one) { return http::offers(offered, one); });
  return found == allowed.end() ? std::string_view() : *found;
}

bool add_public_hop(FieldRoom& fields, Exchange& exchange, const GatewayPlan& plan) noexcept {
  const Forwarded hop = public_hop(exchange, plan);
  std::array<char, http::forwarded_bytes_max> room;
  const auto element = exchange.arena().copy(http::write_forwarded(room, hop));
  if (!element) return false;
  fields.add_unless_empty("forwarded", *element);
  fields.add_unless_empty("x-forwarded-for", hop.client);
  fields.add_unless_empty("x-forwarded-proto", hop.scheme);
  fields.add_unless_empty("x-forwarded-host", hop.host);
  return true;
}

} // namespace

Result<Request> onward_request(Exchange& exchange, const GatewayPlan& plan) noexcept {
  const Head& head = exchange.head();
  const Fields all = exchange.fields();
  const http::HopFields hop(all);
  FieldRoom fields(exchange.arena(), all.size() + own_fields_max);
  if (fields.none()) return fail(Code::handler_no_memory);
  for (const Field& field : all) {
    if (!written_here(field.name) && !hop.end_here(field.name)) fields.add(field.name, field.value);
  }
  if (!add_public_hop(fields, exchange, plan)) return fail(Code::handler_no_memory);
  fields.add("via", head.version_minor == 0 ? plan.via_old : plan.via);
  static_cast<ExchangeState&>(exchange).vouch_for(fields.all());
  Request request{.method = head.method_name,
                  .target = origin_form(head.target),
                  .authority = plan.options.keeps_host ? head.authority : "",
                  .fields = fields.all(),
                  .tells_interim = true};
  const auto length = length_of(all);
  if (all.find("transfer-encoding") || length.value_or(0) > 0) {
    request.streams = true;
    request.length = length;
    request.expects_continue = head.version_minor > 0 && all.find("expect").has_value();
  } else {
    request.upgrade = offered_upgrade(exchange, plan);
  }
  return request;
}

Result<std::span<const Field>> onward_fields(Exchange& exchange, const Response& response,
                                             const GatewayPlan& plan) noexcept {
  const http::HopFields hop(response.fields);
  FieldRoom fields(exchange.arena(), response.fields.size() + own_fields_max);
  if (fields.none()) return fail(Code::handler_no_memory);
  for (const Field& field : response.fields) {
    const bool length = same_name(field.name, "content-length");
    if (!length && !hop.end_here(field.name)) fields.add(field.name, field.value);
  }
  fields.add("via", response.version_minor == 0 ? plan.via_old : plan.via);
  return fields.all();
}

std::optional<std::uint64_t> announced_length(const Response& response) noexcept {
  return response.length ? response.length : length_of(response.fields);
}

std::span<const Field> onward_trailers(Exchange& exchange, Fields trailers) noexcept {
  if (trailers.empty()) return {};
  const http::HopFields hop(trailers);
  FieldRoom fields(exchange.arena(), trailers.size());
  if (fields.none()) return {};
  for (const Field& trailer : trailers) {
    if (!written_here(trailer.name) && !hop.end_here(trailer.name)) {
      fields.add(trailer.name, trailer.value);
    }
  }
  return fields.all();
}

} // namespace ringfort::net
