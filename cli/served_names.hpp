// served_names — which identities the program serves, read when it starts, and again when asked:
// what is unusable then leaves what was there in force.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <ringfort/names.hpp>

#include "cli/identity_flags.hpp"
#include "cli/name_folder.hpp"
#include "cli/session_flags.hpp"

namespace ringfort::cli {

struct NameFlags {
  IdentityFlags identity; ///< the default's; none: who asks for no name, or another, is refused
  SessionFlags sessions;  ///< whose files `policy` was read from
  std::string folder;     ///< empty: the default answers every name
};

/// Where: any thread, once loaded.
class ServedNames {
public:
  /// Up to so many names of a folder are read and checked before the port is bound, and kept in
  /// memory. With more, each is read when a client first asks for it.
  static constexpr std::size_t eager_max = 1'000;

  /// `policy` is what every context shares: everything but identities.
  ServedNames(NameFlags flags, tls::ContextOptions policy)
      : flags_(std::move(flags)), policy_(std::move(policy)) {}

  /// What to serve. Empty after a complaint, whose status is in `status`.
  std::optional<tls::LiveNames> load(ExitStatus& status);
  /// Reads what has changed since. Answers one line that says what came of it; what was refused is
  /// complained of before. After load().
  std::string reload();
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
    std::size_t refused = 0;
  };

  std::optional<tls::Context> make_context(const IdentityFlags& files, ExitStatus& status);
  std::shared_ptr<const tls::ContextSource> make_source(ExitStatus& status) const;
  void take_all(tls::Names& names, Tally& tally, ExitStatus& status);
  void take_default(tls::Names& names, Tally& tally, ExitStatus& status);
  void take_folder(tls::Names& names, Tally& tally, ExitStatus& status);
  void forget_missing(tls::Names& names, const NameFolder& there, Tally& tally);
  void note_generation(std::uint64_t generation);
  bool take_pair(tls::Names& names, const std::string& pattern, ExitStatus& status);

  NameFlags flags_;
  tls::ContextOptions policy_;
  std::optional<tls::LiveNames> live_;
  std::mutex mutex_;                   ///< one reload at a time
  std::map<std::string, Known> known_; ///< the folder's names in force
  std::uint64_t default_generation_ = 0;
  std::vector<tls::Identity> default_identities_;
  std::string policy_text_;
  bool lazy_ = false;
  std::shared_ptr<const tls::ContextSource> source_; ///< of names that are read when asked for
};

} // namespace ringfort::cli
