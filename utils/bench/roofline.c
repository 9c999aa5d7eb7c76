// What this core can do at best: multiply-adds per second, and bytes per second from each level of memory.
// Prints one line of JSON. Compiled with -O2 -march=native.
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
typedef float vec __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef float vec __attribute__((vector_size(32)));
#else
typedef float vec __attribute__((vector_size(16)));
#endif
enum { LANES = sizeof(vec) / sizeof(float), CHAINS = 12, STEPS = 2000000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

// Independent chains, as many as the latency asks for; the empty asm keeps each apart in its register.
#define FOR_EACH_CHAIN(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define START(i) vec sum##i = a + i;
#define STEP(i) sum##i = sum##i * a + b; KEEP(sum##i);
#define END(i) sink += sum##i[0];
#if defined(__AVX512F__)
#define KEEP(value) __asm__("" : "+v"(value))
#elif defined(__SSE2__)
#define KEEP(value) __asm__("" : "+x"(value))
#else
#define KEEP(value) __asm__("" : "+w"(value))
#endif

static double measure_fma(void) {
  vec a = {0}, b = {0};
  a += 0.999f;
  b += 0.001f;
  FOR_EACH_CHAIN(START)
  double begin = now();
  for (long step = 0; step < STEPS; ++step) {
    FOR_EACH_CHAIN(STEP)
  }
  double seconds = now() - begin;
  volatile float sink = 0;
  FOR_EACH_CHAIN(END)
  return 2e-9 * STEPS * CHAINS * LANES / seconds;
}

static double measure_reading(size_t bytes) {
  vec *memory = aligned_alloc(64, bytes);
  memset(memory, 1, bytes);
  size_t count = bytes / sizeof(vec), repeats = (size_t)256 << 20;
  repeats = repeats / bytes ? repeats / bytes : 1;
  vec sums[8] = {{0}};
  double begin = now();
  for (size_t repeat = 0; repeat < repeats; ++repeat) {
    for (size_t i = 0; i < count; i += 8)
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k)
        sums[k] += memory[i + k];
    __asm__ volatile("" ::: "memory");
  }
  double seconds = now() - begin;
  volatile float sink = 0;
  for (int k = 0; k < 8; ++k)
    sink += sums[k][0];
  free(memory);
  return 1e-9 * repeats * bytes / seconds;
}

static double best(double (*body)(size_t), size_t bytes) {
  double most = 0;
  for (int i = 0; i < 5; ++i) {
    double rate = body(bytes);
    most = rate > most ? rate : most;
  }
  return most;
}

static double fma_of(size_t unused) {
  (void)unused;
  return measure_fma();
}

int main(void) {
  printf("{\"fma_gflops\": %.1f, \"l1_gbs\": %.1f, \"l2_gbs\": %.1f, \"l3_gbs\": %.1f, \"dram_gbs\": %.1f}\n",
         best(fma_of, 0), best(measure_reading, 16 << 10), best(measure_reading, 512 << 10),
         best(measure_reading, 8 << 20), best(measure_reading, 256 << 20));
  return 0;
}
