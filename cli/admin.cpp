#include "cli/admin.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "cli/table.hpp"
#include "cli/unix_socket.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view exit_prefix = "exit ";
constexpr std::string_view json_prefix = "json ";
constexpr std::string_view http_mark = " HTTP/1.";

std::string_view first_line(std::string_view request) noexcept {
  return request.substr(0, request.find('\n'));
}

/// "GET /status HTTP/1.1", and not what somebody asks about.
bool is_http(std::string_view line) noexcept {
  if (line.starts_with(exit_prefix) || line.starts_with(json_prefix)) return false;
  const std::size_t version = line.find(http_mark);
  const bool at_end = line.size() - std::min(line.size(), version) <= http_mark.size() + 2;
  return version != line.npos && at_end; // Behind the mark there is a digit, and perhaps CR.
}

/// Of HTTP the whole head is taken, so that nothing is left unread when the socket is closed.
bool is_whole(std::string_view request) noexcept {
  const std::string_view line = first_line(request);
  return is_http(line) ? request.find("\r\n\r\n") != request.npos : line.size() < request.size();
}

bool take_prefix(std::string_view& line, std::string_view prefix) noexcept {
  if (!line.starts_with(prefix)) return false;
  line.remove_prefix(prefix.size());
  return true;
}

std::string json_text(const Admin::Json& value) {
  // A peer's bytes may be no UTF-8.
  return value.dump(2, ' ', false, Admin::Json::error_handler_t::replace) + '\n';
}

std::string text_for_people(const Admin::Answer& answer) {
  return answer.text.empty() ? text_of(answer.value) : answer.text;
}

std::string http_answer(std::string_view status, std::string_view type, const std::string& body) {
  std::string text("HTTP/1.1 ");
  text.append(status).append("\r\ncontent-type: ").append(type);
  text.append("\r\ncontent-length: ").append(std::to_string(body.size()));
  return text.append("\r\nconnection: close\r\n\r\n").append(body);
}

} // namespace

Admin::Admin() {
  add("help", "what may be asked", [this] { return Answer{.value = help()}; });
}

Admin::~Admin() {
  thread_.finish();
  if (listener_ && owns_path_ && !handed_on_) ::unlink(path_.c_str());
}

void Admin::add(std::string word, std::string help, Command command, Effect effect) {
  add_of(
      std::move(word), {}, std::move(help),
      [command = std::move(command)](std::string_view) { return command(); }, effect);
}

void Admin::add_of(std::string word, std::string thing, std::string help, CommandOf command,
                   Effect effect) {
  commands_.emplace(std::move(word),
                    Entry{std::move(thing), std::move(help), std::move(command), effect});
}

bool Admin::start(const std::string& path, Complaints& complaints) {
  std::string objection = objection_to(path);
  owns_path_ = objection.empty();
  if (owns_path_) return start_with(listen_at(path), path, complaints);
  complaints.add("--admin " + path, std::move(objection));
  return false;
}

bool Admin::start_with(Descriptor listener, const std::string& path, Complaints& complaints) {
  if (const std::string bound = path_of(listener); listener && bound != path) {
    complaints.add("--admin " + path, "the predecessor listens at " + bound +
                                          ", which goes on: for another one start anew");
    return false;
  }
  listener_ = std::move(listener);
  path_ = path;
  if (listener_ && thread_.start([this] { serve(); })) return true;
  complaints.add("--admin " + path, std::strerror(errno));
  return false;
}

void Admin::hand_on() {
  if (!listener_) return;
  handed_on_ = true;
  thread_.end();
}

void Admin::serve() const {
  while (thread_.wait_for(listener_.get()) != PollingThread::Woken::end) {
    const Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) (void)write_all(client.get(), answer(client.get()));
  }
}

std::string Admin::answer(int client) const {
  const std::string request = read_request(client, is_whole);
  const std::string_view line = first_line(request);
  return is_http(line) ? answer_http(line.substr(0, line.find(http_mark))) : answer_line(line);
}

Admin::Asked Admin::find(std::string_view text, char separator) const {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view thing = text.substr(std::min(end + 1, text.size()));
  const auto command = commands_.find(text.substr(0, end));
  if (command == commands_.end() || command->second.thing.empty() != thing.empty()) return {};
  return {&command->second, thing};
}

Admin::Answer Admin::run(std::string_view line) const {
  if (const Asked asked = find(line, ' '); asked.entry != nullptr) {
    return asked.entry->run(asked.thing);
  }
  Answer unknown{.value = {}, .status = ExitStatus::usage};
  unknown.value["unknown_command"] = line;
  const auto command = commands_.find(line.substr(0, line.find(' ')));
  if (command == commands_.end()) {
    unknown.text.append("unknown command '").append(line).append("'");
  } else {
    const std::string& thing = command->second.thing;
    unknown.text.append(command->first).append(thing.empty() ? " takes nothing" : " needs ");
    unknown.text.append(thing);
  }
  unknown.text.append("; there are:\n").append(text_of(help()));
  return unknown;
}

Admin::Json Admin::help() const {
  Json words;
  for (const auto& [word, entry] : commands_) {
    words[entry.thing.empty() ? word : word + ' ' + entry.thing] = entry.help;
  }
  return words;
}

std::string Admin::answer_line(std::string_view line) const {
  const bool exits = take_prefix(line, exit_prefix);
  const bool json = take_prefix(line, json_prefix);
  const Answer answer = run(line);
  std::string text = exits ? std::to_string(static_cast<int>(answer.status)) + '\n' : "";
  return text.append(json ? json_text(answer.value) : text_for_people(answer));
}

std::string Admin::answer_http(std::string_view line) const {
  constexpr std::string_view json = "application/json";
  constexpr std::string_view plain = "text/plain; charset=utf-8";
  const std::size_t space = line.find(" /");
  const std::string_view path = line.substr(std::min(space + 2, line.size()));
  const Asked asked = space == std::string_view::npos ? Asked{} : find(path, '/');
  if (asked.entry == nullptr) return http_answer("404 Not Found", json, json_text(help()));
  const bool changes = asked.entry->effect == Effect::changes;
  if (line.substr(0, space) != (changes ? "POST" : "GET")) {
    return http_answer("405 Method Not Allowed", plain, changes ? "POST it\n" : "GET it\n");
  }
  const Answer answer = asked.entry->run(asked.thing);
  const bool refused = answer.status != ExitStatus::ok;
  const std::string_view status = refused ? "409 Conflict" : "200 OK";
  if (!answer.text_type.empty()) return http_answer(status, answer.text_type, answer.text);
  return http_answer(status, json, json_text(answer.value));
}

} // namespace ringfort::cli
