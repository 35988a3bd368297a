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

/// Empty after a complaint.
std::optional<tls::TicketKeys> keys_of(const SessionFlags& flags, ExitStatus& status) {
  auto keys = flags.ticket_keys.empty()
                  ? tls::TicketKeys::generated(
                        {.period = flags.ticket_rotation,
                         .previous = static_cast<std::uint8_t>(previous_keys(flags))})
                  : tls::load_ticket_keys(flags.ticket_keys);
  if (keys) return std::move(*keys);
  status = complain(keys.error(), flags.ticket_keys);
  return {};
}

bool read_into(std::string& text, const std::string& path, Code when_empty, ExitStatus& status) {
  if (path.empty()) return true;
  auto read = read_text(path, when_empty, status);
  if (!read) return false;
  text = std::move(*read);
  return true;
}

} // namespace

void add_session_flags(CLI::App& app, SessionFlags& flags) {
  constexpr seconds week = std::chrono::days(7);
  CLI::Option* file =
      app.add_option("--ticket-keys", flags.ticket_keys,
                     "keys of session tickets, shared with other hosts: 80 bytes each, the first "
                     "one seals; read at the start")
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
                 "who is believed about it (PEM); read at the start")
      ->type_name("FILE");
  app.add_option("--client-revocations", flags.revocations,
                 "revocation lists (PEM), one for each authority of a chain; read at the start")
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

bool use(const SessionFlags& flags, tls::ContextOptions& options, ExitStatus& status) {
  options.ticket_lifetime = flags.ticket_lifetime;
  options.resume_across_certificates = !flags.end_with_certificate;
  options.ticket_keys = keys_of(flags, status);
  options.clients.mode = flags.clients;
  options.clients.depth = flags.depth;
  return options.ticket_keys.has_value() &&
         read_into(options.clients.authorities_pem, flags.authorities,
                   Code::tls_context_junk_authority, status) &&
         read_into(options.clients.revocation_lists_pem, flags.revocations,
                   Code::tls_context_junk_revocation_list, status);
}

std::string subject_of(const SessionFlags& flags, Code code) {
  switch (code) {
  case Code::tls_context_junk_authority: return flags.authorities;
  case Code::tls_context_junk_revocation_list: return flags.revocations;
  case Code::tls_context_no_client_authority: return "--client-authorities";
  default: return {};
  }
}

} // namespace ringfort::cli
