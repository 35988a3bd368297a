#include "cli/fetch_report.hpp"

#include <array>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/certificate_text.hpp"
#include "cli/escaped.hpp"
#include "cli/redirection.hpp"
#include "cli/table.hpp"
#include "cli/values.hpp"

namespace ringfort::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array timed{Phase::pending, Phase::resolve, Phase::connect, Phase::proxy,
                           Phase::tls,     Phase::upload,  Phase::wait,    Phase::response};

std::chrono::nanoseconds time_of(const CallFacts& facts, Phase phase) noexcept {
  return facts.phases[static_cast<std::size_t>(phase)];
}

/// " name=value", or nothing.
std::string pair_of(std::string_view name, std::string_view value) {
  return value.empty() ? "" : std::string(" ").append(name).append("=").append(escaped(value));
}

std::string failure_line(const FetchOutcome& outcome) {
  std::string line = "ringfort: fetch failed:";
  line.append(pair_of("origin", origin_of(parse_url(outcome.request.url).value())));
  line.append(pair_of("phase", name_of(outcome.facts.phase)));
  std::string reason = outcome.refusal;
  if (outcome.error) {
    const Complaint complaint = complaint_of(*outcome.error);
    line.append(pair_of("code", complaint.code));
    line.append(pair_of("alias", fault_of(outcome.error->code).alias));
    reason = complaint.reason;
  } else {
    line.append(pair_of("status", std::to_string(outcome.response->status)));
  }
  line.append(pair_of("servername", outcome.facts.server_name));
  line.append(pair_of("proxy", outcome.proxy));
  return line.append(outcome.facts.reused ? " reused=yes: " : " reused=no: ").append(reason);
}

Json list_of(const Fields& fields) {
  Json list = Json::array();
  for (const Field& field : fields) list.push_back(Json::array({field.name, field.value}));
  return list;
}

Json json_of(const tls::CertificateFacts& facts) {
  return {{"subject", facts.subject},
          {"issuer", facts.issuer},
          {"names", facts.names},
          {"not_before", utc_text(facts.not_before_unix_s)},
          {"not_after", utc_text(facts.not_after_unix_s)},
          {"key", facts.key},
          {"signature", facts.signature},
          {"sha256", facts.fingerprint}};
}

Json server_of(const FetchOutcome& outcome) {
  const ServerFacts& server = outcome.facts.server;
  if (server.version.empty()) return {};
  Json json{{"version", server.version},
            {"suite", server.suite},
            {"protocol", server.protocol},
            {"resumed", server.resumed}};
  if (!outcome.certificates) return json;
  const tls::Verdict& verdict = outcome.certificates->verdict;
  json["verdict"] = {
      {"accepts", verdict.accepts}, {"text", verdict.text}, {"alias", verdict.alias}};
  json["chain"] = Json::array();
  for (const auto& facts : outcome.certificates->chain) json["chain"].push_back(json_of(facts));
  return json;
}

Json error_of(const FetchOutcome& outcome) {
  if (outcome.error) {
    const Complaint complaint = complaint_of(*outcome.error);
    const Fault& fault = fault_of(outcome.error->code);
    return {{"code", complaint.code},
            {"alias", fault.alias},
            {"origin", name_of(fault.origin)},
            {"text", complaint.reason}};
  }
  if (!outcome.refusal.empty()) return {{"text", outcome.refusal}};
  if (outcome.complaints.none()) return {};
  return {{"text", outcome.complaints.all().back().line()}};
}

Json json_of(const FetchOutcome& outcome) {
  const CallFacts& facts = outcome.facts;
  const Url url = parse_url(outcome.request.url).value(); // Without its user.
  Json json{{"url", origin_of(url).append(url.target)}, {"method", outcome.request.method}};
  if (outcome.response) {
    json["status"] = outcome.response->status;
    json["version_minor"] = outcome.response->version_minor;
    json["fields"] = list_of(outcome.response->fields);
    json["trailers"] = list_of(outcome.trailers);
    json["body_bytes"] = outcome.body_bytes;
  }
  json["phase"] = name_of(facts.phase);
  json["complete"] = facts.complete;
  json["reused"] = facts.reused;
  json["peer"] = facts.peer;
  if (!outcome.proxy.empty()) json["proxy"] = outcome.proxy;
  json["server_name"] = facts.server_name;
  json["sent_bytes"] = facts.sent_bytes;
  json["received_bytes"] = facts.received_bytes;
  json["tls"] = server_of(outcome);
  for (const Phase phase : timed) {
    json["phases_ns"][std::string(name_of(phase))] = time_of(facts, phase).count();
  }
  json["error"] = error_of(outcome);
  return json;
}

std::string timing_text(const CallFacts& facts) {
  using std::chrono::microseconds;
  Json rows = Json::array();
  std::chrono::nanoseconds all{};
  const auto add = [&rows](std::string_view name, std::chrono::nanoseconds time) {
    rows.push_back(
        {{"phase", name}, {"us", std::chrono::duration_cast<microseconds>(time).count()}});
  };
  for (const Phase phase : timed) {
    all += time_of(facts, phase);
    add(name_of(phase), time_of(facts, phase));
  }
  add("all", all);
  return text_of(rows);
}

std::string inspection_text(const FetchOutcome& outcome) {
  const CallFacts& facts = outcome.facts;
  const ServerFacts& server = facts.server;
  Json lines{{"peer", facts.peer}, {"reused", facts.reused}};
  if (server.version.empty()) return text_of(lines);
  lines["server_name"] = facts.server_name;
  lines["version"] = server.version;
  lines["suite"] = server.suite;
  lines["protocol"] = server.protocol;
  lines["resumed"] = server.resumed;
  if (!outcome.certificates) return text_of(lines);
  const tls::Verdict& verdict = outcome.certificates->verdict;
  lines["believed"] = verdict.accepts ? "yes" : verdict.text + " [" + verdict.alias + "]";
  std::string text = text_of(lines);
  std::size_t index = 0;
  for (const auto& certificate : outcome.certificates->chain) {
    text.append(text_of(certificate, index++));
  }
  return text;
}

} // namespace

void report(const FetchOutcome& outcome, const FetchFlags& flags) {
  if (outcome.error || !outcome.refusal.empty()) std::cerr << failure_line(outcome) << std::endl;
  if (flags.inspect) std::cerr << inspection_text(outcome) << std::flush;
  if (flags.timing) std::cerr << timing_text(outcome.facts) << std::flush;
  if (!flags.json) return;
  // Fields may hold bytes of any encoding; JSON has UTF-8.
  std::cout << json_of(outcome).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

} // namespace ringfort::cli
