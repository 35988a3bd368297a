#include "cli/reloads.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include "cli/inspection.hpp"
#include "cli/key_log_file.hpp"
#include "cli/served_names.hpp"

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

void append_value(std::string& out, std::string_view name, std::string_view kind,
                  std::string_view help, std::uint64_t value) {
  out.append("# HELP ringfort_").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ringfort_").append(name).append(" ").append(kind).append("\n");
  out.append("ringfort_").append(name).append(" ").append(std::to_string(value)).append("\n");
}

} // namespace

bool Reloads::start(const ServeFlags& flags, const std::string& urls, const std::string& spans,
                    Descriptor admin_socket, Complaints& complaints) {
  const auto changed = [this] { (void)reload(Wish::file_changed); };
  if (served_ != nullptr && flags.watch && !watch_.start(served_->folders(), changed)) {
    complaints.add("--watch", std::strerror(errno));
    return false;
  }
  if (flags.admin.empty()) return true;
  add_inspection(
      admin_,
      {.engine = engine_, .reloads = *this, .names = served_, .urls = urls, .spans = spans});
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
  std::string text;
  engine_.metrics().write_text(text);
  logs_.write_metrics(text);
  if (served_ == nullptr) return text;
  append_value(text, "reloads_total", "counter", "Times that files were read again.", all_);
  append_value(text, "reloads_refused_total", "counter",
               "Reloads that refused something, which was left as it was.", refused_);
  append_value(text, "names_generation", "gauge", "The generation of names in force.",
               served_->live().generation());
  return text;
}

} // namespace ringfort::cli
