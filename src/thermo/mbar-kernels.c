/* The list of MBAR's kernels, and the choice among them by what the processor can do. */
#include "mbar-kernel.h"

#define TABLE(suffix)                                                                                                  \
  TP_MBAR_DECLARE(suffix);                                                                                             \
  static const TpMbarKernels kernels_##suffix = {                                                                      \
      .name        = #suffix,                                                                                          \
      .ladder      = TpMbarLadder_##suffix,                                                                            \
      .softmax     = TpMbarSoftmax_##suffix,                                                                           \
      .exponential = TpMbarExponential_##suffix,                                                                       \
      .logistic    = TpMbarLogistic_##suffix,                                                                          \
  }

TABLE(baseline);
#ifdef TP_MBAR_AVX2
TABLE(avx2);
#endif
#ifdef TP_MBAR_AVX512
TABLE(avx512);
#endif

const TpMbarKernels *const tp_mbar_kernels[] = {
#ifdef TP_MBAR_AVX512
    &kernels_avx512,
#endif
#ifdef TP_MBAR_AVX2
    &kernels_avx2,
#endif
    &kernels_baseline,
    NULL,
};

PetscBool TpMbarKernelsUsable(const TpMbarKernels *kernels)
{
#ifdef TP_MBAR_AVX512
  if (kernels == &kernels_avx512)
    return (PetscBool)(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"));
#endif
#ifdef TP_MBAR_AVX2
  if (kernels == &kernels_avx2) return (PetscBool)(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#endif
  return (PetscBool)(kernels == &kernels_baseline);
}

const TpMbarKernels *TpMbarKernelsBest(void)
{
  PetscInt i = 0;

  while (!TpMbarKernelsUsable(tp_mbar_kernels[i])) i++; /* ends: the baseline, last in the list, is always usable */
  return tp_mbar_kernels[i];
}
