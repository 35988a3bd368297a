#include "cli/served_names.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace ringfort::cli {

namespace {

bool same(const std::vector<tls::Identity>& one, const std::vector<tls::Identity>& other) {
  return std::ranges::equal(one, other, [](const tls::Identity& left, const tls::Identity& right) {
    return left.chain_pem == right.chain_pem && left.key_pem == right.key_pem;
  });
}

std::string folder_of(const std::string& file) {
  const std::string folder = std::filesystem::path(file).parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string_view spelling_of(const Spellings& spellings, const std::string& pattern) {
  const auto spelling = spellings.find(pattern);
  return spelling == spellings.end() ? std::string_view() : spelling->second;
}

} // namespace

std::string Reload::text() const {
  return "generation " + std::to_string(generation) + ": " + std::to_string(changed) +
         " changed, " + std::to_string(removed) + " removed, " + std::to_string(refused.size()) +
         " refused and left as they were";
}

/// Null after a complaint.
ServedNames::Source ServedNames::source_with(const Policy& policy, const Spellings& spellings,
                                             Complaints& complaints) const {
  auto phrase = pass_phrase_of(flags_.identity, complaints);
  return phrase ? make_source(policy, flags_.folder, spellings, std::move(*phrase)) : nullptr;
}

void ServedNames::take_default(tls::Names& names, Tally& tally, Complaints& complaints) {
  if (flags_.identity.none()) return;
  auto identities = cli::load(flags_.identity, complaints);
  if (!identities || same(default_identities_, *identities)) return;
  auto context = make_context(*policy_, *identities, flags_.identity.text(), complaints);
  if (!context) return;
  note_policy(*context);
  warn_of(*context, flags_.identity.text(), {});
  default_identities_ = std::move(*identities);
  default_generation_ = 0;
  names.set_default(std::move(*context));
  ++tally.changed;
}

void ServedNames::take_folder(tls::Names& names, Tally& tally, Complaints& complaints) {
  const auto there = scan_name_folder(flags_.folder, complaints);
  if (!there) return;
  auto source = source_with(policy_, there->spellings, complaints);
  if (source == nullptr) return;
  source_ = std::move(source);
  if (!live_) lazy_ = there->stamps.size() > eager_max;
  forget_missing(names, *there, tally);
  if (there->stamps.empty() && (!live_ || tally.removed > 0)) warn_of_empty(flags_.folder);
  for (const auto& [pattern, stamp] : there->stamps) {
    const auto known = known_.find(pattern);
    const bool renamed = spelling_of(spellings_, pattern) != spelling_of(there->spellings, pattern);
    if (known != known_.end() && known->second.stamp == stamp && !renamed) continue;
    if (!take_pair(names, *there, pattern, complaints)) continue;
    known_[pattern] = {.stamp = stamp};
    ++tally.changed;
  }
  spellings_ = there->spellings;
}

void ServedNames::forget_missing(tls::Names& names, const NameFolder& there, Tally& tally) {
  for (auto known = known_.begin(); known != known_.end();) {
    const auto current = known++;
    if (there.stamps.contains(current->first)) continue;
    names.remove(current->first);
    known_.erase(current);
    ++tally.removed;
  }
}

/// A change is always looked at before it replaces what works.
bool ServedNames::take_pair(tls::Names& names, const NameFolder& there, const std::string& pattern,
                            Complaints& complaints) {
  const NamedFiles pair(flags_.folder, there.spellings, pattern);
  std::optional<tls::Context> context;
  if (!lazy_ || live_) {
    auto identities = cli::load(flags_of(pair, flags_.identity), complaints);
    if (!identities) return false;
    context = make_context(*policy_, std::move(*identities), pair.text(), complaints);
    if (!context) return false;
    note_policy(*context);
    warn_of(*context, pair.chain, pattern);
  }
  const auto set = lazy_ ? names.set(pattern, source_) : names.set(pattern, std::move(*context));
  if (!set) complaints.add(set.error(), pair.chain);
  return set.has_value();
}

/// All of them with one policy, or none: who was revoked for one name is not to get in by another.
void ServedNames::take_session_files(tls::Names& names, Tally& tally, Complaints& complaints) {
  tls::ContextOptions next = *policy_;
  if (!read_files(flags_.sessions, next, complaints)) return;
  const std::size_t changed = changed_files(*policy_, next);
  if (changed == 0) return;
  auto policy = std::make_shared<const tls::ContextOptions>(std::move(next));
  tls::Names remade = names;
  if (!remake(remade, policy, complaints)) return;
  names = std::move(remade);
  policy_ = std::move(policy);
  default_generation_ = 0;
  for (auto& [pattern, known] : known_) known.generation = 0;
  tally.changed += changed;
}

/// Each context again with its own identities. False after a complaint.
bool ServedNames::remake(tls::Names& names, const Policy& policy, Complaints& complaints) const {
  if (const auto& fallback = names.fallback()) {
    auto made =
        make_context(*policy, fallback->options().identities, flags_.identity.text(), complaints);
    if (!made) return false;
    names.set_default(std::move(*made));
  }
  const Source source = source_with(policy, spellings_, complaints);
  if (source == nullptr) return false;
  for (const auto& [pattern, known] : known_) {
    const tls::Names::Entry* const entry = names.entry_of(pattern);
    if (entry == nullptr) continue;
    if (!entry->context) {
      (void)names.set(pattern, source); // It was taken before.
      continue;
    }
    auto made = make_context(*policy, entry->context->options().identities, pattern, complaints);
    if (!made) return false;
    (void)names.set(pattern, std::move(*made));
  }
  return true;
}

void ServedNames::take_all(tls::Names& names, Tally& tally, Complaints& complaints) {
  take_default(names, tally, complaints);
  if (!flags_.folder.empty()) take_folder(names, tally, complaints);
}

std::optional<tls::LiveNames> ServedNames::load(Complaints& complaints) {
  tls::Names names;
  Tally tally;
  take_all(names, tally, complaints);
  if (!complaints.none()) return {};
  live_.emplace(std::move(names));
  note_generation(live_->generation());
  return live_;
}

Reload ServedNames::reload() {
  const std::lock_guard lock(mutex_);
  tls::Names names = live_->names();
  Tally tally;
  Complaints complaints; // Said on standard error; what was there stays in force.
  take_session_files(names, tally, complaints);
  take_all(names, tally, complaints);
  std::uint64_t generation = live_->generation();
  if (tally.changed + tally.removed > 0) {
    generation = live_->publish(std::move(names));
    note_generation(generation);
  }
  return {.generation = generation,
          .changed = tally.changed,
          .removed = tally.removed,
          .refused = complaints.all()};
}

/// For the first line, which is written before anybody may ask for a reload.
void ServedNames::note_policy(const tls::Context& context) {
  if (!live_ && policy_text_.empty()) policy_text_ = context.policy();
}

/// Of what was taken and is published now.
void ServedNames::note_generation(std::uint64_t generation) {
  if (default_generation_ == 0) default_generation_ = generation;
  for (auto& [pattern, known] : known_) {
    if (known.generation == 0) known.generation = generation;
  }
}

std::vector<ServedNames::Row> ServedNames::rows() {
  const std::lock_guard lock(mutex_);
  const tls::Names names = live_->names();
  std::vector<Row> rows;
  if (const auto& fallback = names.fallback()) {
    rows.push_back(
        {.generation = default_generation_, .expires_unix_s = fallback->expires_unix_s()});
  }
  for (const auto& [pattern, known] : known_) {
    Row row{.pattern = pattern, .generation = known.generation};
    const tls::Names::Entry* const entry = names.entry_of(pattern);
    if (entry != nullptr && entry->context) row.expires_unix_s = entry->context->expires_unix_s();
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> ServedNames::folders() const {
  std::vector<std::string> folders;
  const auto add = [&folders](const std::string& folder) {
    if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(folder);
  };
  const std::vector<std::string> session_files = files_of(flags_.sessions);
  for (const auto* files : {&flags_.identity.certs, &flags_.identity.keys, &session_files}) {
    for (const std::string& file : *files) add(folder_of(file));
  }
  if (!flags_.identity.pkcs12.empty()) add(folder_of(flags_.identity.pkcs12));
  if (!flags_.folder.empty()) add(flags_.folder);
  return folders;
}

} // namespace ringfort::cli
