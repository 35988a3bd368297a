#include "tests/sim/judgement.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::sim {

namespace {

class Judge {
public:
  explicit Judge(const Evidence& evidence) : evidence_(evidence) {}

  std::vector<std::string> judge() {
    for (const auto& client : evidence_.clients) judge_client(*client);
    judge_counts();
    judge_ends();
    for (const std::string& finding :
         judge_drained(evidence_.metrics, evidence_.report_count, evidence_.watch)) {
      find(finding);
    }
    return std::move(findings_);
  }

private:
  template <class... Parts>
  void find(const Parts&... parts) {
    std::string text;
    (text.append(parts), ...);
    findings_.push_back(std::move(text));
  }

  /// Whether this client's loss is something that an engine in order may do.
  bool may_lose(const Client& client) const {
    return client.disturbed() || evidence_.lossy || client.plan().ending >= Ending::trickles;
  }

  void judge_client(const Client& client) {
    const std::string name = "client " + client.address() + ": ";
    switch (client.outcome()) {
    case Client::Outcome::complete: judge_said(client, name); break;
    case Client::Outcome::cut: break;
    case Client::Outcome::wrong:
      if (!may_lose(client) || client.failure() != "FIN without close_notify") {
        find(name, client.failure());
      }
      break;
    case Client::Outcome::pending:
      if (client.plan().ending != Ending::vanishes) find(name, "left without an end");
      break;
    case Client::Outcome::lost:
      if (!may_lose(client)) {
        find(name, client.failure(), ", refused with ", std::to_string(client.refused_with()),
             reports_about(client));
      }
      break;
    }
    judge_exchanges(client, name);
  }

  /// What went through a tunnel to its end came out of it.
  void judge_said(const Client& client, const std::string& name) {
    const Errand& errand = client.plan().errands.back();
    if (errand.tunnel != Tunnel::echo && errand.tunnel != Tunnel::first) return;
    const auto heard = evidence_.balance.heard.find(errand.tag);
    if (heard == evidence_.balance.heard.end()) {
      if (!may_lose(client)) find(name, "its tunnel did not end");
    } else if (heard->second != errand.said) {
      find(name, "its tunnel brought other bytes");
    }
  }

  /// Each request that came was answered once, or its failure was told.
  void judge_exchanges(const Client& client, const std::string& name) {
    const auto& tallies = evidence_.watch.tallies();
    const auto found = tallies.find(client.address());
    const PeerTally tally = found == tallies.end() ? PeerTally() : found->second;
    const std::vector<Errand>& errands = client.plan().errands;
    const auto malformed = static_cast<std::uint64_t>(errands.back().status == 400 ? 1 : 0);
    if (tally.requested > errands.size()) find(name, "more requests than it sent");
    if (client.answered() > tally.with_status + malformed)
      find(name, "more answers than were told");
    if (tally.broken > 1) find(name, "more than one exchange broke");
    if (tally.broken > 0 && !evidence_.reports.contains(client.address())) {
      find(name, tally.last_broken, " broke, and nobody was told");
    }
  }

  std::string reports_about(const Client& client) const {
    const auto found = evidence_.reports.find(client.address());
    if (found == evidence_.reports.end()) return ", unreported";
    std::string text;
    for (const Error& error : found->second) text += ", " + explain(error);
    return text;
  }

  void judge_counts() {
    const Metrics& metrics = evidence_.metrics;
    std::uint64_t requested = 0;
    for (const auto& [peer, tally] : evidence_.watch.tallies()) requested += tally.requested;
    if (requested != metrics.requests) find("requests are counted, and not told");
    if (metrics.responses > metrics.requests) find("more responses than requests");
    const HandlerBalance& balance = evidence_.balance;
    if (balance.begun != balance.ended) find("a handler never ended");
    if (balance.payloads != balance.releases) {
      find(std::to_string(balance.payloads), " owned payloads, ", std::to_string(balance.releases),
           " releases");
    }
  }

  /// A connection ends once, so it is told once why; a peer may also not take the answer to that.
  void judge_ends() {
    for (const auto& [peer, errors] : evidence_.reports) {
      const auto ends = std::ranges::count_if(errors, [](const Error& error) {
        return error.connection != 0 && error.code != Code::response_stream_stalled &&
               error.code != Code::response_stream_too_slow &&
               error.code != Code::drain_timed_out &&
               fault_of(error.code).reaction != Reaction::tell_caller;
      });
      if (ends <= 1) continue;
      std::string text = "several ends of " + peer;
      for (const Error& error : errors) text += ", " + explain(error);
      find(text);
    }
  }

  const Evidence& evidence_;
  std::vector<std::string> findings_;
};

} // namespace

std::vector<std::string> judge(const Evidence& evidence) { return Judge(evidence).judge(); }

} // namespace ringfort::sim
