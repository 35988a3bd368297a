// metrics — the Prometheus text form of a snapshot.
#include <ringfort/metrics.hpp>

#include <string_view>

namespace ringfort {

namespace {

enum class Kind : bool { counter, gauge };

void append_family(std::string& out, std::string_view name, Kind kind, std::string_view help) {
  out.append("# HELP ringfort_").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ringfort_").append(name);
  out.append(kind == Kind::counter ? " counter\n" : " gauge\n");
}

void append_value(std::string& out, std::string_view name, Kind kind, std::string_view help,
                  std::uint64_t value) {
  append_family(out, name, kind, help);
  out.append("ringfort_").append(name).append(" ").append(std::to_string(value)).append("\n");
}

void append_faults(std::string& out, const std::array<std::uint64_t, fault_count>& counts) {
  append_family(out, "faults_total", Kind::counter, "Failures by stage and name.");
  for (std::size_t code = 0; code < fault_count; ++code) {
    out.append("ringfort_faults_total{stage=\"").append(faults[code].stage_name);
    out.append("\",name=\"").append(faults[code].name).append("\"} ");
    out.append(std::to_string(counts[code])).append("\n");
  }
}

} // namespace

void Metrics::write_text(std::string& out) const {
  using enum Kind;
  append_value(out, "connections_accepted_total", counter, "Connections accepted.",
               connections_accepted);
  append_value(out, "connections_open", gauge, "Connections open now.", connections_open);
  append_value(out, "handshakes_full_total", counter, "Full TLS handshakes.", handshakes_full);
  append_value(out, "handshakes_resumed_total", counter, "Resumed TLS handshakes.",
               handshakes_resumed);
  append_value(out, "tickets_refused_total", counter,
               "Full TLS handshakes of clients that had offered a ticket.", tickets_refused);
  append_value(out, "handshakes_open", gauge, "TLS handshakes at OpenSSL now.", handshakes_open);
  append_value(out, "handshakes_waiting", gauge, "TLS handshakes that wait for their turn now.",
               handshakes_waiting);
  append_value(out, "handshakes_waiting_peak", gauge,
               "The most handshakes that waited at the end of a turn of one shard.",
               handshakes_waiting_peak);
  append_value(out, "handshake_steps_total", counter,
               "Steps of TLS handshakes with asymmetric work.", handshake_steps);
  append_value(out, "handshake_steps_deferred_total", counter,
               "Steps with asymmetric work that had to wait for a later turn.",
               handshake_steps_deferred);
  append_value(out, "passthroughs_total", counter,
               "Connections that were passed through unopened, or were to be.", passthroughs);
  append_value(out, "passthroughs_open", gauge, "Connections that are passed through now.",
               passthroughs_open);
  append_value(out, "requests_total", counter, "Request heads received.", requests);
  append_value(out, "responses_total", counter, "Exchanges ended.", responses);
  append_value(out, "received_bytes_total", counter, "Bytes received from sockets.",
               received_bytes);
  append_value(out, "sent_bytes_total", counter, "Bytes accepted by sockets.", sent_bytes);
  append_value(out, "ring_enters_total", counter, "io_uring_enter calls.", ring_enters);
  append_value(out, "ring_submissions_total", counter, "Submission entries.", ring_submissions);
  append_value(out, "ring_sends_total", counter, "Sends submitted.", ring_sends);
  append_value(out, "ring_receives_total", counter, "Receives armed.", ring_receives);
  append_value(out, "buffers_starved_total", counter, "Receives that found no buffer.",
               buffers_starved);
  append_value(out, "records_kernel_send_total", counter,
               "Connections whose sends the kernel seals.", records_kernel_send);
  append_value(out, "records_kernel_receive_total", counter,
               "Connections whose receives the kernel opens.", records_kernel_receive);
  append_value(out, "records_user_send_total", counter, "Connections whose sends are sealed here.",
               records_user_send);
  append_value(out, "records_user_receive_total", counter,
               "Connections whose receives are opened here.", records_user_receive);
  append_value(out, "records_refused_total", counter, "Directions that the kernel did not take.",
               records_refused);
  append_value(out, "records_by_ring_total", counter,
               "Hand-overs of records to the kernel that were submitted to the ring.",
               records_by_ring);
  append_value(out, "records_by_calls_total", counter,
               "Hand-overs of records to the kernel that were made of system calls.",
               records_by_calls);
  append_value(out, "records_rested_total", counter,
               "Times that an idle connection gave its ciphers back.", records_rested);
  append_value(out, "blocks_in_use", gauge, "Send, assembly and exchange blocks in use.",
               blocks_in_use);
  append_value(out, "receive_buffers_held", gauge, "Receive buffers held by connections.",
               receive_buffers_held);
  append_faults(out, faults);
}

} // namespace ringfort
