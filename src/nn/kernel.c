/* The list of kernels, and the choice among them by what the processor can do. */
#define _DEFAULT_SOURCE /* syscall() */

#include "kernel.h"

#include <stdio.h>
#include <string.h>
#ifdef TP_KERNEL_AMX
  #include <cpuid.h>
  #include <sys/syscall.h>
  #include <unistd.h>
#endif

#define TABLE(table, products, others)                                                                                 \
  static const TpKernels kernels_##table = {                                                                           \
      .name                  = #table,                                                                                 \
      .product               = TpProduct_##products,                                                                   \
      .silu_forward          = TpSiluForward_##others,                                                                 \
      .silu_backward         = TpSiluBackward_##others,                                                                \
      .silu_tangent          = TpSiluTangent_##others,                                                                 \
      .silu_tangent_backward = TpSiluTangentBackward_##others,                                                         \
      .mish_forward          = TpMishForward_##others,                                                                 \
      .mish_backward         = TpMishBackward_##others,                                                                \
      .conv                  = TpConv_##products,                                                                      \
      .conv_weights          = TpConvWeights_##products,                                                               \
      .pack                  = TpPack_##products,                                                                      \
      .pack_reverse          = TpPackReverse_##products,                                                               \
      .norm_forward          = TpNormForward_##others,                                                                 \
      .norm_backward         = TpNormBackward_##others,                                                                \
      .attention_softmax     = TpAttentionSoftmax_##others,                                                            \
      .attention_forward     = TpAttentionForward_##others,                                                            \
      .attention_backward    = TpAttentionBackward_##others,                                                           \
      .message_forward       = TpMessageForward_##others,                                                              \
      .message_tangent       = TpMessageTangent_##others,                                                              \
      .message_backward      = TpMessageBackward_##others,                                                             \
      .message_direction     = TpMessageDirection_##others,                                                            \
  }

TP_KERNEL_DECLARE(baseline);
TABLE(baseline, baseline, baseline);
#ifdef TP_KERNEL_AVX2
TP_KERNEL_DECLARE(avx2);
TABLE(avx2, avx2, avx2);
#endif
#ifdef TP_KERNEL_AVX512
TP_KERNEL_DECLARE(avx512);
TABLE(avx512, avx512, avx512);
#endif
#ifdef TP_KERNEL_AMX
TP_KERNEL_DECLARE(amx);
TABLE(amx, amx, avx512);
#endif
#ifdef TP_KERNEL_NEON
TP_KERNEL_DECLARE(neon);
TABLE(neon, neon, neon);
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

#ifdef TP_KERNEL_AMX
/* What the processor has, and that the system keeps the tiles' registers for us: it wants to be asked, once per process. */
static PetscBool AskForTiles(void)
{
  const unsigned tiles = 1u << 24 | 1u << 22; /* AMX-TILE, AMX-BF16 */
  unsigned       a, b, c, d;

  if (!TpKernelsUsable(&kernels_avx512) || !__builtin_cpu_supports("avx512bf16")) return PETSC_FALSE;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) return PETSC_FALSE;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & tiles) != tiles) return PETSC_FALSE;
  return (PetscBool)!syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* the tiles' data */);
}
#endif

const TpKernels *TpKernelsRounded(void)
{
#ifdef TP_KERNEL_AMX
  static int answer = -1;

  if (answer < 0) answer = AskForTiles();
  return answer ? &kernels_amx : NULL;
#else
  return NULL;
#endif
}

static const TpKernels *chosen;  /* by TpKernelsChoose(); NULL: the fastest */
static PetscBool        rounded; /* by TpKernelsRound() */

void TpKernelsRound(PetscBool round)
{
  rounded = round;
}

const TpKernels *TpKernelsBest(void)
{
  PetscInt i = 0;

  if (rounded) return TpKernelsRounded();
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
