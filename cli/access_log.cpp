#include "cli/access_log.hpp"

#include <ctime>
#include <string>

namespace ringfort::cli {

namespace {

void write_peer(LogLine& line, const ConnectionFacts& facts) {
  line.word("peer", facts.peer);
  if (!facts.proxy.empty()) line.word("proxy", facts.proxy);
}

class AccessLog final : public Observer {
public:
  AccessLog(LogFile& file, const TrustedProxies& proxies) : file_(file), proxies_(proxies) {}

  void answered(const Exchange& exchange, const ExchangeReport& report) noexcept override {
    line_.clear();
    write(exchange, report);
    file_.write(line_);
  }

  void passed_through(const ConnectionFacts& facts,
                      const PassthroughReport& report) noexcept override;

private:
  void write(const Exchange& exchange, const ExchangeReport& report);

  LogFile& file_;
  const TrustedProxies& proxies_;
  std::string line_; ///< keeps its memory from line to line
};

void AccessLog::write(const Exchange& exchange, const ExchangeReport& report) {
  const Head& head = exchange.head();
  const ConnectionFacts& facts = exchange.connection();
  LogLine line(file_.format(), line_, std::time(nullptr), "info", "access");
  write_peer(line, facts);
  line.number("connection", facts.id).number("request", std::uint64_t{report.request});
  line.word("method", head.method_name).text("target", head.target);
  line.number("version", std::uint64_t{head.version_minor}).text("host", head.authority);
  line.number("status", std::int64_t{report.status}).flag("whole", report.whole);
  line.number("in", report.received_body_bytes).number("out", report.sent_body_bytes);
  using std::chrono::microseconds;
  line.milliseconds("ms", std::chrono::duration_cast<microseconds>(report.taken).count());
  line.text("agent", exchange.fields().find("user-agent").value_or(""));
  if (facts.encrypted) {
    line.word("tls", facts.version).word("suite", facts.suite).text("sni", facts.server_name);
    line.flag("resumed", facts.resumed);
  }
  if (const Forwarded claims = proxies_.claims(exchange); claims.told()) {
    line.text("claimed_client", claims.client).text("claimed_scheme", claims.scheme);
    line.text("claimed_host", claims.host);
  }
  line.end();
}

void AccessLog::passed_through(const ConnectionFacts& facts,
                               const PassthroughReport& report) noexcept {
  line_.clear();
  LogLine line(file_.format(), line_, std::time(nullptr), "info", "passthrough");
  write_peer(line, facts);
  line.number("connection", facts.id).text("sni", report.server_name);
  line.word("server", report.server).flag("whole", report.whole);
  line.number("in", report.received_bytes).number("out", report.sent_bytes);
  using std::chrono::microseconds;
  line.milliseconds("ms", std::chrono::duration_cast<microseconds>(report.taken).count());
  line.end();
  file_.write(line_);
}

} // namespace

ObserverFactory access_log(LogFile& file, const TrustedProxies& proxies) {
  return [&file, &proxies](Shard&) { return std::make_unique<AccessLog>(file, proxies); };
}

} // namespace ringfort::cli
