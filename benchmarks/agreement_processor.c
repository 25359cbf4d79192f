/* Shows a program another processor than the one it runs on, so that every library in it picks
 * the code it would pick there. Preloaded; Linux on x86-64 with CPUID faulting.
 *
 * PROCESSOR_HIDES names features as /proc/cpuinfo spells them, with commas between;
 * PROCESSOR_VENDOR, twelve letters, stands in for the maker's name.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
enum { EAX, EBX, ECX, EDX };

static const struct { const char *name; uint32_t leaf, sub; int reg, bit; } FEATURES[] = {
    {"fma", 1, 0, ECX, 12},           {"avx", 1, 0, ECX, 28},
    {"f16c", 1, 0, ECX, 29},          {"bmi1", 7, 0, EBX, 3},
    {"avx2", 7, 0, EBX, 5},           {"bmi2", 7, 0, EBX, 8},
    {"avx512f", 7, 0, EBX, 16},       {"avx512dq", 7, 0, EBX, 17},
    {"avx512ifma", 7, 0, EBX, 21},    {"avx512cd", 7, 0, EBX, 28},
    {"avx512bw", 7, 0, EBX, 30},      {"avx512vl", 7, 0, EBX, 31},
    {"avx512vbmi", 7, 0, ECX, 1},     {"avx512_vbmi2", 7, 0, ECX, 6},
    {"vaes", 7, 0, ECX, 9},           {"vpclmulqdq", 7, 0, ECX, 10},
    {"avx512_vnni", 7, 0, ECX, 11},   {"avx512_bitalg", 7, 0, ECX, 12},
    {"avx512_vpopcntdq", 7, 0, ECX, 14}, {"amx_bf16", 7, 0, EDX, 22},
    {"avx512_fp16", 7, 0, EDX, 23},   {"amx_tile", 7, 0, EDX, 24},
    {"amx_int8", 7, 0, EDX, 25},      {"avx_vnni", 7, 1, EAX, 4},
    {"avx512_bf16", 7, 1, EAX, 5},
};
#define COUNT (sizeof FEATURES / sizeof *FEATURES)
static int hidden[COUNT];
static char vendor[13];

static void answer(int signal_number, siginfo_t *info, void *raw)
{
    greg_t *at = ((ucontext_t *)raw)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)at[REG_RIP];
    (void)signal_number, (void)info;
    if (code[0] != 0x0f || code[1] != 0xa2) { /* no CPUID: a fault like any other */
        signal(SIGSEGV, SIG_DFL);
        return;
    }
    uint32_t leaf = (uint32_t)at[REG_RAX], sub = (uint32_t)at[REG_RCX], said[4];
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __cpuid_count(leaf, sub, said[EAX], said[EBX], said[ECX], said[EDX]);
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    for (size_t each = 0; each < COUNT; each++)
        if (hidden[each] && FEATURES[each].leaf == leaf && (leaf == 1 || FEATURES[each].sub == sub))
            said[FEATURES[each].reg] &= ~(1u << FEATURES[each].bit);
    if (leaf == 0 && vendor[0]) {
        memcpy(&said[EBX], vendor, 4);
        memcpy(&said[EDX], vendor + 4, 4);
        memcpy(&said[ECX], vendor + 8, 4);
    }
    at[REG_RAX] = said[EAX], at[REG_RBX] = said[EBX], at[REG_RCX] = said[ECX], at[REG_RDX] = said[EDX];
    at[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void)
{
    const char *maker = getenv("PROCESSOR_VENDOR"), *hides = getenv("PROCESSOR_HIDES");
    if (maker && strlen(maker) == 12)
        memcpy(vendor, maker, 12);
    char *words = strdup(hides ? hides : ""), *rest = words, *word;
    while ((word = strsep(&rest, ",")))
        for (size_t each = 0; each < COUNT; each++)
            hidden[each] |= strcmp(word, FEATURES[each].name) == 0;
    free(words);
    struct sigaction act = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSEGV, &act, NULL) || syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0))
        _exit(97); /* said by the caller: this kernel cannot hide a feature */
}
