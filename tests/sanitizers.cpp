// What the address and undefined-behaviour sanitizers are told. It is compiled in, so that a
// program says the same wherever it is started; ASAN_OPTIONS and UBSAN_OPTIONS still have the last
// word. By default undefined behaviour is only printed, and its test passes.

extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }

extern "C" const char* __ubsan_default_options() {
  return "halt_on_error=1:abort_on_error=1:print_stacktrace=1";
}
