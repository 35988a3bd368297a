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
#include "tests/sim/wire.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

/// One request, encoded, and the answer that it must bring.
struct Errand {
  std::string tag; ///< sent as x-request and expected back
  std::string request;
  bool head_only = false;
  int status = 200;
  std::string body;
  bool closes = false; ///< the request says connection: close
  bool old = false;    ///< HTTP/1.0
};

enum class Ending : std::uint8_t {
  closes,        ///< closes when it has all answers
  half_closes,   ///< sends FIN after its last request, reads on to the end
  server_closes, ///< asks for connection: close and reads on to the end
  trickles,      ///< sends a byte now and then, `cut_bytes` at most, then falls silent
  resets,        ///< RST after `cut_bytes`
  abandons,      ///< closes after `cut_bytes`
  vanishes,      ///< falls silent after `cut_bytes`
};

struct Plan {
  std::uint16_t port = 0;
  Time start{0};
  std::vector<Errand> errands;
  std::size_t pipeline_depth = 1; ///< requests sent before the first answer is there
  std::size_t write_bytes_max = 65'536;
  std::size_t read_bytes_max = 65'536;
  Time pause_max{0}; ///< between two steps
  Ending ending = Ending::closes;
  std::uint64_t cut_bytes = 0; ///< sent and received together
};

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
  bool write_some();
  bool finish_stream();
  bool read_some();
  void take_answers();
  void judge(const Answer& answer);
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
  bool finished_ = false;
  int refused_with_ = 0;
  Outcome outcome_ = Outcome::pending;
  std::string failure_;
};

const char* name_of(Client::Outcome outcome) noexcept;

} // namespace ringfort::sim
