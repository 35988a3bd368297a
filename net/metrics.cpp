// metrics — the Prometheus text form of a snapshot.
#include <ringfort/metrics.hpp>

#include <string>

#include <ringfort/metrics_text.hpp>

namespace ringfort {

namespace {

void append_faults(MetricsText& text, const std::array<std::uint64_t, fault_count>& counts) {
  text.family("faults_total", MetricsText::Kind::counter, "Failures by stage and name.");
  std::string labels;
  for (std::size_t code = 0; code < fault_count; ++code) {
    labels.clear();
    MetricsText::append_label(labels, "stage", faults[code].stage_name);
    MetricsText::append_label(labels, "name", faults[code].name);
    text.labelled(labels, counts[code]);
  }
}

} // namespace

void Metrics::write_text(std::string& out) const {
  MetricsText text(out);
  text.counter("connections_accepted_total", "Connections accepted.", connections_accepted);
  text.gauge("connections_open", "Connections open now.", connections_open);
  text.counter("handshakes_full_total", "Full TLS handshakes.", handshakes_full);
  text.counter("handshakes_resumed_total", "Resumed TLS handshakes.", handshakes_resumed);
  text.counter("tickets_refused_total", "Full TLS handshakes of clients that had offered a ticket.",
               tickets_refused);
  text.gauge("handshakes_open", "TLS handshakes at OpenSSL now.", handshakes_open);
  text.gauge("handshakes_waiting", "TLS handshakes that wait for their turn now.",
             handshakes_waiting);
  text.gauge("handshakes_waiting_peak",
             "The most handshakes that waited at the end of a turn of one shard.",
             handshakes_waiting_peak);
  text.counter("handshake_steps_total", "Steps of TLS handshakes with asymmetric work.",
               handshake_steps);
  text.counter("handshake_steps_deferred_total",
               "Steps with asymmetric work that had to wait for a later turn.",
               handshake_steps_deferred);
  text.counter("passthroughs_total",
               "Connections that were passed through unopened, or were to be.", passthroughs);
  text.gauge("passthroughs_open", "Connections that are passed through now.", passthroughs_open);
  text.counter("passthroughs_spliced_total",
               "Connections passed through whose bytes the kernel moved, from some point on.",
               passthroughs_spliced);
  text.counter("requests_total", "Request heads received.", requests);
  text.counter("responses_total", "Exchanges ended.", responses);
  text.counter("received_bytes_total", "Bytes received from sockets.", received_bytes);
  text.counter("sent_bytes_total", "Bytes accepted by sockets.", sent_bytes);
  text.counter("ring_enters_total", "io_uring_enter calls.", ring_enters);
  text.counter("ring_submissions_total", "Submission entries.", ring_submissions);
  text.counter("ring_sends_total", "Sends submitted.", ring_sends);
  text.counter("ring_receives_total", "Receives armed.", ring_receives);
  text.counter("buffers_starved_total", "Receives that found no buffer.", buffers_starved);
  text.counter("records_kernel_send_total", "Connections whose sends the kernel seals.",
               records_kernel_send);
  text.counter("records_kernel_receive_total", "Connections whose receives the kernel opens.",
               records_kernel_receive);
  text.counter("records_user_send_total", "Connections whose sends are sealed here.",
               records_user_send);
  text.counter("records_user_receive_total", "Connections whose receives are opened here.",
               records_user_receive);
  text.counter("records_refused_total", "Directions that the kernel did not take.",
               records_refused);
  text.counter("records_by_ring_total",
               "Hand-overs of records to the kernel that were submitted to the ring.",
               records_by_ring);
  text.counter("records_by_calls_total",
               "Hand-overs of records to the kernel that were made of system calls.",
               records_by_calls);
  text.counter("records_rested_total", "Times that an idle connection gave its ciphers back.",
               records_rested);
  text.gauge("blocks_in_use", "Send, assembly and exchange blocks in use.", blocks_in_use);
  text.gauge("receive_buffers_held", "Receive buffers held by connections.", receive_buffers_held);
  text.gauge("pipes_in_use", "Pipes held by connections that are passed through.", pipes_in_use);
  append_faults(text, faults);
}

} // namespace ringfort
