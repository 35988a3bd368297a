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

} // namespace

std::optional<tls::Context> ServedNames::make_context(const IdentityFlags& files,
                                                      ExitStatus& status) {
  auto identities = cli::load(files, status);
  if (!identities) return {};
  tls::ContextOptions options = policy_;
  options.identities = std::move(*identities);
  auto context = tls::Context::create(std::move(options));
  if (!context) {
    const std::string about = subject_of(flags_.sessions, context.error().code);
    status = complain(context.error(), about.empty() ? files.text() : about);
    return {};
  }
  if (policy_text_.empty()) policy_text_ = context->policy();
  warn(*context, files);
  return std::move(*context);
}

/// Reads a name's files when a client asks for it: what is wrong then is that handshake's failure.
std::shared_ptr<const tls::ContextSource> ServedNames::make_source(ExitStatus& status) const {
  auto phrase = pass_phrase_of(flags_.identity, status);
  if (!phrase) return nullptr;
  return std::make_shared<const tls::ContextSource>(
      [this, phrase = std::move(*phrase)](std::string_view pattern) -> Result<tls::Context> {
        const NamedFiles files(flags_.folder, pattern);
        auto identity = tls::load_identity(files.chain, files.key);
        if (!identity) return std::unexpected(identity.error());
        identity->pass_phrase = phrase;
        tls::ContextOptions options = policy_;
        options.identities.push_back(std::move(*identity));
        return tls::Context::create(std::move(options));
      });
}

void ServedNames::take_default(tls::Names& names, Tally& tally, ExitStatus& status) {
  if (flags_.identity.none()) return;
  auto context = make_context(flags_.identity, status);
  if (!context) {
    ++tally.refused;
  } else if (!same(default_identities_, context->options().identities)) {
    default_identities_ = context->options().identities;
    default_generation_ = 0;
    names.set_default(std::move(*context));
    ++tally.changed;
  }
}

void ServedNames::take_folder(tls::Names& names, Tally& tally, ExitStatus& status) {
  const auto there = scan_name_folder(flags_.folder, status);
  source_ = there ? make_source(status) : nullptr;
  if (source_ == nullptr) {
    ++tally.refused;
    return;
  }
  if (!live_) lazy_ = there->size() > eager_max;
  forget_missing(names, *there, tally);
  for (const auto& [pattern, stamp] : *there) {
    const auto known = known_.find(pattern);
    if (known != known_.end() && known->second.stamp == stamp) continue;
    if (take_pair(names, pattern, status)) {
      known_[pattern] = {.stamp = stamp};
      ++tally.changed;
    } else {
      ++tally.refused;
    }
  }
}

void ServedNames::forget_missing(tls::Names& names, const NameFolder& there, Tally& tally) {
  for (auto known = known_.begin(); known != known_.end();) {
    const auto current = known++;
    if (there.contains(current->first)) continue;
    names.remove(current->first);
    known_.erase(current);
    ++tally.removed;
  }
}

/// A change is always looked at before it replaces what works.
bool ServedNames::take_pair(tls::Names& names, const std::string& pattern, ExitStatus& status) {
  const NamedFiles pair(flags_.folder, pattern);
  IdentityFlags files = flags_.identity; // The pass phrase is everybody's.
  files.certs = {pair.chain};
  files.keys = {pair.key};
  files.pkcs12.clear();
  std::optional<tls::Context> context;
  if (!lazy_ || live_) {
    context = make_context(files, status);
    if (!context) return false;
  }
  const auto set = lazy_ ? names.set(pattern, source_) : names.set(pattern, std::move(*context));
  if (!set) status = complain(set.error(), pair.chain);
  return set.has_value();
}

void ServedNames::take_all(tls::Names& names, Tally& tally, ExitStatus& status) {
  take_default(names, tally, status);
  if (!flags_.folder.empty()) take_folder(names, tally, status);
}

std::optional<tls::LiveNames> ServedNames::load(ExitStatus& status) {
  tls::Names names;
  Tally tally;
  take_all(names, tally, status);
  if (tally.refused > 0) return {};
  live_.emplace(std::move(names));
  note_generation(live_->generation());
  return live_;
}

std::string ServedNames::reload() {
  const std::lock_guard lock(mutex_);
  tls::Names names = live_->names();
  Tally tally;
  ExitStatus ignored = ExitStatus::ok; // Said on standard error; what was there stays in force.
  take_all(names, tally, ignored);
  std::uint64_t generation = live_->generation();
  if (tally.changed + tally.removed > 0) {
    generation = live_->publish(std::move(names));
    note_generation(generation);
  }
  return "generation " + std::to_string(generation) + ": " + std::to_string(tally.changed) +
         " changed, " + std::to_string(tally.removed) + " removed, " +
         std::to_string(tally.refused) + " refused and left as they were";
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
  for (const auto* files : {&flags_.identity.certs, &flags_.identity.keys}) {
    for (const std::string& file : *files) add(folder_of(file));
  }
  if (!flags_.identity.pkcs12.empty()) add(folder_of(flags_.identity.pkcs12));
  if (!flags_.folder.empty()) add(flags_.folder);
  return folders;
}

} // namespace ringfort::cli
