#include "cli/session_flags.hpp"

#include <CLI/CLI.hpp>

#include "cli/flag_kinds.hpp"
#include "cli/identity_flags.hpp"

namespace ringfort::cli {

namespace {

using Mode = tls::ClientCertificates::Mode;
using std::chrono::seconds;

constexpr int previous_max = 15;

/// As many as keep every ticket opening for its lifetime.
std::int64_t previous_keys(const SessionFlags& flags) noexcept {
  const auto rotation_s = flags.ticket_rotation.count();
  return (flags.ticket_lifetime.count() + rotation_s - 1) / rotation_s;
}

bool read_keys(const SessionFlags& flags, tls::ContextOptions& options, Complaints& complaints) {
  if (flags.ticket_keys.empty()) return true;
  auto keys = tls::load_ticket_keys(flags.ticket_keys);
  if (keys) {
    options.ticket_keys = std::move(*keys);
  } else {
    complaints.add(keys.error(), flags.ticket_keys);
  }
  return keys.has_value();
}

/// The file or flag that a refusal of the client certificates' terms is about.
std::string subject_of(const SessionFlags& flags, Code code) {
  switch (code) {
  case Code::tls_context_junk_authority: return flags.authorities;
  case Code::tls_context_junk_revocation_list: return flags.revocations;
  default: return "--client-authorities";
  }
}

bool read_clients(const SessionFlags& flags, tls::ClientCertificates& clients,
                  Complaints& complaints) {
  const bool authorities = read_into(clients.authorities_pem, flags.authorities,
                                     Code::tls_context_junk_authority, complaints);
  const bool lists = read_into(clients.revocation_lists_pem, flags.revocations,
                               Code::tls_context_junk_revocation_list, complaints);
  if (!authorities || !lists) return false;
  const auto valid = tls::validate(clients);
  if (!valid) complaints.add(valid.error(), subject_of(flags, valid.error().code));
  return valid.has_value();
}

} // namespace

void add_session_flags(CLI::App& app, SessionFlags& flags) {
  constexpr seconds week = std::chrono::days(7);
  CLI::Option* file =
      app.add_option("--ticket-keys", flags.ticket_keys,
                     "keys of session tickets, shared with other hosts: 80 bytes each, the first "
                     "one seals; a reload takes them too")
          ->type_name("FILE");
  add_duration(app, "--ticket-rotation", flags.ticket_rotation, {seconds(1), week},
               "how long a generated ticket key seals")
      ->excludes(file);
  add_duration(app, "--ticket-lifetime", flags.ticket_lifetime, {seconds(1), week},
               "how long a session may be resumed");
  app.add_flag("--sessions-end-with-certificate", flags.end_with_certificate,
               "a replaced certificate's sessions are not resumed");
  add_choice<Mode>(
      app, "--client-certificates", flags.clients,
      {{"none", Mode::none}, {"optional", Mode::optional}, {"required", Mode::required}}, "none",
      "whether clients have to say who they are");
  app.add_option("--client-authorities", flags.authorities,
                 "who is believed about it (PEM); a reload takes them too")
      ->type_name("FILE");
  app.add_option("--client-revocations", flags.revocations,
                 "revocation lists (PEM), one for each authority of a chain; a reload takes "
                 "them too")
      ->type_name("FILE");
  add_number(app, "--client-depth", flags.depth, {0, 16}, &parse_count,
             "certificates between a client's and a believed one");
  app.add_option("--key-log", flags.key_log,
                 "append the secrets of every connection, to look into recorded traffic")
      ->type_name("FILE");
}

std::string contradiction_of(const SessionFlags& flags) {
  if (flags.clients == Mode::none && !(flags.authorities.empty() && flags.revocations.empty())) {
    return "--client-authorities and --client-revocations need --client-certificates";
  }
  if (flags.ticket_keys.empty() && previous_keys(flags) > previous_max) {
    return "--ticket-rotation is too short for --ticket-lifetime: 15 previous keys are kept";
  }
  return {};
}

bool use(const SessionFlags& flags, tls::ContextOptions& options, Complaints& complaints) {
  options.ticket_lifetime = flags.ticket_lifetime;
  options.resume_across_certificates = !flags.end_with_certificate;
  options.clients.mode = flags.clients;
  options.clients.depth = flags.depth;
  if (flags.ticket_keys.empty() && !options.ticket_keys) {
    auto keys =
        tls::TicketKeys::generated({.period = flags.ticket_rotation,
                                    .previous = static_cast<std::uint8_t>(previous_keys(flags))});
    if (!keys) {
      complaints.add(keys.error(), "--ticket-rotation");
      return false;
    }
    options.ticket_keys = std::move(*keys);
  }
  return read_files(flags, options, complaints);
}

bool read_files(const SessionFlags& flags, tls::ContextOptions& options, Complaints& complaints) {
  const bool keys = read_keys(flags, options, complaints);
  const bool clients = read_clients(flags, options.clients, complaints);
  return keys && clients;
}

std::size_t changed_files(const tls::ContextOptions& one, const tls::ContextOptions& other) {
  std::size_t count = 0;
  if (one.ticket_keys != other.ticket_keys) ++count;
  if (one.clients.authorities_pem != other.clients.authorities_pem) ++count;
  if (one.clients.revocation_lists_pem != other.clients.revocation_lists_pem) ++count;
  return count;
}

std::vector<std::string> files_of(const SessionFlags& flags) {
  std::vector<std::string> files;
  for (const std::string* file : {&flags.ticket_keys, &flags.authorities, &flags.revocations}) {
    if (!file->empty()) files.push_back(*file);
  }
  return files;
}

} // namespace ringfort::cli
