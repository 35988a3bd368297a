// counter — a QEMU plugin (TCG, qemu-plugin.h version 1) that counts the instructions of each
// virtual CPU, and prints the counts whenever the guest runs bench/emulated/mark. What a CPU
// executes while it is idle is not counted, as perf would not count it for a process.
//
// Arguments: idle=ADDRESS of the kernel's do_idle, where idling begins, and busy=ADDRESS of its
// schedule_idle, where it ends.
//
// Debian ships no qemu-plugin.h, so the few declarations needed are here.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 8
#define SHOWN __attribute__((visibility("default")))

typedef uint64_t plugin_id;
typedef void (*on_execution)(unsigned cpu, void* data);
struct qemu_plugin_tb;
struct qemu_plugin_insn;
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb*, on_execution, int, void*);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, on_execution, int, void*);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);

SHOWN int qemu_plugin_version = 1;

static uint64_t counts[CPUS_MAX];
static bool idle[CPUS_MAX];
static uint64_t idle_address;
static uint64_t busy_address;

// A no-op that no compiler makes: nopl 0x12345678(%rax,%rax,1).
static const unsigned char mark[] = {0x0f, 0x1f, 0x84, 0x00, 0x78, 0x56, 0x34, 0x12};

static void on_block(unsigned cpu, void* instructions) {
  if (cpu < CPUS_MAX && !idle[cpu]) counts[cpu] += (uintptr_t)instructions;
}

static void on_idle(unsigned cpu, void* is_idle) {
  if (cpu < CPUS_MAX) idle[cpu] = is_idle != NULL;
}

static void on_mark(unsigned cpu, void* data) {
  (void)cpu;
  (void)data;
  fprintf(stderr, "MARK %llu %llu\n", (unsigned long long)counts[0], (unsigned long long)counts[1]);
  fflush(stderr);
}

static void on_translation(plugin_id id, struct qemu_plugin_tb* block) {
  (void)id;
  const uint64_t address = qemu_plugin_tb_vaddr(block); // A function begins a block of its own.
  if (address == idle_address || address == busy_address) {
    void* is_idle = address == idle_address ? idle : NULL;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_idle, 0, is_idle);
  }
  const size_t count = qemu_plugin_tb_n_insns(block);
  qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, 0, (void*)(uintptr_t)count);
  for (size_t index = 0; index < count; ++index) {
    struct qemu_plugin_insn* one = qemu_plugin_tb_get_insn(block, index);
    const bool marks = qemu_plugin_insn_size(one) == sizeof mark &&
                       memcmp(qemu_plugin_insn_data(one), mark, sizeof mark) == 0;
    if (marks) qemu_plugin_register_vcpu_insn_exec_cb(one, on_mark, 0, NULL);
  }
}

SHOWN int qemu_plugin_install(plugin_id id, const void* info, int argument_count,
                              char** arguments) {
  (void)info;
  for (int index = 0; index < argument_count; ++index) {
    const char* value = strchr(arguments[index], '=');
    const uint64_t address = value == NULL ? 0 : strtoull(value + 1, NULL, 16);
    *(strncmp(arguments[index], "idle=", 5) == 0 ? &idle_address : &busy_address) = address;
  }
  if (idle_address == 0 || busy_address == 0) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
