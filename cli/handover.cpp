#include "cli/handover.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/complaints.hpp"
#include "cli/inherited.hpp"
#include "cli/passed_keys.hpp"

namespace ringfort::cli {

namespace {

void say(const std::string& text) { std::cerr << "ringfort: " << text << std::endl; }

} // namespace

Result<> Handover::start(Engine& engine, Admin& admin, ServiceNotice& notice,
                         std::optional<tls::TicketKeys> keys, const Terms& terms) {
  auto sockets = engine.duplicate_sockets();
  if (!sockets) return std::unexpected(sockets.error());
  for (const std::vector<int>& of_endpoint : *sockets) {
    auto& kept = sockets_.emplace_back();
    for (const int socket : of_endpoint) kept.emplace_back(socket);
  }
  engine_ = &engine;
  admin_ = &admin;
  notice_ = &notice;
  keys_ = std::move(keys);
  terms_ = terms;
  asked_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  stop_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
  if (!asked_ || !stop_) return fail(Code::listen_failed, errno);
  return {};
}

bool Handover::allow() {
  const std::lock_guard lock(mutex_);
  allowed_ = !sockets_.empty();
  return !allowed_ || thread_.start([this] { wait(); });
}

void Handover::wait() {
  while (thread_.wait_for(asked_.get()) != PollingThread::Woken::end) {
    std::uint64_t times = 0;
    [[maybe_unused]] const auto taken = ::read(asked_.get(), &times, sizeof times);
    (void)run();
  }
}

void Handover::ask() { raise(asked_); }

void Handover::stop() {
  if (!stop_) return;
  raise(stop_);
  {
    const std::lock_guard lock(mutex_);
    sockets_.clear(); // No thread is started from now on.
  }
  thread_.finish();
  watch_.finish();
}

void Handover::watch() {
  if (watch_.wait_for(successor_->life()) == PollingThread::Woken::end) return;
  const std::string failure = successor_->reap();
  if (failure.empty()) return; // It was told to end, or has a successor of its own.
  say("process " + std::to_string(successor_->process()) +
      ", which had taken over, is gone: " + failure + "; this process ends as well");
  // Nobody serves: the sooner the supervisor sees that the service has ended, the better.
  engine_->drain(std::chrono::milliseconds::zero());
}

Admin::Answer Handover::refuse(const std::string& reason) const {
  const std::string text = "no successor: " + reason + "; this process goes on";
  say(text);
  Admin::Answer answer{.value = {}, .text = text + '\n', .status = ExitStatus::config};
  answer.value["refused"] = reason;
  return answer;
}

Admin::Answer Handover::run() {
  if (starting_.test_and_set()) return refuse("one is being started");
  Admin::Answer answer = run_alone();
  starting_.clear();
  return answer;
}

Admin::Answer Handover::run_alone() {
  const std::lock_guard lock(mutex_);
  if (!allowed_) return refuse("this process has not started itself yet");
  if (sockets_.empty()) return refuse("this process ends already");
  return hand_over();
}

Admin::Answer Handover::hand_over() {
  const Descriptor keys = keys_ ? write_passed_keys(*keys_) : Descriptor();
  auto successor = Successor::start(invocation_, gifts(keys), notice_->supervisor());
  if (!successor) return refuse(successor.error());
  const std::string name = "process " + std::to_string(successor->process());
  say("starting a successor, " + name + ": " + invocation_.path);
  if (const std::string reason = successor->wait_until_ready(terms_.patience, stop_.get());
      !reason.empty()) {
    return refuse(name + ": " + reason);
  }
  notice_->hand_on(successor->process());
  admin_->hand_on();
  sockets_.clear();
  engine_->retire(terms_.grace);
  successor_ = std::move(*successor);
  if (!watch_.start([this] { watch(); })) warn(name, std::strerror(errno));
  const std::string text = name + " has taken over; this process serves out what it has begun";
  say(text);
  Admin::Answer answer{.value = {}, .text = text + '\n'};
  answer.value["process"] = successor_->process();
  return answer;
}

std::vector<Gift> Handover::gifts(const Descriptor& keys) const {
  std::vector<Gift> gifts;
  for (std::size_t place = 0; place < sockets_.size(); ++place) {
    const std::string name = std::string(inherited_socket_prefix) + std::to_string(place);
    for (const Descriptor& socket : sockets_[place]) gifts.push_back({name, socket.get()});
  }
  if (keys) gifts.push_back({std::string(inherited_ticket_keys), keys.get()});
  const int admin = admin_->listener();
  if (admin >= 0) gifts.push_back({std::string(inherited_admin), admin});
  return gifts;
}

} // namespace ringfort::cli
