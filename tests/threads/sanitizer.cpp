// What the thread sanitizer is told. It is compiled in, so that the program says the same wherever
// it is started; TSAN_OPTIONS still has the last word. Nothing is suppressed: what the kernel does
// for the ring and OpenSSL for itself goes unseen, and each of them is one shard's own.

extern "C" const char* __tsan_default_options() {
  // By default each write to a socket is ordered before each read from any socket: the clients of a
  // test would order the shards with each other, and hide their races.
  return "io_sync=0:second_deadlock_stack=1";
}
