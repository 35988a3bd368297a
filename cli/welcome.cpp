#include "cli/welcome.hpp"

#include <array>
#include <string>

#include <ringfort/answers.hpp>

#include "cli/handlers.hpp"

namespace ringfort::cli {

namespace {

constexpr std::string_view page_start = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ringfort runs</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --ink: #1d2a26; --paper: #f6f3ea; --line: #d8d2c0;
  --accent: #2f6b4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e3d8; --paper: #16201c;
  --line: #33443c; --accent: #8fd0ae; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 ui-sans-serif, system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 4rem 1.5rem; }
h1 { font-size: 2.2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.05rem; margin: 2.5rem 0 .5rem; color: var(--accent); }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { width: 11rem; font-weight: 600; }
td { font-family: ui-monospace, monospace; font-size: .92rem; }
</style>
</head>
<body>
<main>
<h1>Ringfort runs</h1>
<p>This page came through io_uring, TLS and HTTP/1.1 in one process. Below is what it knows of
your connection and of your request.</p>
)";

constexpr std::string_view page_end = "</main>\n</body>\n</html>\n";

void append_escaped(std::string& page, std::string_view text) {
  for (const char c : text) {
    switch (c) {
    case '&': page.append("&amp;"); break;
    case '<': page.append("&lt;"); break;
    case '>': page.append("&gt;"); break;
    case '"': page.append("&quot;"); break;
    default: page.push_back(c);
    }
  }
}

void append_row(std::string& page, std::string_view name, std::string_view value) {
  page.append("<tr><th scope=\"row\">");
  append_escaped(page, name);
  page.append("</th><td>");
  append_escaped(page, value.empty() ? "none" : value);
  page.append("</td></tr>\n");
}

std::string page_for(const Exchange& exchange) {
  const ConnectionFacts& facts = exchange.connection();
  std::string page(page_start);
  page.append("<h2>Connection</h2>\n<table>\n");
  append_row(page, "Your address", facts.peer);
  append_row(page, "Protocol", facts.encrypted ? facts.version : "clear text");
  if (facts.encrypted) {
    append_row(page, "Cipher suite", facts.suite);
    append_row(page, "ALPN", facts.protocol);
    append_row(page, "Server name", facts.server_name);
    append_row(page, "Session", facts.resumed ? "resumed" : "new");
  }
  page.append("</table>\n<h2>Request</h2>\n<table>\n");
  append_row(page, "Method", exchange.head().method_name);
  append_row(page, "Target", exchange.head().target);
  append_row(page, "Version", exchange.head().version_minor == 0 ? "HTTP/1.0" : "HTTP/1.1");
  for (const Field& field : exchange.fields()) append_row(page, field.name, field.value);
  page.append("</table>\n").append(page_end);
  return page;
}

} // namespace

void answer_welcome(Exchange& exchange) {
  if (refused_method(exchange)) return;
  const std::string_view target = exchange.head().target;
  if (target.substr(0, target.find('?')) != "/") {
    return answer_text(exchange, 404, "nothing here but /\n");
  }
  auto page = std::make_unique<std::string>(page_for(exchange));
  const std::array fields{Field{"content-type", "text/html; charset=utf-8"},
                          Field{"cache-control", "no-store"}};
  const Bytes bytes = bytes_of(*page);
  exchange.respond(200, fields, Payload::owned(bytes, [kept = std::move(page)] {}));
}

} // namespace ringfort::cli
