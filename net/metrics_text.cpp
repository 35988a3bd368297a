// metrics_text — families of values, and labels that hold any bytes.
#include <ringfort/metrics_text.hpp>

namespace ringfort {

namespace {

constexpr std::string_view prefix = "ringfort_";

/// What the text form asks for between the quotes of a label's value.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\' || letter == '"') out.push_back('\\');
    if (letter == '\n') {
      out.append("\\n");
    } else {
      out.push_back(letter);
    }
  }
  return out;
}

} // namespace

void MetricsText::family(std::string_view name, Kind kind, std::string_view help) {
  name_ = name;
  out_.append("# HELP ").append(prefix).append(name).append(" ").append(help).append("\n");
  out_.append("# TYPE ").append(prefix).append(name);
  out_.append(kind == Kind::counter ? " counter\n" : " gauge\n");
}

void MetricsText::value(std::uint64_t value) {
  out_.append(prefix).append(name_).append(" ").append(std::to_string(value)).append("\n");
}

void MetricsText::value(std::string_view label, std::string_view of, std::uint64_t value) {
  std::string labels;
  append_label(labels, label, of);
  labelled(labels, value);
}

void MetricsText::append_label(std::string& labels, std::string_view label, std::string_view of) {
  labels.append(labels.empty() ? "" : ",").append(label);
  labels.append("=\"").append(escaped(of)).append("\"");
}

void MetricsText::labelled(std::string_view labels, std::uint64_t value) {
  out_.append(prefix).append(name_).append("{").append(labels).append("} ");
  out_.append(std::to_string(value)).append("\n");
}

} // namespace ringfort
