// service_notice — what the program tells its supervisor: sd_notify(3)'s datagrams, without
// its library.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

namespace ringfort::cli {

/// Before ready() nothing is told. A datagram that cannot be delivered is lost, and the program
/// goes on. Where: any thread.
class ServiceNotice {
public:
  /// `address` is NOTIFY_SOCKET's: a path, or "@" and an abstract name; empty: nobody is told.
  /// `later`, when there is one, is told everything from ready() on, and `address` that one alone:
  /// a successor tells its predecessor that it is ready, and then goes on with the supervisor of
  /// both, which may be none.
  explicit ServiceNotice(std::string address, std::optional<std::string> later = {});
  ServiceNotice(const ServiceNotice&) = delete;
  ServiceNotice& operator=(const ServiceNotice&) = delete;

  /// It has started. False, and not told: it ends already.
  bool ready(std::string_view status);
  /// A reload begins, and ends with reloaded().
  void reloading();
  void reloaded(std::string_view status);
  void stopping(std::string_view status);
  void alive();
  /// Another process is the service from now on. Nothing more is told.
  void hand_on(int process);

  /// Whom a successor will have to tell.
  const std::string& supervisor() const noexcept { return supervisor_; }

private:
  void tell(std::string_view lines) const;

  std::string predecessor_; ///< told of ready(); empty without one
  std::string supervisor_;
  std::atomic<bool> started_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> handed_on_{false};
};

} // namespace ringfort::cli
