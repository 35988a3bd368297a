#include "cli/check.hpp"

#include <array>
#include <ctime>
#include <iostream>

#include <ringfort/certificate.hpp>
#include <ringfort/engine.hpp>

namespace ringfort::cli {

namespace {

std::string date_text(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm broken_down{};
  std::array<char, 32> text{};
  const std::size_t bytes = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC",
                                          ::gmtime_r(&time, &broken_down));
  return {text.data(), bytes};
}

void print(const tls::CertificateFacts& facts, std::size_t index) {
  std::cout << "certificate " << index << (index == 0 ? ", the leaf" : "") << '\n'
            << "  subject:     " << facts.subject << '\n'
            << "  issuer:      " << facts.issuer << '\n'
            << "  valid:       " << date_text(facts.not_before_unix_s) << " to "
            << date_text(facts.not_after_unix_s) << '\n';
  if (!facts.names.empty()) {
    std::cout << "  names:      ";
    for (const std::string& name : facts.names) std::cout << ' ' << name;
    std::cout << '\n';
  }
  std::cout << "  key:         " << facts.key << ", signed with " << facts.signature << '\n'
            << "  SHA-256:     " << facts.fingerprint << '\n';
}

void print(const Error& finding) {
  const std::string_view alias = fault_of(finding.code).alias;
  std::cout << "finding: " << explain(finding);
  if (!alias.empty()) std::cout << " [" << alias << ']';
  std::cout << '\n';
}

void print_verdict(const tls::Diagnosis& diagnosis, const CheckFlags& flags,
                   const std::string& name) {
  std::cout << "a client that trusts "
            << (flags.authorities.empty() ? "the system's store" : flags.authorities);
  if (!name.empty()) std::cout << " and asks for " << name;
  if (diagnosis.verdict.accepts) {
    std::cout << ": accepts it\n";
  } else {
    std::cout << ": refuses it: " << diagnosis.verdict.text << " [" << diagnosis.verdict.alias
              << "]\n";
  }
}

/// What holds for every name is said once, with the first.
void print(const tls::Diagnosis& diagnosis, bool is_first) {
  if (is_first) {
    std::size_t index = 0;
    for (const tls::CertificateFacts& facts : diagnosis.chain) print(facts, index++);
    std::cout << "key: belongs to the leaf\n";
  }
  for (const Error& finding : diagnosis.findings) {
    if (is_first || finding.code == Code::tls_context_name_not_covered) print(finding);
  }
}

ExitStatus check_identity(const tls::Identity& identity, const CheckFlags& flags,
                          const std::string& authorities) {
  ExitStatus status = ExitStatus::ok;
  const bool asked = !flags.names.empty() || !flags.authorities.empty();
  const std::vector<std::string> nobody{""};
  bool is_first = true;
  for (const std::string& name : flags.names.empty() ? nobody : flags.names) {
    const auto diagnosis = tls::diagnose(identity, name, authorities);
    if (!diagnosis) {
      const bool of_authorities = diagnosis.error().code == Code::tls_context_junk_authority;
      return complain(diagnosis.error(),
                      of_authorities ? flags.authorities : flags.identity.text());
    }
    print(*diagnosis, is_first);
    print_verdict(*diagnosis, flags, name);
    if (asked && !diagnosis->verdict.accepts) status = ExitStatus::config;
    is_first = false;
  }
  return status;
}

ExitStatus check_identities(const CheckFlags& flags) {
  ExitStatus status = ExitStatus::ok;
  const auto identities = load(flags.identity, status);
  if (!identities) return status;
  std::string authorities;
  if (!flags.authorities.empty()) {
    auto text = read_text(flags.authorities, Code::tls_context_junk_authority, status);
    if (!text) return status;
    authorities = std::move(*text);
  }
  for (const tls::Identity& identity : *identities) {
    const ExitStatus seen = check_identity(identity, flags, authorities);
    if (seen != ExitStatus::ok) status = seen;
  }
  return status;
}

} // namespace

ExitStatus check(const CheckFlags& flags) {
  EngineOptions options;
  options.shards = 1;
  auto engine = Engine::create(options);
  if (!engine) return complain(engine.error());
  const auto records = (*engine)->try_kernel_records();
  if (!records) return complain(records.error());
  std::cout << (*engine)->describe() << '\n' << *records << '\n';
  return flags.identity.none() ? ExitStatus::ok : check_identities(flags);
}

} // namespace ringfort::cli
