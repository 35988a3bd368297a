// handshakes — a client that does nothing but shake hands: each connection makes one, full or
// resumed, asks once, reads the answer and ends in order.
//   handshakes PORT VERSION SUITE GROUP full|resumed THREADS count|seconds AMOUNT
//
// VERSION is 1.2 or 1.3. A thread that resumes makes one full handshake before it counts, and then
// offers the newest session that it was given. Printed is what the client saw: how many handshakes
// were full and how many resumed, and the seconds that they took. Certificates are not judged; the
// signature of the handshake always is.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
constexpr std::string_view answer_end = "Hello, world!";
constexpr timeval io_timeout{.tv_sec = 60, .tv_usec = 0}; // Servers under valgrind are slow.

struct Plan {
  std::uint16_t port;
  int version;
  const char* suite;
  const char* group;
  bool resumed;
  bool by_count;
  std::uint64_t amount; ///< handshakes of all threads, or seconds
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

/// One thread's connections, one after the other.
class Client {
public:
  explicit Client(const Plan& plan, unsigned number)
      : plan_(plan), number_(number), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX* context = context_.get();
    const bool told =
        context != nullptr && SSL_CTX_set_min_proto_version(context, plan.version) == 1 &&
        SSL_CTX_set_max_proto_version(context, plan.version) == 1 &&
        SSL_CTX_set1_groups_list(context, offered_groups().c_str()) == 1 &&
        (plan.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(context, plan.suite)
                                        : SSL_CTX_set_cipher_list(context, plan.suite)) == 1;
    if (!told) give_up("client context");
    // Else OpenSSL uses a session only once; not every server gives another with each resumption.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  }

  /// One connection. Answers whether its handshake was a resumption.
  bool visit() {
    const int descriptor = connect();
    const std::unique_ptr<SSL, void (*)(SSL*)> owner(SSL_new(context_.get()), SSL_free);
    SSL* const ssl = owner.get();
    SSL_set_fd(ssl, descriptor);
    SSL_set_tlsext_host_name(ssl, "localhost");
    if (plan_.resumed && session_ != nullptr) SSL_set_session(ssl, session_.get());
    if (SSL_connect(ssl) != 1) give_up("handshake");
    const bool resumed = SSL_session_reused(ssl) == 1;
    if (!resumed && SSL_get_negotiated_group(ssl) != group_) give_up("another group");
    if (SSL_write(ssl, request.data(), static_cast<int>(request.size())) <= 0) give_up("request");
    read_answer(ssl);
    session_.reset(SSL_get1_session(ssl)); // Tickets have come before the answer.
    SSL_shutdown(ssl);
    ::close(descriptor);
    return resumed;
  }

private:
  /// In TLS 1.2 the groups also say which keys a certificate may have (RFC 8422 section 5.1.1).
  std::string offered_groups() const {
    const std::string group = plan_.group;
    return plan_.version == TLS1_2_VERSION && group != "P-256" ? group + ":P-256" : group;
  }

  int connect() {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    constexpr int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &io_timeout, sizeof io_timeout);
    ::setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    // An address for each thread: ports of ended connections stay taken for a minute.
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number_);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(descriptor, generic, sizeof address) != 0) give_up("bind");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(plan_.port);
    if (::connect(descriptor, generic, sizeof address) != 0) give_up("connect");
    return descriptor;
  }

  static void read_answer(SSL* ssl) {
    std::string answer;
    char piece[2'048];
    while (!answer.ends_with(answer_end)) {
      const int bytes = SSL_read(ssl, piece, sizeof piece);
      if (bytes <= 0) give_up("answer");
      answer.append(piece, static_cast<std::size_t>(bytes));
    }
  }

  const Plan& plan_;
  unsigned number_;
  int group_ = plan_.group == std::string_view("P-256") ? NID_X9_62_prime256v1 : NID_X25519;
  std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session_{nullptr, SSL_SESSION_free};
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

struct Tally {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> full{0};
  std::atomic<std::uint64_t> resumed{0};
};

void work(const Plan& plan, unsigned number, Clock::time_point end, Tally& tally) {
  Client client(plan, number);
  if (plan.resumed) client.visit(); // For its session.
  while (plan.by_count ? tally.begun.fetch_add(1) < plan.amount : Clock::now() < end) {
    ++(client.visit() ? tally.resumed : tally.full);
  }
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 9) {
    std::fputs("usage: handshakes PORT 1.2|1.3 SUITE GROUP full|resumed THREADS count|seconds "
               "AMOUNT\n",
               stderr);
    return 64;
  }
  const Plan plan{.port = static_cast<std::uint16_t>(std::atoi(arguments[1])),
                  .version =
                      arguments[2] == std::string_view("1.2") ? TLS1_2_VERSION : TLS1_3_VERSION,
                  .suite = arguments[3],
                  .group = arguments[4],
                  .resumed = arguments[5] == std::string_view("resumed"),
                  .by_count = arguments[7] == std::string_view("count"),
                  .amount = std::strtoull(arguments[8], nullptr, 10)};
  const auto threads = static_cast<unsigned>(std::atoi(arguments[6]));
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(plan.by_count ? 0 : plan.amount);
  Tally tally;
  std::vector<std::jthread> workers;
  for (unsigned number = 0; number < threads; ++number) {
    workers.emplace_back([&, number] { work(plan, number, end, tally); });
  }
  workers.clear();
  const std::chrono::duration<double> took = Clock::now() - begin;
  std::printf("full=%llu resumed=%llu seconds=%.3f\n",
              static_cast<unsigned long long>(tally.full.load()),
              static_cast<unsigned long long>(tally.resumed.load()), took.count());
}
