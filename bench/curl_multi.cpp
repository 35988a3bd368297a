// curl_multi — the same load as bench/client, by libcurl: one multi handle, an easy handle for each
// parallel call, used again and again.
//   curl_multi URL SECONDS PARALLEL_COUNT [CA.pem]
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <sys/epoll.h>
#include <unistd.h>

#include <curl/curl.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view expected = "Hello, world!";

/// What one call has been answered so far.
struct Lane {
  CURL* easy = nullptr;
  std::size_t body_bytes = 0;
  bool good = true;
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* context) {
  auto& lane = *static_cast<Lane*>(context);
  const std::string_view piece(bytes, count);
  lane.good = lane.good && lane.body_bytes <= expected.size() &&
              expected.substr(lane.body_bytes).starts_with(piece);
  lane.body_bytes += count;
  return count;
}

/// Driven by epoll, as libcurl advises programs with many transfers: curl_multi_socket_action.
class Load {
public:
  Load(const char* url, std::size_t parallel_count, const char* authorities)
      : lanes_(parallel_count) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(parallel_count));
    for (Lane& lane : lanes_) {
      lane.easy = curl_easy_init();
      set(lane, url, authorities);
      curl_multi_add_handle(multi_, lane.easy);
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    for (const Lane& lane : lanes_) curl_easy_cleanup(lane.easy);
    curl_multi_cleanup(multi_);
    ::close(epoll_);
  }

  void run(std::chrono::seconds time) {
    const Clock::time_point started = Clock::now();
    over_at_ = started + time;
    for (lanes_left_count_ = lanes_.size(); lanes_left_count_ > 0;) turn();
    const std::chrono::duration<double> taken = Clock::now() - started;
    std::printf("%llu requests in %.3f s, %llu errors, %llu connections\n", request_count_,
                taken.count(), error_count_, connection_count_);
  }
  bool failed() const noexcept { return error_count_ > 0 || request_count_ == 0; }

private:
  static void set(Lane& lane, const char* url, const char* authorities) {
    curl_easy_setopt(lane.easy, CURLOPT_URL, url);
    if (authorities != nullptr) curl_easy_setopt(lane.easy, CURLOPT_CAINFO, authorities);
    curl_easy_setopt(lane.easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(lane.easy, CURLOPT_TLS13_CIPHERS, "TLS_AES_128_GCM_SHA256");
    curl_easy_setopt(lane.easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(lane.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(lane.easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(lane.easy, CURLOPT_WRITEDATA, &lane);
    curl_easy_setopt(lane.easy, CURLOPT_PRIVATE, &lane);
  }

  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* context, void* known) {
    auto& load = *static_cast<Load*>(context);
    epoll_event event{};
    event.data.fd = socket;
    if ((wanted & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((wanted & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    if (wanted == CURL_POLL_REMOVE) {
      ::epoll_ctl(load.epoll_, EPOLL_CTL_DEL, socket, nullptr);
      return 0;
    }
    ::epoll_ctl(load.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
    curl_multi_assign(load.multi_, socket, context);
    return 0;
  }

  static int on_timer(CURLM*, long time_ms, void* context) {
    static_cast<Load*>(context)->timer_ms_ = time_ms;
    return 0;
  }

  void turn() {
    std::array<epoll_event, 64> events;
    const int wait_ms = static_cast<int>(timer_ms_);
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    int running_count = 0;
    for (int index = 0; index < count; ++index) {
      const epoll_event& event = events[static_cast<std::size_t>(index)];
      const int ready = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                        ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                        ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_, event.data.fd, ready, &running_count);
    }
    if (count == 0 || timer_ms_ == 0) {
      timer_ms_ = -1; // Before libcurl sets it again.
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running_count);
    }
    end_calls();
  }

  void end_calls() {
    const bool over = Clock::now() >= over_at_;
    int left_count = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left_count)) {
      if (message->msg == CURLMSG_DONE) end_call(message->easy_handle, message->data.result, over);
    }
  }

  void end_call(CURL* easy, CURLcode result, bool over) {
    char* context = nullptr;
    long status = 0;
    long connected_count = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connected_count);
    auto& lane = *reinterpret_cast<Lane*>(context);
    const bool good =
        result == CURLE_OK && status == 200 && lane.good && lane.body_bytes == expected.size();
    ++(good ? request_count_ : error_count_);
    connection_count_ += static_cast<unsigned long long>(connected_count);
    lane.body_bytes = 0;
    lane.good = true;
    curl_multi_remove_handle(multi_, easy);
    if (over) {
      --lanes_left_count_;
    } else {
      curl_multi_add_handle(multi_, easy);
    }
  }

  CURLM* multi_ = curl_multi_init();
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Lane> lanes_;
  std::size_t lanes_left_count_ = 0;
  long timer_ms_ = -1;
  unsigned long long request_count_ = 0;
  unsigned long long error_count_ = 0;
  unsigned long long connection_count_ = 0;
  Clock::time_point over_at_;
};

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 4) {
    std::fputs("usage: curl_multi URL SECONDS PARALLEL_COUNT [CA.pem]\n", stderr);
    return 64;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Load load(arguments[1], static_cast<std::size_t>(std::atoi(arguments[3])),
            argument_count > 4 ? arguments[4] : nullptr);
  load.run(std::chrono::seconds(std::atoi(arguments[2])));
  return load.failed() ? 1 : 0;
}
