#include "http/forwarded.hpp"

#include <algorithm>
#include <array>

#include "http/authority.hpp"
#include "http/list_reader.hpp"

namespace ringfort::http {

namespace {

constexpr std::size_t host_bytes_max = 260; // A name of 253 bytes and a port.

/// The value of the only field of that name; empty when there is none, or several.
std::string_view only(Fields fields, std::string_view name) noexcept {
  return fields.count(name) == 1 ? trimmed(*fields.find(name)) : std::string_view();
}

/// Without the quotes around it; empty for what is quoted by halves, or holds what needs them.
std::string_view unquoted(std::string_view value) noexcept {
  const bool quoted = value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
  if (quoted) value = value.substr(1, value.size() - 2);
  return value.find_first_of("\"\\") == value.npos ? value : std::string_view();
}

/// "[2001:db8::1]:4711" and "192.0.2.1:4711" without port and brackets.
std::string_view address_of_node(std::string_view node) noexcept {
  if (node.starts_with('[')) return node.substr(1, node.find(']') - 1);
  const std::size_t colon = node.find(':');
  return colon == node.rfind(':') ? node.substr(0, colon) : node;
}

std::string_view scheme_of(std::string_view text) noexcept {
  if (same_name(text, "https")) return "https";
  return same_name(text, "http") ? "http" : std::string_view();
}

std::string_view host_of(std::string_view text) noexcept {
  return !text.empty() && text.size() <= host_bytes_max && valid_authority(text)
             ? text
             : std::string_view();
}

/// Where a pair's value goes; null for what is not asked for.
std::string_view* place_of(Forwarded& claim, std::string_view name) noexcept {
  if (same_name(name, "for")) return &claim.client;
  if (same_name(name, "proto")) return &claim.scheme;
  return same_name(name, "host") ? &claim.host : nullptr;
}

Forwarded read_element(std::string_view element) noexcept {
  Forwarded claim;
  while (!element.empty()) {
    std::string_view value = take_until(element, ';');
    const std::string_view name = take_until(value, '=');
    std::string_view* const place = place_of(claim, name);
    if (place == nullptr) continue;
    if (!place->empty()) return {};
    *place = unquoted(trimmed(value));
  }
  return {.client = address_of_node(claim.client),
          .scheme = scheme_of(claim.scheme),
          .host = host_of(claim.host)};
}

/// A list has no single value.
std::string_view single(std::string_view value) noexcept {
  return value.contains(',') ? std::string_view() : value;
}

} // namespace

Forwarded read_forwarded(Fields fields) noexcept {
  if (fields.count("forwarded") > 0) return read_element(single(only(fields, "forwarded")));
  return {.client = address_of_node(single(only(fields, "x-forwarded-for"))),
          .scheme = scheme_of(only(fields, "x-forwarded-proto")),
          .host = host_of(only(fields, "x-forwarded-host"))};
}

// Programs behind a CGI-like interface know both "-" and "_" as "_".
bool claims_client(std::string_view name) noexcept {
  std::array<char, 16> begun{};
  const std::size_t bytes = std::min(name.size(), begun.size());
  std::ranges::replace_copy(name.substr(0, bytes), begun.begin(), '_', '-');
  const std::string_view plain(begun.data(), bytes);
  constexpr std::string_view older = "x-forwarded-";
  return same_name(name, "forwarded") || same_name(plain, "x-real-ip") ||
         (name.size() > older.size() && same_name(plain.substr(0, older.size()), older));
}

std::string_view write_forwarded(std::span<char, forwarded_bytes_max> room,
                                 const Forwarded& claim) noexcept {
  char* at = room.data();
  const auto put = [&at](std::string_view text) { at = std::ranges::copy(text, at).out; };
  const auto separate = [&] {
    if (at != room.data()) put(";");
  };
  const bool v6 = claim.client.contains(':');
  if (!claim.client.empty()) {
    put(v6 ? "for=\"[" : "for=");
    put(claim.client.substr(0, 64));
    put(v6 ? "]\"" : "");
  }
  if (!host_of(claim.host).empty()) {
    separate();
    put("host=\"");
    put(claim.host);
    put("\"");
  }
  if (!claim.scheme.empty()) {
    separate();
    put("proto=");
    put(scheme_of(claim.scheme));
  }
  return {room.data(), at};
}

} // namespace ringfort::http
