// client — one simulated HTTP client: it sends its errands in fragments, checks every answer byte
// by byte, and ends as its plan says.
//
// The invariant: what a client saw is either right so far, or told in failure().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/answer_reader.hpp"
#include "tests/sim/errand.hpp"
#include "tests/sim/wire.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

class Client final : public Peer {
public:
  enum class Outcome : std::uint8_t {
    pending,
    complete, ///< every answer came and was right
    cut,      ///< ended early by its own plan
    lost,     ///< the connection ended under it
    wrong,    ///< an answer was not what it must be
  };

  Client(World& world, Plan plan, std::unique_ptr<Wire> wire);
  void act() override;

  Outcome outcome() const noexcept { return outcome_; }
  const std::string& failure() const noexcept { return failure_; }
  const Plan& plan() const noexcept { return plan_; }
  std::size_t answered() const noexcept { return answered_; }
  /// An answer other than the one planned came, as a failing server may give: its status.
  int refused_with() const noexcept { return refused_with_; }
  /// Something other than client and server broke the connection.
  bool disturbed() const noexcept { return link_ != nullptr && link_->disturbed(); }
  std::string address() const { return link_ == nullptr ? "" : link_->address().text(); }

private:
  std::int64_t number() const { return link_ == nullptr ? 0 : link_->address().port(); }
  bool begin();
  bool cut_now();
  void write_requests();
  bool write_some();
  bool finish_stream();
  bool read_some();
  void expect_next();
  void take_answers();
  void take_interim();
  void judge(const Answer& answer);
  bool judge_interim(const Answer& answer, const std::string& name);
  void judge_body(const Answer& answer, const std::string& name);
  void on_answered(bool closes);
  void begin_tunnel();
  void take_tunnel();
  void on_tunnel_end(bool reset);
  void on_end(bool reset);
  void conclude(Outcome outcome, std::string failure = {});
  bool all_answered() const noexcept { return answered_ == plan_.errands.size(); }

  World& world_;
  Plan plan_;
  std::unique_ptr<Wire> wire_;
  Link* link_ = nullptr;
  AnswerReader reader_;
  std::string text_; ///< of answers, not yet read
  std::size_t queued_ = 0;
  std::size_t answered_ = 0;
  std::uint64_t moved_bytes_ = 0;
  bool holds_back_ = false; ///< the body of the last request, until it is asked for
  bool finished_ = false;
  bool tunnels_ = false;
  bool ended_ = false; ///< by the server, while the tunnel goes on the other way
  std::string heard_;  ///< through the tunnel
  int refused_with_ = 0;
  Outcome outcome_ = Outcome::pending;
  std::string failure_;
};

const char* name_of(Client::Outcome outcome) noexcept;

} // namespace ringfort::sim
