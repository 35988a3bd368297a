// admin — a socket of the file system where a running program is asked what it does, and told to
// read its files again: one line in, an answer, and the end.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "cli/exit_status.hpp"

namespace ringfort::cli {

class Admin {
public:
  /// Answers one command. Called in the admin's own thread, one at a time.
  using Command = std::function<std::string()>;

  Admin() = default;
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin();

  /// "help" lists the others. Before start().
  void add(std::string word, std::string help, Command command);
  /// Listens at `path` with mode 0600. A socket that nobody answers at is replaced; anything else
  /// that lies there is left alone. False after a complaint.
  bool start(const std::string& path, ExitStatus& status);

private:
  struct Entry {
    std::string help;
    Command run;
  };

  void serve() const;
  std::string answer(const std::string& line) const;

  std::map<std::string, Entry> commands_;
  std::string path_;
  int listener_ = -1;
  int end_ = -1; ///< eventfd(2): the thread shall end
  std::jthread thread_;
};

/// `ringfort inspect`: sends one line to a running program and prints its answer.
struct InspectFlags {
  std::string admin;
  std::string what = "generations";
};
ExitStatus inspect(const InspectFlags& flags);

} // namespace ringfort::cli
