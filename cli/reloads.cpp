#include "cli/reloads.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include <ringfort/metrics_text.hpp>

#include "cli/inspection.hpp"
#include "cli/key_log_file.hpp"
#include "cli/served_names.hpp"
#include "cli/upstream_commands.hpp"

namespace ringfort::cli {

namespace {

Admin::Answer answer_of(const Reload& outcome) {
  Admin::Answer answer;
  answer.text = outcome.text() + '\n';
  answer.value["generation"] = outcome.generation;
  answer.value["changed"] = outcome.changed;
  answer.value["removed"] = outcome.removed;
  Admin::Json& refused = answer.value["refused"] = Admin::Json::array();
  for (const Complaint& complaint : outcome.refused) {
    answer.text.append("refused: ").append(complaint.line()).append("\n");
    refused.push_back(
        {{"about", complaint.about}, {"code", complaint.code}, {"reason", complaint.reason}});
  }
  if (!outcome.refused.empty()) answer.status = ExitStatus::config;
  return answer;
}

} // namespace

bool Reloads::start(const ServeFlags& flags, const std::string& urls, const std::string& spans,
                    Descriptor admin_socket, Complaints& complaints) {
  const auto changed = [this] { (void)reload(Wish::file_changed); };
  if (served_ != nullptr && flags.watch && !watch_.start(served_->folders(), changed)) {
    complaints.add("--watch", std::strerror(errno));
    return false;
  }
  if (flags.admin.empty()) {
    if (!admin_socket) return true;
    complaints.add("--admin", "the predecessor has one, which goes on: to leave it, start anew");
    return false;
  }
  add_inspection(
      admin_,
      {.engine = engine_, .reloads = *this, .names = served_, .urls = urls, .spans = spans});
  add_upstream_commands(admin_, upstreams_);
  if (served_ != nullptr) {
    admin_.add(
        "reload", "reads certificates, keys, authorities, lists and ticket keys again",
        [this] { return reload(Wish::asked); }, Admin::Effect::changes);
  }
  return admin_socket ? admin_.start_with(std::move(admin_socket), flags.admin, complaints)
                      : admin_.start(flags.admin, complaints);
}

Admin::Answer Reloads::reload(Wish wish) {
  Reload outcome = served_->reload();
  if (key_log_ != nullptr && wish == Wish::asked) {
    Complaints complaints;
    key_log_->reopen(complaints);
    for (const Complaint& complaint : complaints.all()) outcome.refused.push_back(complaint);
  }
  ++all_;
  if (!outcome.refused.empty()) ++refused_;
  std::cerr << "ringfort: " << outcome.text() << std::endl;
  return answer_of(outcome);
}

std::string Reloads::metrics_text() const {
  std::string out;
  engine_.metrics().write_text(out);
  MetricsText text(out);
  logs_.write_metrics(text);
  upstreams_.write_metrics(text);
  if (served_ == nullptr) return out;
  text.counter("reloads_total", "Times that files were read again.", all_);
  text.counter("reloads_refused_total", "Reloads that refused something, which was left as it was.",
               refused_);
  text.gauge("names_generation", "The generation of names in force.", served_->live().generation());
  return out;
}

} // namespace ringfort::cli
