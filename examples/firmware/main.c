// Reads a digit on a Cortex-M4 or M7 without an operating system and without a C library.
#include "digits.h"

// Pixels from 0 to 1: a 3.
#define X 1.0f
#define o 0.5f
static const float image[DIGITS_IMAGE_NUMEL] = {
    0, 0, X, X, X, o, 0, 0, //
    0, 0, o, 0, o, X, 0, 0, //
    0, 0, 0, 0, o, X, 0, 0, //
    0, 0, 0, X, X, o, 0, 0, //
    0, 0, 0, o, X, X, 0, 0, //
    0, 0, 0, 0, 0, X, o, 0, //
    0, 0, o, 0, o, X, 0, 0, //
    0, 0, X, X, X, o, 0, 0, //
};
static float probabilities[DIGITS_PROBABILITIES_NUMEL];
static _Alignas(DIGITS_WORKSPACE_ALIGN) unsigned char workspace[DIGITS_WORKSPACE_SIZE]; // in .bss

/// What the board does with the answer: here the debugger prints it (semihosting).
static int callDebugger(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static int run(void) {
  int error = digits_run(image, probabilities, workspace), best = 0;
  for (int i = 1; i < (int)DIGITS_PROBABILITIES_NUMEL; ++i)
    best = probabilities[i] > probabilities[best] ? i : best;
  char text[] = "code 0, digit 0\n";
  text[5] += error;
  text[14] += best;
  callDebugger(0x04, text); // SYS_WRITE0
  return error;
}

extern unsigned char data_begin[], data_end[], data_in_flash[], bss_begin[], bss_end[], stack_top[];

void reset(void) {
  *(volatile unsigned *)0xe000ed88 |= 0xf << 20; // CPACR: the floating-point unit is on
  __asm__ volatile("dsb\n\tisb");
  for (unsigned char *to = data_begin, *from = data_in_flash; to < data_end;)
    *to++ = *from++;
  for (unsigned char *to = bss_begin; to < bss_end;)
    *to++ = 0;
  unsigned reason[] = {run() ? 0x20023u : 0x20026u, 0}; // ADP_Stopped_RunTimeError, ADP_Stopped_ApplicationExit
  callDebugger(0x18, (const void *)reason[0]);           // SYS_EXIT
  for (;;)
    continue;
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {stack_top, (const void *)reset};
