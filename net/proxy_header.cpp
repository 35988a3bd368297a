#include "net/proxy_header.hpp"

#include <algorithm>
#include <charconv>

#include "net/proxy_header_form.hpp"

namespace ringfort::net {

namespace {

using proxy_form::Command;
using proxy_form::Family;
using proxy_form::signature;
using proxy_form::word;

constexpr std::size_t line_bytes_max = 107; ///< of version 1, with its CRLF

std::optional<std::uint16_t> port_of(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  const bool zero_leads = text.size() > 1 && text.front() == '0';
  if (parsed.ec != std::errc{} || parsed.ptr != end || zero_leads) return {};
  return port;
}

/// What stands before the next space, which goes with it.
std::string_view take_word(std::string_view& text) noexcept {
  const std::string_view taken = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(taken.size() + 1, text.size()));
  return taken;
}

std::optional<engine::SocketAddress> address_of(std::string_view host, std::string_view port,
                                                sa_family_t family) noexcept {
  const auto number = port_of(port);
  if (!number || host.starts_with('[')) return {};
  const auto address = engine::SocketAddress::parse(host, *number);
  if (!address || address->family() != family) return {};
  return *address;
}

/// "TCP4 192.0.2.1 192.0.2.2 50312 443", or "UNKNOWN" and whatever follows.
Result<ProxyClaim> read_line(std::string_view line, std::size_t bytes) noexcept {
  ProxyClaim claim{.bytes = bytes};
  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return claim;
  const sa_family_t wanted = family == "TCP4" ? AF_INET : AF_INET6;
  // A last space, which take_word() would pass over, ends nothing here.
  if ((family != "TCP4" && family != "TCP6") || line.ends_with(' ')) {
    return fail(Code::proxy_header_malformed);
  }
  const std::string_view source = take_word(line);
  const std::string_view destination = take_word(line);
  const auto from = address_of(source, take_word(line), wanted);
  const auto to = address_of(destination, take_word(line), wanted);
  if (!from || !to || !line.empty()) return fail(Code::proxy_header_malformed);
  claim.ends = ConnectionEnds{.source = *from, .destination = *to};
  return claim;
}

Result<ProxyClaim> read_version_1(std::string_view input) noexcept {
  const std::string_view line = input.substr(0, std::min(input.size(), line_bytes_max));
  const std::size_t end = line.find('\n');
  if (end == line.npos) {
    if (line.size() == line_bytes_max) return fail(Code::proxy_header_oversized);
    return ProxyClaim{};
  }
  if (line[end - 1] != '\r') return fail(Code::proxy_header_malformed);
  const std::string_view words = line.substr(word.size(), end - 1 - word.size());
  if (words.contains('\r')) return fail(Code::proxy_header_malformed);
  return read_line(words, end + 1);
}

std::size_t number_at(Bytes bytes, std::size_t at) noexcept {
  return std::to_integer<std::size_t>(bytes[at]) << 8U |
         std::to_integer<std::size_t>(bytes[at + 1]);
}

/// As it is without what its own field holds.
bool checksum_matches(Bytes header, std::size_t field_at) noexcept {
  constexpr std::array<std::byte, proxy_form::checksum_bytes> zeros{};
  std::uint32_t sum = proxy_form::crc32c(proxy_form::crc32c_start, header.first(field_at));
  sum = proxy_form::crc32c(sum, zeros);
  sum = ~proxy_form::crc32c(sum, header.subspan(field_at + zeros.size()));
  return sum == (std::uint32_t(number_at(header, field_at)) << 16U |
                 std::uint32_t(number_at(header, field_at + 2)));
}

/// What is told besides the addresses fills the rest of the header to its last byte.
Result<> check_fields(Bytes header, std::size_t at) noexcept {
  bool summed = false;
  while (at < header.size()) {
    if (header.size() - at < proxy_form::field_head_bytes)
      return fail(Code::proxy_header_malformed);
    const std::size_t bytes = number_at(header, at + 1);
    const auto type = static_cast<proxy_form::Field>(header[at]);
    at += proxy_form::field_head_bytes;
    if (header.size() - at < bytes) return fail(Code::proxy_header_malformed);
    if (type == proxy_form::Field::checksum) {
      if (bytes != proxy_form::checksum_bytes || std::exchange(summed, true)) {
        return fail(Code::proxy_header_malformed);
      }
      if (!checksum_matches(header, at)) return fail(Code::proxy_header_bad_checksum);
    }
    at += bytes;
  }
  return {};
}

ConnectionEnds ends_of(Bytes addresses, std::size_t address_bytes) noexcept {
  const auto end = [&](unsigned place) {
    return engine::SocketAddress::of(
        addresses.subspan(place * address_bytes, address_bytes),
        static_cast<std::uint16_t>(number_at(addresses, 2 * address_bytes + 2 * place)));
  };
  return {.source = end(0), .destination = end(1)};
}

Result<ProxyClaim> read_addresses(Bytes header, Family family) noexcept {
  ProxyClaim claim{.bytes = header.size()};
  const std::size_t address_bytes = proxy_form::address_bytes(family);
  const std::size_t end = proxy_form::head_bytes + proxy_form::addresses_bytes(family);
  if (header.size() < end) return fail(Code::proxy_header_malformed);
  if (auto checked = check_fields(header, end); !checked) return std::unexpected(checked.error());
  // A client on a unix socket has no address that counts here.
  if (family == Family::unix_stream) return claim;
  claim.ends = ends_of(header.subspan(proxy_form::head_bytes), address_bytes);
  return claim;
}

Result<ProxyClaim> read_version_2(Bytes input) noexcept {
  if (input.size() > signature.size() && (input[signature.size()] >> 4U) != std::byte{2}) {
    return fail(Code::proxy_header_malformed);
  }
  if (input.size() < proxy_form::head_bytes) return ProxyClaim{};
  const std::size_t bytes = proxy_form::head_bytes + number_at(input, proxy_form::length_at);
  if (bytes > proxy_header_bytes_max) return fail(Code::proxy_header_oversized);
  if (bytes > input.size()) return ProxyClaim{};
  // Who speaks for itself may say what it likes of addresses: it is passed over.
  const auto command = static_cast<Command>(input[signature.size()] & std::byte{0xf});
  if (command == Command::local) return ProxyClaim{.bytes = bytes};
  if (command != Command::proxy) return fail(Code::proxy_header_malformed);
  const auto family = static_cast<Family>(input[signature.size() + 1]);
  switch (family) {
  case Family::unspecified: return ProxyClaim{.bytes = bytes};
  case Family::tcp4:
  case Family::tcp6:
  case Family::unix_stream: return read_addresses(input.first(bytes), family);
  }
  return fail(Code::proxy_header_malformed);
}

/// Whether `input` is as far as it goes, or as `whole` goes, the same.
bool agrees(std::string_view input, std::string_view whole) noexcept {
  return input.substr(0, whole.size()) == whole.substr(0, input.size());
}

} // namespace

Result<ProxyClaim> read_proxy_header(Bytes input) noexcept {
  const std::string_view text = text_of(input);
  if (agrees(text, signature)) {
    return text.size() < signature.size() ? ProxyClaim{} : read_version_2(input);
  }
  if (agrees(text, word)) return text.size() < word.size() ? ProxyClaim{} : read_version_1(text);
  return fail(Code::proxy_header_missing);
}

Result<ProxyHeaderReader::Progress> ProxyHeaderReader::receive(Bytes input) noexcept {
  const std::size_t before = gathered_bytes_;
  Bytes all = input;
  if (before > 0) {
    const std::size_t bytes = std::min(input.size(), gathered_.size() - before);
    copy_into(std::span(gathered_).subspan(before), input.first(bytes));
    all = Bytes(gathered_).first(before + bytes);
  }
  const auto claim = read_proxy_header(all);
  if (!claim) return std::unexpected(claim.error());
  if (claim->bytes > 0) return Progress{.consumed_bytes = claim->bytes - before, .claim = *claim};
  // It is shorter than the room then: all of it was looked at.
  if (before == 0) copy_into(gathered_, input);
  gathered_bytes_ = before + input.size();
  return Progress{.consumed_bytes = input.size()};
}

} // namespace ringfort::net
