// served_names — which identities the program serves, and with which session files, read when it
// starts, and again when asked: what is unusable then leaves what was there in force.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <ringfort/names.hpp>

#include "cli/identity_flags.hpp"
#include "cli/name_folder.hpp"
#include "cli/policy_contexts.hpp"
#include "cli/session_flags.hpp"

namespace ringfort::cli {

struct NameFlags {
  IdentityFlags identity; ///< the default's; none: who asks for no name, or another, is refused
  SessionFlags sessions;  ///< whose files `policy` was read from
  std::string folder;     ///< empty: the default answers every name
};

/// What came of reading the files again.
struct Reload {
  std::uint64_t generation = 0;   ///< in force now
  std::size_t changed = 0;        ///< names, the default among them, and session files
  std::size_t removed = 0;        ///< names
  std::vector<Complaint> refused; ///< each was left as it was

  /// One line.
  std::string text() const;
};

/// Where: any thread, once loaded.
class ServedNames {
public:
  /// Up to so many names of a folder are read and checked before the port is bound, and kept in
  /// memory. With more, each is read when a client first asks for it.
  static constexpr std::size_t eager_max = 1'000;

  /// `policy` is what every context shares: everything but identities.
  ServedNames(NameFlags flags, tls::ContextOptions policy)
      : flags_(std::move(flags)),
        policy_(std::make_shared<const tls::ContextOptions>(std::move(policy))) {}

  /// What to serve. Empty after a complaint.
  std::optional<tls::LiveNames> load(Complaints& complaints);
  /// Reads what has changed since; what is refused is complained of before. After load().
  Reload reload();
  /// A name in force. The default has no pattern.
  struct Row {
    std::string pattern = {};
    std::uint64_t generation = 0;                 ///< that brought what serves it now
    std::optional<std::int64_t> expires_unix_s{}; ///< empty: it is read when a client asks for it
  };
  /// After load(). Waits for a reload to end.
  std::vector<Row> rows();
  /// The folders whose files are read.
  std::vector<std::string> folders() const;

  /// The text of the first context's; empty while none was made.
  const std::string& policy() const noexcept { return policy_text_; }
  /// After load().
  tls::LiveNames& live() noexcept { return *live_; }

private:
  struct Known {
    Stamp stamp;
    std::uint64_t generation = 0; ///< 0: the one that is about to be published
  };
  struct Tally {
    std::size_t changed = 0;
    std::size_t removed = 0;
  };
  using Source = std::shared_ptr<const tls::ContextSource>;

  Source source_with(const Policy& policy, const Spellings& spellings,
                     Complaints& complaints) const;
  void take_session_files(tls::Names& names, Tally& tally, Complaints& complaints);
  bool remake(tls::Names& names, const Policy& policy, Complaints& complaints) const;
  void take_all(tls::Names& names, Tally& tally, Complaints& complaints);
  void take_default(tls::Names& names, Tally& tally, Complaints& complaints);
  void take_folder(tls::Names& names, Tally& tally, Complaints& complaints);
  void forget_missing(tls::Names& names, const NameFolder& there, Tally& tally);
  void note_generation(std::uint64_t generation);
  void note_policy(const tls::Context& context);
  bool take_pair(tls::Names& names, const NameFolder& there, const std::string& pattern,
                 Complaints& complaints);

  NameFlags flags_;
  Policy policy_;
  std::optional<tls::LiveNames> live_;
  std::mutex mutex_;                   ///< one reload at a time
  std::map<std::string, Known> known_; ///< the folder's names in force
  Spellings spellings_;                ///< of the folder, when it was last read
  std::uint64_t default_generation_ = 0;
  std::vector<tls::Identity> default_identities_;
  std::string policy_text_;
  bool lazy_ = false;
  Source source_; ///< of names that are read when asked for
};

} // namespace ringfort::cli
