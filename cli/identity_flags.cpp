#include "cli/identity_flags.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>

namespace ringfort::cli {

namespace {

/// The file that a refusal is about: certificate, key or both.
std::string subject_of(Code code, const std::string& cert, const std::string& key) {
  switch (code) {
  case Code::tls_context_not_pem:
  case Code::tls_context_too_weak: return cert;
  case Code::tls_context_key_unusable:
  case Code::tls_context_no_pass_phrase:
  case Code::tls_context_wrong_pass_phrase: return key;
  default: return cert + ", " + key;
  }
}

/// Empty after a complaint.
std::optional<tls::Identity> load_pair(const std::string& cert, const std::string& key,
                                       const std::string& pass_phrase, Complaints& complaints) {
  const auto chain_pem = read_text(cert, Code::tls_context_empty_identity, complaints);
  if (!chain_pem) return {};
  const auto key_pem = read_text(key, Code::tls_context_empty_identity, complaints);
  if (!key_pem) return {};
  tls::ContextOptions alone;
  alone.identities.push_back(
      {.chain_pem = *chain_pem, .key_pem = *key_pem, .pass_phrase = pass_phrase});
  const auto tried = tls::Context::create(std::move(alone));
  if (!tried) {
    complaints.add(tried.error(), subject_of(tried.error().code, cert, key));
    return {};
  }
  return tried->options().identities.front(); // Its key is decrypted: that is done once.
}

} // namespace

// Read once, from front to end: the path may be a pipe.
std::optional<std::string> read_text(const std::string& path, Code when_empty,
                                     Complaints& complaints) {
  errno = 0;
  std::ifstream file(path);
  std::ostringstream read;
  read << file.rdbuf();
  std::string text = std::move(read).str();
  if (!text.empty()) return text;
  const bool unreadable = errno != 0;
  complaints.add({.code = unreadable ? Code::tls_context_unreadable : when_empty, .detail = errno},
                 path);
  return {};
}

bool read_into(std::string& text, const std::string& path, Code when_empty,
               Complaints& complaints) {
  if (path.empty()) return true;
  auto read = read_text(path, when_empty, complaints);
  if (read) text = std::move(*read);
  return read.has_value();
}

std::optional<std::string> pass_phrase_of(const IdentityFlags& flags, Complaints& complaints) {
  std::string phrase;
  if (!flags.pass_phrase_file.empty()) {
    const auto text =
        read_text(flags.pass_phrase_file, Code::tls_context_no_pass_phrase, complaints);
    if (!text) return {};
    phrase = text->substr(0, text->find('\n'));
  } else if (!flags.pass_phrase_env.empty()) {
    const char* value = std::getenv(flags.pass_phrase_env.c_str());
    if (value == nullptr) {
      complaints.add({.code = Code::tls_context_no_pass_phrase},
                     "the environment has no " + flags.pass_phrase_env);
      return {};
    }
    phrase = value;
  }
  return phrase;
}

std::string IdentityFlags::text() const {
  std::string names = pkcs12;
  for (const auto* list : {&certs, &keys}) {
    for (const std::string& name : *list) names.append(names.empty() ? "" : ", ").append(name);
  }
  return names;
}

void add_identity_flags(CLI::App& app, IdentityFlags& flags) {
  app.add_option("--cert", flags.certs,
                 "certificate chain, leaf first (PEM); again for a second key type")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--key", flags.keys, "the leaf's private key (PEM); one for each --cert")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--pkcs12", flags.pkcs12, "chain and key in one PKCS#12 container")
      ->type_name("FILE");
  app.add_option("--pass-phrase-file", flags.pass_phrase_file,
                 "its first line opens the encrypted keys and the container")
      ->type_name("FILE");
  app.add_option("--pass-phrase-env", flags.pass_phrase_env,
                 "the environment variable that opens them")
      ->type_name("NAME");
}

std::string contradiction_of(const IdentityFlags& flags) {
  if (flags.certs.size() != flags.keys.size()) return "each --cert needs its --key";
  if (!flags.pass_phrase_file.empty() && !flags.pass_phrase_env.empty()) {
    return "--pass-phrase-file and --pass-phrase-env exclude each other";
  }
  return {};
}

std::optional<std::vector<tls::Identity>> load(const IdentityFlags& flags, Complaints& complaints) {
  const auto pass_phrase = pass_phrase_of(flags, complaints);
  if (!pass_phrase) return {};
  std::vector<tls::Identity> identities;
  for (std::size_t index = 0; index < flags.certs.size(); ++index) {
    auto identity = load_pair(flags.certs[index], flags.keys[index], *pass_phrase, complaints);
    if (!identity) return {};
    identities.push_back(std::move(*identity));
  }
  if (!flags.pkcs12.empty()) {
    auto identity = tls::load_pkcs12(flags.pkcs12, *pass_phrase);
    if (!identity) {
      complaints.add(identity.error(), flags.pkcs12);
      return {};
    }
    identities.push_back(std::move(*identity));
  }
  return identities;
}

} // namespace ringfort::cli
