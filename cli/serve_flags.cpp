#include "cli/serve_flags.hpp"

#include <CLI/CLI.hpp>

#include "cli/flag_kinds.hpp"
#include "cli/tls_flags.hpp"

namespace ringfort::cli {

namespace {

void add_main_flags(CLI::App& app, ServeFlags& flags) {
  app.add_option_function<std::vector<std::string>>(
         "--listen",
         [&flags](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             if (const auto name = parse_passed(text)) {
               flags.listen_passed.emplace_back(*name);
             } else if (const auto endpoint = parse_endpoint(text)) {
               flags.listen.push_back(*endpoint);
             } else {
               refuse("--listen", text, "ADDRESS:PORT, for instance 127.0.0.1:8443, or systemd");
             }
           }
         },
         "where to listen; may be given several times; port 0 lets the kernel choose; systemd "
         "takes all sockets that a socket unit passes, as is done without this flag, and "
         "systemd:NAME those of a FileDescriptorName")
      ->type_name("ADDRESS:PORT|systemd[:NAME]")
      ->default_str("127.0.0.1:8443")
      ->allow_extra_args(false);
  app.add_flag("--plain", flags.plain, "clear text on every --listen, without TLS");
  add_identity_flags(app, flags.identity);
  app.add_option("--names", flags.names,
                 "a folder of NAME.pem and NAME.key, with _.NAME or *.NAME for any label before "
                 "NAME; --cert is for other names, which are refused without it")
      ->type_name("DIR");
  app.add_flag(
      "--watch", flags.watch,
      "reload when certificates, keys, authorities, revocation lists or ticket keys change");
  app.add_option("--admin", flags.admin,
                 "a socket that answers ringfort inspect, and reloads; SIGHUP reloads too, and "
                 "opens the key log again")
      ->type_name("PATH");
  app.add_flag(
      "--check", flags.check,
      "check the settings, --admin and --record-layer among them, and end, without binding "
      "--listen");
}

void add_answer_flags(CLI::App& app, ServeFlags& flags) {
  add_file_flags(app, flags.files);
  add_choice<Handler>(
      app, "--handler", flags.handler,
      {{"welcome", Handler::welcome},
       {"hello", Handler::hello},
       {"echo", Handler::echo},
       {"sink", Handler::sink},
       {"source", Handler::source},
       {"facts", Handler::facts}},
      "welcome",
      "what answers: a page, 13 bytes, the request's body, its size, /N bytes, or what is "
      "known of the connection");
}

void add_engine_flags(CLI::App& app, ServeFlags& flags) {
  EngineOptions& engine = flags.engine;
  add_number(app, "--shards", engine.shards, {0, 1'024}, &parse_count,
             "threads with a ring each; 0: one for each usable CPU");
  app.add_flag_callback(
      "--no-pin", [&engine] { engine.pin_threads = false; }, "do not bind shards to CPUs");
  add_number(app, "--ring-entries", engine.ring_entries, {64, 16'384}, &parse_power,
             "submission entries of a shard's ring; power of two");
  add_number(app, "--receive-buffers", engine.receive_buffer_count, {16, 32'768}, &parse_power,
             "receive buffers of a shard; power of two");
  add_number(app, "--receive-buffer-size", engine.receive_buffer_bytes, {1'024, 65'536},
             &parse_size, "size of a receive buffer");
  add_number(app, "--blocks", engine.block_count, {16, 4'194'304}, &parse_count,
             "send, assembly and exchange blocks of a shard, 17KiB each");
  add_number(app, "--pipes", engine.pipe_count, {0, 65'536}, &parse_count,
             "pipes of a shard, by which the kernel moves what is passed through, two for each "
             "connection that carries much; 0: none");
  add_choice<RecordLayer>(
      app, "--record-layer", engine.record_layer,
      {{"auto", RecordLayer::automatic},
       {"user", RecordLayer::user},
       {"kernel", RecordLayer::kernel},
       {"kernel-send", RecordLayer::kernel_send}},
      "auto",
      "who protects TLS records: Ringfort (user), the kernel, or the kernel for "
      "what is sent; auto is user");
  add_number(app, "--memory-max", engine.memory_bytes_max, {0, std::uint64_t{1} << 40}, &parse_size,
             "of a shard: settings by which it may hold more are refused; 0: off");
  add_duration(app, "--drain-timeout", flags.drain_grace, {},
               "how long SIGTERM lets running exchanges go on; a second signal cuts them");
  add_duration(app, "--handover-timeout", flags.handover_timeout, {},
               "until a successor, which SIGUSR2 starts, has to be ready; else it is killed");
  app.add_flag("--print-metrics", flags.print_metrics, "print the counters at the end");
  app.add_flag("--allocator-stats", flags.allocator_stats,
               "print what the allocator holds at the end");
}

void add_limit_flags(CLI::App& app, Limits& limits) {
  constexpr std::uint64_t kib = 1'024;
  constexpr Range credit{16 * kib, 16 * kib * kib};
  add_number(app, "--connections-max", limits.connections_max, {1, 1'000'000}, &parse_count,
             "connections of a shard; more are reset");
  add_number(app, "--connections-per-peer-max", limits.connections_per_peer_max, {0, 1'000'000},
             &parse_count, "of a shard, from one IPv4 address or IPv6 /64; more are reset; 0: off");
  add_number(app, "--accept-rate-max", limits.accepts_per_s_max, {0, 1'000'000}, &parse_count,
             "connections a shard takes in a second; more wait in the kernel's queue; 0: off");
  add_number(app, "--requests-max", limits.requests_per_connection_max, {0, 10'000'000},
             &parse_count, "of one connection, which ends with the last answer; 0: off");
  add_number(
      app, "--pipelined-max", limits.pipelined_requests_max, {0, 10'000'000}, &parse_count,
      "requests that a peer sends without waiting for an answer; one more is answered as its "
      "connection's last; 0: off");
  add_number(app, "--header-size-max", limits.header_bytes_max, {256, 16 * kib}, &parse_size,
             "size of a request head; larger ones are answered 431");
  add_number(app, "--target-size-max", limits.target_bytes_max, {1, 16 * kib}, &parse_size,
             "size of a request target; longer ones are answered 414");
  add_number(app, "--fields-max", limits.fields_max, {1, 256}, &parse_count,
             "fields of a request head and its trailers; more are answered 431");
  add_number(app, "--trailer-size-max", limits.trailer_bytes_max, {0, 16 * kib}, &parse_size,
             "size of the trailers after a body; larger ones are answered 431");
  add_number(app, "--chunk-extension-size-max", limits.chunk_extension_bytes_max, {0, kib * kib},
             &parse_size, "of all chunks of a body; more are answered 413");
  add_number(app, "--receive-credit", limits.receive_credit_bytes, credit, &parse_size,
             "held unread for one connection");
  add_number(app, "--send-credit", limits.send_credit_bytes, credit, &parse_size,
             "queued unsent for one connection");
  add_number(app, "--unread-body-max", limits.unread_body_bytes_max, {0, UINT32_MAX}, &parse_size,
             "of a body that the handler did not read, to keep the connection");
  add_number(app, "--body-size-max", limits.body_bytes_max, {0, kib * kib * kib}, &parse_size,
             "of a body that a handler wants whole; larger ones are answered 413");
  add_number(app, "--handshakes-max", limits.handshakes_max, {1, 1'000'000}, &parse_count,
             "TLS handshakes of a shard at OpenSSL at a time; more wait, half their time at most");
  add_number(app, "--handshake-steps-max", limits.handshake_steps_max, {1, 65'536}, &parse_count,
             "costly handshake steps in a turn of a shard; more wait while live connections are "
             "served");
  constexpr DurationRange or_off{std::chrono::milliseconds(0)};
  add_duration(app, "--first-byte-timeout", limits.first_byte_timeout, or_off,
               "from accept; 0s: off");
  add_duration(app, "--proxy-header-timeout", limits.proxy_header_timeout, {},
               "from accept, for the PROXY header of a trusted proxy");
  add_duration(app, "--handshake-timeout", limits.handshake_timeout, {}, "from accept");
  add_duration(app, "--head-timeout", limits.head_timeout, {}, "from a head's first byte");
  add_duration(app, "--request-timeout", limits.request_timeout, or_off,
               "from a request's first byte to its last; 0s: off");
  add_number(app, "--min-rate", limits.rate_bytes_per_s_min, {0, 1'000'000'000}, &parse_size,
             "a second, of a body that is read and of an answer, after 5s of grace; 0: off");
  add_duration(app, "--body-idle-timeout", limits.body_idle_timeout, {}, "between two body pieces");
  add_duration(app, "--unread-body-timeout", limits.unread_body_timeout, {},
               "for the rest of a body that the handler did not read");
  add_duration(app, "--handler-timeout", limits.handler_timeout, or_off,
               "for a handler to begin its answer, and from piece to piece; 0s: off");
  add_duration(app, "--tunnel-timeout", limits.tunnel_idle_timeout, or_off,
               "without a byte through a tunnel, either way; 0s: off");
  add_duration(app, "--write-timeout", limits.write_timeout, {},
               "without a byte taken by the peer");
  add_duration(app, "--keep-alive-timeout", limits.keep_alive_timeout, {}, "between two requests");
  add_duration(app, "--linger-timeout", limits.linger_timeout, {}, "for the peer's FIN after ours");
  add_duration(app, "--drain-idle-timeout", limits.drain_idle_timeout, or_off,
               "what an idle connection has in a drain, for a request that is on its way");
}

/// What a server has, whatever answers.
void add_listener_flags(CLI::App& app, ServeFlags& flags) {
  add_main_flags(app, flags);
  add_tls_flags(app, flags.tls);
  add_number(app, "--tickets", flags.tls.tickets, {0, 8}, &parse_count,
             "session tickets after a TLS 1.3 handshake; 0: no resumption");
  add_session_flags(app, flags.sessions);
  add_header_flags(app, flags.hops, flags.upstreams);
  add_log_flags(app, flags.logs);
  add_engine_flags(app, flags);
  add_limit_flags(app, flags.engine.limits);
}

} // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view port_text =
      colon == std::string_view::npos ? text : text.substr(colon + 1);
  const auto port = parse_count(port_text);
  if (!port || *port > 65'535) return {};
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(*port);
  if (colon == std::string_view::npos) return endpoint;
  const std::string_view host = text.substr(0, colon);
  // A bare IPv6 address cannot be told from one with a port.
  if (host.empty() || (host.find(':') != std::string_view::npos && !host.starts_with('['))) {
    return {};
  }
  endpoint.host = host == "localhost" ? "127.0.0.1" : host;
  return endpoint;
}

std::optional<std::string_view> parse_passed(std::string_view text) {
  constexpr std::string_view word = "systemd";
  if (!text.starts_with(word)) return {};
  text.remove_prefix(word.size());
  if (text.empty()) return text;
  if (!text.starts_with(':') || text.size() == 1) return {};
  return text.substr(1);
}

void add_serve_flags(CLI::App& app, ServeFlags& flags) {
  add_answer_flags(app, flags);
  add_listener_flags(app, flags);
  app.add_option(
         "--trusted-proxy", flags.upstreams.trusted_proxies,
         "a proxy before this one, whose PROXY headers are believed, and what it says of the "
         "client is logged, as its claims; again for another one")
      ->type_name("CIDR")
      ->allow_extra_args(false);
}

void add_proxy_flags(CLI::App& app, ServeFlags& flags) {
  flags.is_proxy = true;
  add_upstream_flags(app, flags.upstreams);
  add_passthrough_flags(app, flags.hops);
  add_listener_flags(app, flags);
}

namespace {

/// What a proxy needs besides.
std::string contradiction_of_proxy(const ServeFlags& flags, bool no_names) {
  const bool passes = !flags.hops.passthroughs.empty();
  const bool answers = flags.answers();
  if (!passes && !answers) return "--upstream or --passthrough is needed";
  if (passes && flags.plain) return "--passthrough needs TLS, which --plain leaves out";
  if (!answers && !no_names) {
    return "--cert, --pkcs12 and --names are for what --upstream answers: give one, or leave them "
           "out";
  }
  if (flags.hops.has_default_route() && !flags.identity.none()) {
    return "--passthrough without NAME and --cert or --pkcs12 exclude each other: both are for all "
           "other names";
  }
  return {};
}

} // namespace

std::string contradiction_of(const ServeFlags& flags) {
  const bool no_names = flags.identity.none() && flags.names.empty();
  if (const std::string found = contradiction_of_proxy(flags, no_names);
      flags.is_proxy && !found.empty()) {
    return found;
  }
  if (flags.plain && !(no_names && !flags.watch)) {
    return "--plain serves clear text: leave out --cert, --key, --pkcs12, --names and --watch";
  }
  if (!flags.plain && no_names && flags.answers()) {
    return "--cert and --key are needed, --pkcs12 or --names (or --plain for clear text)";
  }
  if (flags.plain && !flags.sessions.none()) {
    return "--plain serves clear text: leave out --ticket-keys, --client-... and --key-log";
  }
  for (const std::string& found :
       {contradiction_of(flags.identity), contradiction_of(flags.sessions),
        contradiction_of(flags.upstreams),
        contradiction_of(flags.hops, flags.upstreams, flags.is_proxy && flags.answers())}) {
    if (!found.empty()) return found;
  }
  if (!flags.files.root.empty() && flags.handler != Handler::welcome) {
    return "--root and --handler exclude each other";
  }
  return {};
}

} // namespace ringfort::cli
