// metrics_text — counters in the Prometheus text form: the engine's, and what a program counts
// beside them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringfort {

/// Appends families of values, each name behind "ringfort_". Borrow: the text, for its life.
/// Where: any thread.
class MetricsText {
public:
  enum class Kind : bool { counter, gauge };

  explicit MetricsText(std::string& out) noexcept : out_(out) {}

  /// Begins a family: each value() until the next one is of it. Borrow: the name until then.
  void family(std::string_view name, Kind kind, std::string_view help);
  void value(std::uint64_t value);
  /// With one label.
  void value(std::string_view label, std::string_view of, std::uint64_t value);
  /// With several, as append_label() gathers them.
  void labelled(std::string_view labels, std::uint64_t value);
  /// The label's value may hold any bytes.
  static void append_label(std::string& labels, std::string_view label, std::string_view of);

  /// A family of one value.
  void counter(std::string_view name, std::string_view help, std::uint64_t count) {
    family(name, Kind::counter, help);
    value(count);
  }
  void gauge(std::string_view name, std::string_view help, std::uint64_t count) {
    family(name, Kind::gauge, help);
    value(count);
  }

private:
  std::string& out_;
  std::string_view name_;
};

} // namespace ringfort
