#include "cli/facts_handler.hpp"

#include <array>
#include <string>

#include <ringfort/certificate.hpp>

#include "cli/escaped.hpp"
#include "cli/handlers.hpp"

namespace ringfort::cli {

namespace {

void append_line(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(escaped(value)).append("\n");
}

void append_all(std::string& text, std::string_view name, const std::vector<std::string>& values) {
  for (const std::string& value : values) append_line(text, name, value);
}

void append_client(std::string& text, const tls::ClientCertificate* client) {
  if (client == nullptr) return append_line(text, "client certificate", "none");
  const tls::Verdict& verdict = client->verdict;
  const std::string verified =
      verdict.accepts ? "verified" : "not believed: " + verdict.text + " [" + verdict.alias + "]";
  append_line(text, "client certificate", verified);
  append_line(text, "client subject", client->facts.subject);
  append_line(text, "client issuer", client->facts.issuer);
  append_all(text, "client name", client->facts.names);
  append_all(text, "client mail", client->facts.mail_addresses);
  append_all(text, "client uri", client->facts.uris);
  append_line(text, "client fingerprint", client->facts.fingerprint);
}

} // namespace

void answer_facts(Exchange& exchange, unsigned shard) {
  if (refused_method(exchange)) return;
  const ConnectionFacts& facts = exchange.connection();
  auto text = std::make_unique<std::string>();
  append_line(*text, "peer", facts.peer);
  if (!facts.proxy.empty()) append_line(*text, "proxy", facts.proxy);
  append_line(*text, "shard", std::to_string(shard));
  append_line(*text, "encrypted", facts.encrypted ? "yes" : "no");
  if (facts.encrypted) {
    append_line(*text, "version", facts.version);
    append_line(*text, "suite", facts.suite);
    append_line(*text, "protocol", facts.protocol.empty() ? "none" : facts.protocol);
    append_line(*text, "server name", facts.server_name.empty() ? "none" : facts.server_name);
    append_line(*text, "session", facts.resumed ? "resumed" : "new");
    append_line(*text, "generation", std::to_string(facts.generation));
    append_line(*text, "records sent by", name_of(facts.send_records));
    append_line(*text, "records received by", name_of(facts.receive_records));
    append_client(*text, facts.client_certificate);
  }
  const std::array fields{Field{"content-type", "text/plain; charset=utf-8"},
                          Field{"cache-control", "no-store"}};
  const Bytes bytes = bytes_of(*text);
  exchange.respond(200, fields, Payload::owned(bytes, [kept = std::move(text)] {}));
}

} // namespace ringfort::cli
