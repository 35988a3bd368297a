#include "cli/certificate_text.hpp"

#include <algorithm>

#include "cli/escaped.hpp"
#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

/// Subjects are escaped already, in the manner of RFC 4514, and may be of any script.
std::string shown(const std::string& text) {
  const bool moves = std::ranges::any_of(
      text, [](char letter) { return static_cast<unsigned char>(letter) < ' ' || letter == 0x7f; });
  return moves ? escaped(text) : text;
}

} // namespace

std::string text_of(const tls::CertificateFacts& facts, std::size_t index) {
  std::string text = "certificate " + std::to_string(index);
  text.append(index == 0 ? ", the leaf" : "");
  text.append("\n  subject:     ").append(shown(facts.subject));
  text.append("\n  issuer:      ").append(shown(facts.issuer));
  text.append("\n  valid:       ").append(utc_text(facts.not_before_unix_s));
  text.append(" to ").append(utc_text(facts.not_after_unix_s));
  if (!facts.names.empty()) text.append("\n  names:      ");
  for (const std::string& name : facts.names) text.append(" ").append(shown(name));
  text.append("\n  key:         ").append(facts.key);
  text.append(", signed with ").append(facts.signature);
  return text.append("\n  SHA-256:     ").append(facts.fingerprint).append("\n");
}

} // namespace ringfort::cli
