// counter — a QEMU plugin (TCG, qemu-plugin.h version 1) that counts the instructions of each
// virtual CPU, and prints the counts whenever the guest runs bench/emulated/mark.
//
// Debian ships no qemu-plugin.h, so the few declarations needed are here.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);

SHOWN int qemu_plugin_version = 1;

static uint64_t counts[CPUS_MAX];

// A no-op that no compiler makes: nopl 0x12345678(%rax,%rax,1).
static const unsigned char mark[] = {0x0f, 0x1f, 0x84, 0x00, 0x78, 0x56, 0x34, 0x12};

static void on_block(unsigned cpu, void* instructions) {
  if (cpu < CPUS_MAX) counts[cpu] += (uintptr_t)instructions;
}

static void on_mark(unsigned cpu, void* data) {
  (void)cpu;
  (void)data;
  fprintf(stderr, "MARK %llu %llu\n", (unsigned long long)counts[0], (unsigned long long)counts[1]);
  fflush(stderr);
}

static void on_translation(plugin_id id, struct qemu_plugin_tb* block) {
  (void)id;
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
  (void)argument_count;
  (void)arguments;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
