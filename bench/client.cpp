// client — asks one server as fast as it answers, over one client of one shard, for a time:
//   client URL SECONDS PARALLEL_COUNT [CA.pem]
//
// Prints "N requests in S s, E errors, C connections". An error is whatever is not a 200 with the
// 13 bytes that every server in bench/ answers.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>

namespace {

using namespace ringfort;
using Clock = std::chrono::steady_clock;

constexpr std::string_view expected = "Hello, world!";

std::string text_of_file(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return std::move(text).str();
}

tls::ClientContext trust(const char* authorities) {
  tls::ClientContextOptions options;
  options.version_min = tls::Version::tls_1_3;
  options.suites = "TLS_AES_128_GCM_SHA256";
  if (authorities != nullptr) options.authorities_pem = text_of_file(authorities);
  return tls::ClientContext::create(std::move(options)).or_exit();
}

ClientOptions client_options(std::uint32_t parallel_count, const char* authorities) {
  ClientOptions options{.tls = trust(authorities)};
  options.connections_per_destination_max = parallel_count;
  options.idle_per_destination_max = parallel_count;
  return options;
}

class Load {
public:
  Load(Engine& engine, Url url, std::uint32_t parallel_count, const char* authorities)
      : engine_(engine), destination_(url.destination()), target_(url.target),
        client_(
            Client::create(engine.shard(0), client_options(parallel_count, authorities)).or_exit()),
        lanes_left_count_(parallel_count) {}

  void start(std::chrono::seconds time) {
    for (std::uint32_t lane = 0; lane < lanes_left_count_; ++lane) {
      run([this](Errand& errand) { return ask(errand); });
    }
    run([this, time](Errand& errand) { return end_after(errand, time); });
  }

  void print() const {
    const std::chrono::duration<double> taken = ended_ - started_;
    std::printf("%llu requests in %.3f s, %llu errors, %llu connections\n", request_count_,
                taken.count(), error_count_, static_cast<unsigned long long>(connection_count_));
  }
  bool failed() const noexcept { return error_count_ > 0 || request_count_ == 0; }

private:
  template <typename Work>
  void run(Work work) {
    if (engine_.shard(0).run(std::move(work))) return;
    std::fputs("client: no block is left for an errand\n", stderr);
    std::exit(1);
  }

  Task<> end_after(Errand& errand, std::chrono::seconds time) {
    (void)co_await errand.sleep(time);
    over_ = true;
  }

  /// One lane: a call after the other. What it awaits is not a coroutine of its own, because each
  /// would stay in the errand's arena until the lane ends.
  Task<> ask(Errand& errand) {
    while (!over_) {
      Call call = client_->call(errand, destination_, {.target = target_});
      const auto answer = co_await call.response();
      std::size_t body_bytes = 0;
      bool good = answer && answer->status == 200;
      while (good) {
        const auto piece = co_await call.read();
        good = piece && expected.substr(body_bytes).starts_with(text_of(*piece));
        if (!good || piece->empty()) break;
        body_bytes += piece->size();
      }
      ++(good && body_bytes == expected.size() ? request_count_ : error_count_);
    }
    if (--lanes_left_count_ == 0) engine_.shard(0).post([this] { end(); });
  }

  void end() {
    ended_ = Clock::now();
    connection_count_ = client_->counts().connections;
    client_.reset(); // Ends before its shard.
    engine_.drain(std::chrono::milliseconds(0));
  }

  Engine& engine_;
  Destination destination_;
  std::string target_;
  std::unique_ptr<Client> client_;
  std::uint32_t lanes_left_count_;
  bool over_ = false;
  unsigned long long request_count_ = 0;
  unsigned long long error_count_ = 0;
  std::uint64_t connection_count_ = 0;
  Clock::time_point started_ = Clock::now();
  Clock::time_point ended_;
};

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 4) {
    std::fputs("usage: client URL SECONDS PARALLEL_COUNT [CA.pem]\n", stderr);
    return 64;
  }
  const Url url = parse_url(arguments[1]).or_exit();
  const auto parallel_count = static_cast<std::uint32_t>(std::atoi(arguments[3]));
  const char* const authorities = argument_count > 4 ? arguments[4] : nullptr;
  const auto engine = Engine::create({.shards = 1, .pin_threads = false, .limits = {}}).or_exit();
  Load load(*engine, url, parallel_count, authorities);
  load.start(std::chrono::seconds(std::atoi(arguments[2])));
  engine->run().or_exit();
  load.print();
  return load.failed() ? 1 : 0;
}
