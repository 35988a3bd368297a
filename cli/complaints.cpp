#include "cli/complaints.hpp"

#include <cstring>
#include <iostream>
#include <utility>

namespace ringfort::cli {

namespace {

void say(const Complaint& complaint) { std::cerr << "ringfort: " << complaint.line() << std::endl; }

/// Rows that say so carry an errno, host faults that say nothing, and unreadable files.
bool has_errno(const Error& error) noexcept {
  const Fault& fault = fault_of(error.code);
  const bool may = fault.text.contains("(detail: ")
                       ? fault.text.contains("(detail: errno)")
                       : fault.origin == Origin::host || error.code == Code::tls_context_unreadable;
  return may && error.detail != 0;
}

} // namespace

std::string Complaint::line() const {
  std::string text = code;
  if (!about.empty()) text.append(text.empty() ? "" : ": ").append(about);
  return text.append(text.empty() ? "" : ": ").append(reason);
}

Complaint complaint_of(const Error& error, std::string_view about) {
  Complaint complaint{
      .code = full_name(fault_of(error.code)), .about = std::string(about), .reason = {}};
  const bool in_words = has_errno(error);
  const std::string whole = explain(in_words ? Error{.code = error.code} : error);
  complaint.reason = whole.substr(complaint.code.size() + 2);
  if (in_words) complaint.reason.append(" (").append(std::strerror(error.detail)).append(")");
  return complaint;
}

ExitStatus complain(const Error& error, std::string_view about) {
  say(complaint_of(error, about));
  return exit_status_of(error.code);
}

void warn(std::string_view about, std::string_view text) {
  std::cerr << "ringfort: warning: " << about << ": " << text << std::endl;
}

void Complaints::add(const Error& error, std::string_view about) {
  all_.push_back(complaint_of(error, about));
  say(all_.back());
  status_ = exit_status_of(error.code);
}

void Complaints::add(std::string about, std::string reason) {
  all_.push_back({.code = {}, .about = std::move(about), .reason = std::move(reason)});
  say(all_.back());
  status_ = ExitStatus::config;
}

} // namespace ringfort::cli
