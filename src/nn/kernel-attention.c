/*
  Linear attention of one tile, for one instruction set (suffix TP_KERNEL_ISA). For each row and head, with sums over positions l and channels d, e:

    k_ld := softmax over l of k_ld,   context_de = sum_l k_ld v_le,   o_le = sum_d q_ld context_de

  The context is made again on the way back: it is larger than what it is made of.
*/
#include "kernel-exp.h"
#include "kernel-vector.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

#define STEP   (TP_TILE * 3 * TP_HEADS_SIZE) /* from one position to the next in qkv */
#define STEP_O (TP_TILE * TP_HEADS_SIZE)     /* and in o */
#define D      TP_HEAD_SIZE

typedef struct {
  const TpNumber *at;
  PetscInt        row, column;
} Strided;

/* `rows` rows of y [., D] = left [rows, inner] right [inner, D], PANEL columns at a time. */
ALWAYS_INLINE void Rows(int rows, PetscInt inner, Strided left, const TpNumber right[], PetscInt right_step,
                        TpNumber y[], PetscInt y_step)
{
  for (int j = 0; j < D; j += PANEL) {
    Vector sum[16] = {{0}};

    for (PetscInt k = 0; k < inner; k++) {
      const Vector right_0 = Load(right + k * right_step + j, LANES);
      const Vector right_1 = Load(right + k * right_step + j + LANES, LANES);

#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) {
        sum[2 * r] += left.at[r * left.row + k * left.column] * right_0;
        sum[2 * r + 1] += left.at[r * left.row + k * left.column] * right_1;
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      Store(y + r * y_step + j, LANES, sum[2 * r]);
      Store(y + r * y_step + j + LANES, LANES, sum[2 * r + 1]);
    }
  }
}

/* outer [D, D] = sum over l of a_l b_l^T. */
ALWAYS_INLINE void Outer(PetscInt L, const TpNumber a[], PetscInt a_step, const TpNumber b[], PetscInt b_step,
                         TpNumber outer[])
{
  for (int d = 0; d < D; d += TP_KERNEL_TILE)
    Rows(TP_KERNEL_TILE, L, (Strided){a + d, 1, a_step}, b, b_step, outer + d * D, D);
}

/* y_l = a_l matrix [D, D] for every position. */
ALWAYS_INLINE void Apply(PetscInt L, const TpNumber a[], PetscInt a_step, const TpNumber matrix[], TpNumber y[],
                         PetscInt y_step)
{
  PetscInt l = 0;

  for (; l + TP_KERNEL_TILE <= L; l += TP_KERNEL_TILE)
    Rows(TP_KERNEL_TILE, D, (Strided){a + l * a_step, a_step, 1}, matrix, D, y + l * y_step, y_step);
  for (; l + 3 <= L; l += 3) Rows(3, D, (Strided){a + l * a_step, a_step, 1}, matrix, D, y + l * y_step, y_step);
  for (; l + 2 <= L; l += 2) Rows(2, D, (Strided){a + l * a_step, a_step, 1}, matrix, D, y + l * y_step, y_step);
  for (; l < L; l++) Rows(1, D, (Strided){a + l * a_step, a_step, 1}, matrix, D, y + l * y_step, y_step);
}

static void Softmax(PetscInt L, TpNumber k[])
{
  TpNumber largest[TP_HEADS_SIZE], sum[TP_HEADS_SIZE] = {0};

  memcpy(largest, k, sizeof largest);
  for (PetscInt l = 1; l < L; l++) {
    for (int j = 0; j < TP_HEADS_SIZE; j++) largest[j] = k[l * STEP + j] > largest[j] ? k[l * STEP + j] : largest[j];
  }
  for (PetscInt l = 0; l < L; l++) {
#pragma GCC ivdep
    for (int j = 0; j < TP_HEADS_SIZE; j++) {
      const TpNumber e = Exp(k[l * STEP + j] - largest[j]);

      k[l * STEP + j] = e;
      sum[j] += e;
    }
  }
  for (int j = 0; j < TP_HEADS_SIZE; j++) sum[j] = 1 / sum[j];
  for (PetscInt l = 0; l < L; l++) {
    for (int j = 0; j < TP_HEADS_SIZE; j++) k[l * STEP + j] *= sum[j];
  }
}

/* From the gradient of softmax(k) to that of k, in place. */
static void SoftmaxBackward(PetscInt L, const TpNumber k[], TpNumber dk[])
{
  TpNumber sum[TP_HEADS_SIZE] = {0};

  for (PetscInt l = 0; l < L; l++) {
    for (int j = 0; j < TP_HEADS_SIZE; j++) sum[j] += k[l * STEP + j] * dk[l * STEP + j];
  }
  for (PetscInt l = 0; l < L; l++) {
#pragma GCC ivdep
    for (int j = 0; j < TP_HEADS_SIZE; j++) dk[l * STEP + j] = k[l * STEP + j] * (dk[l * STEP + j] - sum[j]);
  }
}

void TP_KERNEL_JOIN(TpAttentionForward, TP_KERNEL_ISA)(PetscInt L, TpNumber qkv[], TpNumber o[])
{
  TpNumber context[D * D] __attribute__((aligned(64)));

  for (PetscInt s = 0; s < TP_TILE; s++) {
    Softmax(L, qkv + s * 3 * TP_HEADS_SIZE + TP_HEADS_SIZE);
    for (int h = 0; h < TP_HEADS; h++) {
      const TpNumber *q = qkv + s * 3 * TP_HEADS_SIZE + h * D, *k = q + TP_HEADS_SIZE, *v = k + TP_HEADS_SIZE;

      Outer(L, k, STEP, v, STEP, context);
      Apply(L, q, STEP, context, o + s * TP_HEADS_SIZE + h * D, STEP_O);
    }
  }
}

void TP_KERNEL_JOIN(TpAttentionBackward, TP_KERNEL_ISA)(PetscInt L, const TpNumber qkv[], const TpNumber d_o[],
                                                        TpNumber dqkv[])
{
  TpNumber matrix[D * D] __attribute__((aligned(64)));

  for (PetscInt s = 0; s < TP_TILE; s++) {
    for (int h = 0; h < TP_HEADS; h++) {
      const PetscInt  place = s * 3 * TP_HEADS_SIZE + h * D;
      const TpNumber *q = qkv + place, *k = q + TP_HEADS_SIZE, *v = k + TP_HEADS_SIZE;
      const TpNumber *g  = d_o + s * TP_HEADS_SIZE + h * D;
      TpNumber       *dq = dqkv + place, *dk = dq + TP_HEADS_SIZE, *dv = dk + TP_HEADS_SIZE;

      Outer(L, v, STEP, k, STEP, matrix); /* the context, transposed */
      Apply(L, g, STEP_O, matrix, dq, STEP);
      Outer(L, q, STEP, g, STEP_O, matrix); /* the context's gradient */
      Apply(L, k, STEP, matrix, dv, STEP);
      Outer(L, g, STEP_O, q, STEP, matrix); /* transposed */
      Apply(L, v, STEP, matrix, dk, STEP);
    }
    SoftmaxBackward(L, qkv + s * 3 * TP_HEADS_SIZE + TP_HEADS_SIZE, dqkv + s * 3 * TP_HEADS_SIZE + TP_HEADS_SIZE);
  }
}
