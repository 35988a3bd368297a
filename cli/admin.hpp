// admin — a socket of the file system where a running program is asked what it does, and told to
// read its files again: one request in, an answer, and the end.
//
// A request is a line, "WORD" or "json WORD", or one of HTTP/1.x: "GET /WORD", and "POST /WORD" for
// what changes something; of a command that asks about one of several things, "WORD THING" or
// "/WORD/THING". With "exit" in front of a line, the answer's first line is the exit
// status that `ringfort inspect` ends with.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cli/complaints.hpp"
#include "cli/descriptor.hpp"
#include "cli/polling_thread.hpp"

namespace ringfort::cli {

class Admin {
public:
  using Json = nlohmann::ordered_json;
  /// What a command says.
  struct Answer {
    Json value;                         ///< for programs, and as a table for people
    std::string text = {};              ///< for people, instead of the table; may be empty
    std::string_view text_type = {};    ///< of HTTP: not the value but the text is sent, as this
    ExitStatus status = ExitStatus::ok; ///< else the command was refused: 409 over HTTP
  };
  /// Answers one command. Called in the admin's own thread, one at a time.
  using Command = std::function<Answer()>;
  using CommandOf = std::function<Answer(std::string_view thing)>;
  enum class Effect { none, changes };

  Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin();

  /// "help", which is there from the first, lists the others. Before start().
  void add(std::string word, std::string help, Command command, Effect effect = Effect::none);
  /// Likewise; `thing` says in the help what has to follow the word.
  void add_of(std::string word, std::string thing, std::string help, CommandOf command,
              Effect effect);
  /// Listens at `path` with mode 0600. A socket that nobody answers at is replaced; anything else
  /// that lies there is left alone. False after a complaint.
  bool start(const std::string& path, Complaints& complaints);
  /// Answers instead at a socket that listens at `path` already: a predecessor's, whose path stays
  /// at the end unless own_path() was called. The same.
  bool start_with(Descriptor listener, const std::string& path, Complaints& complaints);
  /// The predecessor answers there no more. Where: any thread.
  void own_path() noexcept { owns_path_ = true; }
  /// Another process goes on answering there: no further request is taken, and the path stays.
  /// Where: any thread.
  void hand_on();
  /// Takes no further request, and waits for the one that it answers; before what commands look at
  /// goes.
  void finish() { thread_.finish(); }
  /// Negative while it does not listen. Borrow: until its end.
  int listener() const noexcept { return listener_.get(); }

private:
  struct Entry {
    std::string thing; ///< empty: nothing follows the word
    std::string help;
    CommandOf run;
    Effect effect;
  };
  struct Asked {
    const Entry* entry = nullptr; ///< null: there is no such command
    std::string_view thing;
  };

  void serve() const;
  std::string answer(int client) const;
  Asked find(std::string_view text, char separator) const;
  Answer run(std::string_view line) const;
  Json help() const;
  std::string answer_line(std::string_view line) const;
  std::string answer_http(std::string_view line) const;

  std::map<std::string, Entry, std::less<>> commands_;
  std::string path_;
  std::atomic<bool> owns_path_{false};
  std::atomic<bool> handed_on_{false};
  Descriptor listener_;
  PollingThread thread_; ///< ends before what it uses
};

} // namespace ringfort::cli
