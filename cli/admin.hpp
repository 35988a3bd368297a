// admin — a socket of the file system where a running program is asked what it does, and told to
// read its files again: one request in, an answer, and the end.
//
// A request is a line, "WORD" or "json WORD", or one of HTTP/1.x: "GET /WORD", and "POST /WORD" for
// what changes something.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cli/descriptor.hpp"
#include "cli/exit_status.hpp"
#include "cli/polling_thread.hpp"

namespace ringfort::cli {

class Admin {
public:
  /// What a command says. A string is text as it stands.
  using Answer = nlohmann::ordered_json;
  /// Answers one command. Called in the admin's own thread, one at a time.
  using Command = std::function<Answer()>;
  enum class Effect { none, changes };

  Admin() = default;
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin();

  /// "help" lists the others. Before start().
  void add(std::string word, std::string help, Command command, Effect effect = Effect::none);
  /// Listens at `path` with mode 0600. A socket that nobody answers at is replaced; anything else
  /// that lies there is left alone. False after a complaint.
  bool start(const std::string& path, ExitStatus& status);

private:
  struct Entry {
    std::string help;
    Command run;
    Effect effect;
  };

  void serve() const;
  std::string answer(int client) const;
  std::string answer_line(std::string_view line) const;
  std::string answer_http(std::string_view line) const;

  std::map<std::string, Entry, std::less<>> commands_;
  std::string path_;
  Descriptor listener_;
  PollingThread thread_; ///< ends before what it uses
};

/// "ringfort: --admin PATH: what is wrong", on standard error.
ExitStatus complain_of_admin(const std::string& path, const std::string& text);

} // namespace ringfort::cli
