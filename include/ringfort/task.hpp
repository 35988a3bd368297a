// task — a handler that may wait: a coroutine whose frame lives in the arena of its exchange, or of
// its errand.
//
// The only way to make one is a coroutine with an Exchange& or an Errand& among its parameters; the
// frame never comes from the heap. When the arena has no room the request is answered 503 and
// counted. A handler may await coroutines of its own, Task<Result<T>>, whose frames lie there too.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <ringfort/error.hpp>

namespace ringfort {

class Errand;
class Exchange;

namespace frame {

/// Storage for a coroutine frame in the arena of an exchange or an errand; null when it is spent.
void* allocate(Exchange& exchange, std::size_t bytes) noexcept;
void* allocate(Errand& errand, std::size_t bytes) noexcept;

template <class T>
inline constexpr bool has_arena = false;
template <>
inline constexpr bool has_arena<Exchange&> = true;
template <>
inline constexpr bool has_arena<Errand&> = true;

template <class First, class... Rest>
auto& home_among(First& first, Rest&... rest) noexcept {
  if constexpr (has_arena<First&>) {
    return first;
  } else {
    static_assert(sizeof...(Rest) > 0, "a Task<> needs an Exchange& or an Errand& parameter");
    return home_among(rest...);
  }
}

/// Gives a promise its frame's memory.
struct InArena {
  template <class... Arguments>
  static void* operator new(std::size_t bytes, Arguments&... arguments) noexcept {
    return frame::allocate(frame::home_among(arguments...), bytes);
  }
  static void operator delete(void*) noexcept {} // The arena is released as a whole.
};

/// A coroutine's frame, or none. It goes with its owner.
template <class Promise>
class Owner {
public:
  using Handle = std::coroutine_handle<Promise>;

  Owner() noexcept = default;
  explicit Owner(Handle handle) noexcept : handle_(handle) {}
  Owner(Owner&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Owner& operator=(Owner&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owner() {
    if (handle_) handle_.destroy();
  }

  Handle handle() const noexcept { return handle_; }

private:
  Handle handle_;
};

} // namespace frame

template <class T = void>
class Task;

/// What a streamed handler returns. Owned by the engine once the handler has returned it.
/// Where: the exchange's own shard. Never destroyed while one of its awaited calls is pending.
template <>
class [[nodiscard]] Task<void> {
public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : frame_(handle) {}

  /// False when the arena had no room for the frame.
  explicit operator bool() const noexcept { return frame_.handle() != nullptr; }
  bool done() const noexcept { return frame_.handle().done(); }
  inline bool threw() const noexcept;

private:
  frame::Owner<promise_type> frame_;
};

class Task<void>::promise_type : public frame::InArena {
public:
  static Task get_return_object_on_allocation_failure() noexcept { return {}; }
  Task get_return_object() noexcept { return Task(Handle::from_promise(*this)); }
  std::suspend_never initial_suspend() const noexcept { return {}; }
  std::suspend_always final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { threw_ = true; }
  bool threw() const noexcept { return threw_; }

private:
  bool threw_ = false;
};

inline bool Task<void>::threw() const noexcept { return frame_.handle().promise().threw(); }

/// What a handler, or another such coroutine, awaits: `const Result<T> done = co_await work(...)`.
/// It starts when it is awaited, once, and ends with the handler that owns it. T is a Result.
/// Errors: handler.no_memory when the arena had no room for the frame; what the coroutine throws is
///         thrown to who awaits it.
/// Cost:   the frame, which is not given back before the exchange ends: no loop of them.
template <class T>
class [[nodiscard]] Task {
  static_assert(std::is_constructible_v<T, std::unexpected<Error>>, "T is a Result");

public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : frame_(handle) {}

  bool await_ready() const noexcept { return frame_.handle() == nullptr; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    frame_.handle().promise().waiting_ = waiting;
    return frame_.handle();
  }
  T await_resume() {
    if (await_ready()) return fail(Code::handler_no_memory);
    return take();
  }

private:
  template <class First, class Second>
  friend class BothAwait;

  /// Beside others: `waiting` goes on with the last of `running`.
  Handle begin(std::coroutine_handle<> waiting, unsigned& running) noexcept {
    frame_.handle().promise().waiting_ = waiting;
    frame_.handle().promise().running_ = &running;
    return frame_.handle();
  }

  T take() {
    promise_type& promise = frame_.handle().promise();
    if (promise.thrown_) std::rethrow_exception(promise.thrown_);
    return std::move(*promise.value_);
  }

  frame::Owner<promise_type> frame_;
};

template <class T>
class Task<T>::promise_type : public frame::InArena {
public:
  static Task get_return_object_on_allocation_failure() noexcept { return {}; }
  Task get_return_object() noexcept { return Task(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  auto final_suspend() const noexcept { return Resumption{}; }
  template <class Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

private:
  friend class Task;

  /// Goes on with who awaited the coroutine, once it is the last that they await.
  struct Resumption {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle ended) const noexcept {
      unsigned* const running = ended.promise().running_;
      if (running != nullptr && --*running > 0) return std::noop_coroutine();
      return ended.promise().waiting_;
    }
    void await_resume() const noexcept {}
  };

  std::coroutine_handle<> waiting_;
  unsigned* running_ = nullptr; ///< of several that are awaited together
  std::optional<T> value_;
  std::exception_ptr thrown_;
};

/// `co_await` answers a pair of results once both coroutines have ended.
template <class First, class Second>
class [[nodiscard]] BothAwait {
public:
  BothAwait(Task<First> first, Task<Second> second) noexcept
      : first_(std::move(first)), second_(std::move(second)) {}

  bool await_ready() const noexcept { return first_.await_ready() || second_.await_ready(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    first_.begin(waiting, running_).resume();
    return second_.begin(waiting, running_);
  }
  std::pair<First, Second> await_resume() {
    if (await_ready()) return {fail(Code::handler_no_memory), fail(Code::handler_no_memory)};
    First first = first_.take();
    return {std::move(first), second_.take()};
  }

private:
  Task<First> first_;
  Task<Second> second_;
  unsigned running_ = 2;
};

/// Runs two coroutines of one handler or errand side by side, each waiting for its own: to write a
/// request while its answer is read, to make two calls at once. Of an exchange, and of a call, one
/// read and one write may wait at a time.
///   const auto [sent, received] = co_await both(send(errand, call), receive(errand, call));
/// Errors: handler.no_memory for both, and neither begins, when the arena had no room for a frame;
///         what the first throws, else what the second throws, is thrown here.
/// Cost:   two frames. Where: one shard; they run in turns, never at once.
template <class First, class Second>
BothAwait<First, Second> both(Task<First> first, Task<Second> second) noexcept {
  return {std::move(first), std::move(second)};
}

} // namespace ringfort
