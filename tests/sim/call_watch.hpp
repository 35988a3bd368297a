// call_watch — what must hold of a simulated client and its calls: while it runs, and at the end.
#pragma once

#include <string>
#include <vector>

#include <ringfort/client.hpp>

#include "tests/sim/ask.hpp"

namespace ringfort::sim {

class CallWatch {
public:
  explicit CallWatch(const ClientOptions& options) : options_(options) {}

  /// After each turn.
  void look(const Client& client);
  /// When all errands have ended. `kind`: each call had to be answered.
  void judge(const std::vector<Ask>& asks, const Ledger& ledger, bool kind);
  /// After the drain.
  void judge_end(const Client& client);

  const std::vector<std::string>& findings() const noexcept { return findings_; }

private:
  void find(const std::string& text);
  void judge_heard(const Ask& ask, const Asked& asked, const Heard& heard, const std::string& name);
  void judge_kind(const Ask& ask, const Asked& asked, const std::string& name);
  void judge_answered(const Ask& ask, const Asked& asked, const Heard& heard,
                      const std::string& name);
  void judge_failed(const Asked& asked, const Heard& heard, const std::string& name);

  ClientOptions options_;
  unsigned crowded_ = 0; ///< turns in a row that had too many waiting
  std::vector<std::string> findings_;
};

} // namespace ringfort::sim
