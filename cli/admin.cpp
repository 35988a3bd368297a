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

constexpr std::string_view json_prefix = "json ";
constexpr std::string_view http_mark = " HTTP/1.";

std::string_view first_line(std::string_view request) noexcept {
  return request.substr(0, request.find('\n'));
}

/// Of HTTP the whole head is taken, so that nothing is left unread when the socket is closed.
bool is_whole(std::string_view request) noexcept {
  const std::string_view line = first_line(request);
  const bool http = line.find(http_mark) != line.npos;
  return http ? request.find("\r\n\r\n") != request.npos : line.size() < request.size();
}

std::string json_text(const Admin::Answer& answer) {
  // A peer's bytes may be no UTF-8.
  return answer.dump(2, ' ', false, Admin::Answer::error_handler_t::replace) + '\n';
}

std::string http_answer(std::string_view status, std::string_view type, const std::string& body) {
  std::string text("HTTP/1.1 ");
  text.append(status).append("\r\ncontent-type: ").append(type);
  text.append("\r\ncontent-length: ").append(std::to_string(body.size()));
  return text.append("\r\nconnection: close\r\n\r\n").append(body);
}

} // namespace

Admin::~Admin() {
  thread_.finish();
  if (listener_) ::unlink(path_.c_str());
}

void Admin::add(std::string word, std::string help, Command command, Effect effect) {
  commands_.emplace(std::move(word), Entry{std::move(help), std::move(command), effect});
}

bool Admin::start(const std::string& path, ExitStatus& status) {
  const auto address = unix_address(path);
  if (!address) {
    status = complain_of_admin(path, "a socket's path has 1 to 107 bytes");
    return false;
  }
  listener_ = listen_at(path, *address);
  if (!listener_ || !thread_.start([this] { serve(); })) {
    status = complain_of_admin(path, std::strerror(errno));
    return false;
  }
  path_ = path;
  return true;
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
  const std::size_t version = line.find(http_mark);
  return version == line.npos ? answer_line(line) : answer_http(line.substr(0, version));
}

std::string Admin::answer_line(std::string_view line) const {
  const bool json = line.starts_with(json_prefix);
  if (json) line.remove_prefix(json_prefix.size());
  if (const auto command = commands_.find(line); command != commands_.end()) {
    const Answer answer = command->second.run();
    return json ? json_text(answer) : text_of(answer);
  }
  std::string text;
  if (line != "help") text.append("unknown command '").append(line).append("'; there are:\n");
  for (const auto& [word, entry] : commands_) {
    text.append(word).append(word.size() < 14 ? 14 - word.size() : 1, ' ');
    text.append(entry.help).append("\n");
  }
  return text;
}

std::string Admin::answer_http(std::string_view line) const {
  constexpr std::string_view plain = "text/plain; charset=utf-8";
  const std::size_t space = line.find(" /");
  const std::string_view word = line.substr(std::min(space + 2, line.size()));
  const auto command = space == std::string_view::npos ? commands_.end() : commands_.find(word);
  if (command == commands_.end()) return http_answer("404 Not Found", plain, answer_line("help"));
  const bool changes = command->second.effect == Effect::changes;
  if (line.substr(0, space) != (changes ? "POST" : "GET")) {
    return http_answer("405 Method Not Allowed", plain, changes ? "POST it\n" : "GET it\n");
  }
  const Answer answer = command->second.run();
  if (!answer.is_string()) return http_answer("200 OK", "application/json", json_text(answer));
  // What Prometheus asks for of its text form.
  return http_answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", text_of(answer));
}

ExitStatus complain_of_admin(const std::string& path, const std::string& text) {
  std::cerr << "ringfort: --admin " << path << ": " << text << std::endl;
  return ExitStatus::config;
}

} // namespace ringfort::cli
