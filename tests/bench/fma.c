/* The processor's speed at fused multiply-adds. */
#include "fma.h"

#include <time.h>

double ProcessorTime(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#define ROUNDS 2000000
#define CHAINS                                                                                                         \
  12 /* independent sums: more than latency times ports, fewer than the registers of AVX2; the numbers stay finite */

/* One instruction set's loop: `attributes` of the function, `bytes` of a vector. */
#define FMA_LOOP(name, attributes, bytes)                                                                              \
  typedef float name##Vector __attribute__((vector_size(bytes)));                                                      \
  attributes __attribute__((optimize("fp-contract=fast"), noinline)) static float name(void)                           \
  {                                                                                                                    \
    name##Vector sum[CHAINS], a = {0}, b = {0};                                                                        \
                                                                                                                       \
    for (int i = 0; i < CHAINS; i++) sum[i] = (name##Vector){0} + (float)i;                                            \
    a += 0.999f;                                                                                                       \
    b += 0.001f;                                                                                                       \
    for (int n = 0; n < ROUNDS; n++) {                                                                                 \
      _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * a + b;                               \
    }                                                                                                                  \
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];                                                                 \
    return sum[0][0];                                                                                                  \
  }

static double SpeedOf(float (*loop)(void), int bytes)
{
  const double   start = ProcessorTime();
  volatile float kept  = loop();

  (void)kept;
  return (double)bytes / sizeof(float) * CHAINS * 2 * ROUNDS / (ProcessorTime() - start);
}

#if defined(__x86_64__)
FMA_LOOP(FmaAvx512, __attribute__((target("avx512f,prefer-vector-width=512"))), 64)
FMA_LOOP(FmaAvx2, __attribute__((target("avx2,fma"))), 32)

double FmaSpeed(void)
{
  if (__builtin_cpu_supports("avx512f")) return SpeedOf(FmaAvx512, 64);
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? SpeedOf(FmaAvx2, 32) : 0;
}
#elif defined(__aarch64__)
FMA_LOOP(FmaNeon, , 16)

double FmaSpeed(void)
{
  return SpeedOf(FmaNeon, 16);
}
#else
double FmaSpeed(void)
{
  return 0;
}
#endif
