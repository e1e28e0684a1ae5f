/* The list of kernels, and the choice among them by what the processor can do. */
#include "kernel.h"

#include <stdio.h>
#include <string.h>

#define TABLE(suffix)                                                                                                  \
  TP_KERNEL_DECLARE(suffix);                                                                                           \
  static const TpKernels kernels_##suffix = {                                                                          \
      .name                  = #suffix,                                                                                \
      .product               = TpProduct_##suffix,                                                                     \
      .silu_forward          = TpSiluForward_##suffix,                                                                 \
      .silu_backward         = TpSiluBackward_##suffix,                                                                \
      .silu_tangent          = TpSiluTangent_##suffix,                                                                 \
      .silu_tangent_backward = TpSiluTangentBackward_##suffix,                                                         \
      .mish_forward          = TpMishForward_##suffix,                                                                 \
      .mish_backward         = TpMishBackward_##suffix,                                                                \
      .conv                  = TpConv_##suffix,                                                                        \
      .conv_weights          = TpConvWeights_##suffix,                                                                 \
      .pack                  = TpPack_##suffix,                                                                        \
      .pack_reverse          = TpPackReverse_##suffix,                                                                 \
      .norm_forward          = TpNormForward_##suffix,                                                                 \
      .norm_backward         = TpNormBackward_##suffix,                                                                \
      .attention_softmax     = TpAttentionSoftmax_##suffix,                                                            \
      .attention_forward     = TpAttentionForward_##suffix,                                                            \
      .attention_backward    = TpAttentionBackward_##suffix,                                                           \
      .message_forward       = TpMessageForward_##suffix,                                                              \
      .message_tangent       = TpMessageTangent_##suffix,                                                              \
      .message_backward      = TpMessageBackward_##suffix,                                                             \
      .message_direction     = TpMessageDirection_##suffix,                                                            \
  }

TABLE(baseline);
#ifdef TP_KERNEL_AVX2
TABLE(avx2);
#endif
#ifdef TP_KERNEL_AVX512
TABLE(avx512);
#endif
#ifdef TP_KERNEL_NEON
TABLE(neon);
#endif

const TpKernels *const tp_kernels[] = {
#ifdef TP_KERNEL_AVX512
    &kernels_avx512,
#endif
#ifdef TP_KERNEL_AVX2
    &kernels_avx2,
#endif
#ifdef TP_KERNEL_NEON
    &kernels_neon,
#endif
    &kernels_baseline, NULL,
};

PetscBool TpKernelsUsable(const TpKernels *kernels)
{
#ifdef TP_KERNEL_AVX512
  if (kernels == &kernels_avx512)
    return (PetscBool)(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma"));
#endif
#ifdef TP_KERNEL_AVX2
  if (kernels == &kernels_avx2) return (PetscBool)(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#endif
#ifdef TP_KERNEL_NEON
  if (kernels == &kernels_neon) return PETSC_TRUE; /* part of every 64-bit ARM processor */
#endif
  return (PetscBool)(kernels == &kernels_baseline);
}

static const TpKernels *chosen; /* by TpKernelsChoose(); NULL: the fastest */

const TpKernels *TpKernelsBest(void)
{
  PetscInt i = 0;

  if (chosen) return chosen;
  while (!TpKernelsUsable(tp_kernels[i])) i++; /* ends: the baseline, last in the list, is always usable */
  return tp_kernels[i];
}

PetscErrorCode TpKernelsChoose(const char *name)
{
  char   names[64] = "";
  size_t length    = 0;

  PetscFunctionBeginUser;
  chosen = NULL;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; tp_kernels[i]; i++) {
    const char *own = tp_kernels[i]->name;

    length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", own);
    if (strcmp(own, name) != 0) continue;
    TpCheckInput(TpKernelsUsable(tp_kernels[i]),
                 "TEMPERA_KERNELS: '%s': this processor does not have these instructions", name);
    chosen = tp_kernels[i];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TpCheckInput(PETSC_FALSE, "TEMPERA_KERNELS: '%s'; allowed: %s", name, names);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *TpKernelsName(void)
{
  return TpKernelsBest()->name;
}
