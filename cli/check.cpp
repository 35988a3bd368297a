#include "cli/check.hpp"

#include <iostream>

#include <ringfort/certificate.hpp>
#include <ringfort/engine.hpp>
#include <ringfort/names.hpp>

#include "cli/certificate_text.hpp"
#include "cli/complaints.hpp"
#include "cli/name_folder.hpp"

namespace ringfort::cli {

namespace {

void print(const Error& finding) {
  const std::string_view alias = fault_of(finding.code).alias;
  std::cout << "finding: " << explain(finding);
  if (!alias.empty()) std::cout << " [" << alias << ']';
  std::cout << '\n';
}

void print_verdict(const tls::Diagnosis& diagnosis, const std::string& authorities,
                   const std::string& name) {
  std::cout << "a client that trusts "
            << (authorities.empty() ? "the system's store" : authorities);
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
    for (const tls::CertificateFacts& facts : diagnosis.chain) std::cout << text_of(facts, index++);
    std::cout << "key: belongs to the leaf\n";
  }
  for (const Error& finding : diagnosis.findings) {
    if (is_first || finding.code == Code::tls_context_name_not_covered) print(finding);
  }
}

/// What is looked at, by whom, and for which hosts.
struct Question {
  std::string files;
  std::vector<std::string> names; ///< empty: any
  std::string authorities_file;
  std::string authorities_pem;
};

ExitStatus check_identity(const tls::Identity& identity, const Question& question) {
  ExitStatus status = ExitStatus::ok;
  const bool asked = !question.names.empty() || !question.authorities_file.empty();
  const std::vector<std::string> nobody{""};
  bool is_first = true;
  for (const std::string& name : question.names.empty() ? nobody : question.names) {
    const auto diagnosis = tls::diagnose(identity, name, question.authorities_pem);
    if (!diagnosis) {
      const bool of_authorities = diagnosis.error().code == Code::tls_context_junk_authority;
      return complain(diagnosis.error(),
                      of_authorities ? question.authorities_file : question.files);
    }
    print(*diagnosis, is_first);
    print_verdict(*diagnosis, question.authorities_file, name);
    if (asked && !diagnosis->verdict.accepts) status = ExitStatus::config;
    is_first = false;
  }
  return status;
}

ExitStatus check_identities(const IdentityFlags& flags, const Question& question) {
  Complaints complaints;
  const auto identities = load(flags, complaints);
  if (!identities) return complaints.status();
  ExitStatus status = ExitStatus::ok;
  for (const tls::Identity& identity : *identities) {
    const ExitStatus seen = check_identity(identity, question);
    if (seen != ExitStatus::ok) status = seen;
  }
  return status;
}

/// Each pair for its own name, to the end.
ExitStatus check_folder(const CheckFlags& flags, Question question) {
  Complaints complaints;
  const auto there = scan_name_folder(flags.folder, complaints);
  if (!there) return complaints.status();
  if (there->stamps.empty()) warn_of_empty(flags.folder);
  ExitStatus status = ExitStatus::ok;
  for (const auto& [pattern, stamp] : there->stamps) {
    const NamedFiles pair(flags.folder, there->spellings, pattern);
    std::cout << '\n' << pattern << ": " << pair.text() << '\n';
    question.files = pair.text();
    question.names = {pattern};
    ExitStatus seen = check_identities(flags_of(pair, flags.identity), question);
    if (const auto usable = tls::Names().set(pattern, nullptr); !usable) {
      seen = complain(usable.error(), pair.chain);
    }
    if (seen != ExitStatus::ok) status = seen;
  }
  return status;
}

ExitStatus check_all(const CheckFlags& flags) {
  Question question{.files = flags.identity.text(),
                    .names = flags.names,
                    .authorities_file = flags.authorities,
                    .authorities_pem = {}};
  if (!flags.authorities.empty()) {
    Complaints complaints;
    auto text = read_text(flags.authorities, Code::tls_context_junk_authority, complaints);
    if (!text) return complaints.status();
    question.authorities_pem = std::move(*text);
  }
  ExitStatus status = ExitStatus::ok;
  if (!flags.identity.none()) status = check_identities(flags.identity, question);
  if (flags.folder.empty()) return status;
  const ExitStatus seen = check_folder(flags, std::move(question));
  return seen == ExitStatus::ok ? status : seen;
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
  return check_all(flags);
}

} // namespace ringfort::cli
