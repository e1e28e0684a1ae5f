/*
  Linear attention of one tile, for one instruction set (suffix TP_KERNEL_ISA). For each row and head, with sums over positions l and channels d, e:

    k_ld := softmax over l of k_ld,   context_de = sum_l k_ld v_le,   o_le = sum_d q_ld context_de

  For few positions it is less work to sum the other way round, o_l = sum_m (q_l . k_m) v_m. The context is made again on the way back: it is
  larger than what it is made of.
*/
#include "kernel-exp.h"
#include "kernel-vector.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

#define STEP   (TP_TILE * 3 * TP_HEADS_SIZE) /* from one position to the next in qkv */
#define STEP_O (TP_TILE * TP_HEADS_SIZE)     /* and in o */
#define D      TP_HEAD_SIZE
#define SHORT_FORWARD                                                                                                  \
  16 /* positions up to which pairs of them cost less than contexts, which are as large as 32 positions */
#define SHORT_BACKWARD 20
#define PAIRS          (SHORT_BACKWARD * SHORT_BACKWARD + LANES)

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

/* All rows: y [rows, D] = left [rows, inner] right [inner, D]. */
ALWAYS_INLINE void Product(PetscInt rows, PetscInt inner, Strided left, const TpNumber right[], PetscInt right_step,
                           TpNumber y[], PetscInt y_step)
{
  PetscInt i = 0;

#define ROWS_AT(count)                                                                                                 \
  Rows(count, inner, (Strided){left.at + i * left.row, left.row, left.column}, right, right_step, y + i * y_step,      \
       y_step)
  for (; i + TP_KERNEL_TILE <= rows; i += TP_KERNEL_TILE) ROWS_AT(TP_KERNEL_TILE);
  for (; i + 3 <= rows; i += 3) ROWS_AT(3);
  for (; i + 2 <= rows; i += 2) ROWS_AT(2);
  for (; i < rows; i++) ROWS_AT(1);
#undef ROWS_AT
}

/* outer [D, D] = sum over l of a_l b_l^T. */
ALWAYS_INLINE void Outer(PetscInt L, const TpNumber a[], PetscInt a_step, const TpNumber b[], PetscInt b_step,
                         TpNumber outer[])
{
  Product(D, L, (Strided){a, 1, a_step}, b, b_step, outer, D);
}

/* y_l = a_l matrix [D, D] for every position. */
ALWAYS_INLINE void Apply(PetscInt L, const TpNumber a[], PetscInt a_step, const TpNumber matrix[], TpNumber y[],
                         PetscInt y_step)
{
  Product(L, D, (Strided){a, a_step, 1}, matrix, D, y, y_step);
}

/* Lanes whose number has bit w: sums of b's lanes j and j - w; the others: of a's lanes j and j + w. */
ALWAYS_INLINE Vector Fold(Vector a, Vector b, int w)
{
  Lanes near = {0}, far = {0};

#pragma GCC unroll 16
  for (int j = 0; j < LANES; j++) {
    near[j] = (j & w ? LANES : 0) + j;
    far[j]  = (j & w ? LANES : 0) + (j ^ w);
  }
  return __builtin_shuffle(a, b, near) + __builtin_shuffle(a, b, far);
}

ALWAYS_INLINE void FoldAll(Vector vectors[], int w)
{
  if (w >= LANES) return;
#pragma GCC unroll 8
  for (int j = 0; j < w; j++) vectors[j] = Fold(vectors[j], vectors[j + w], w);
}

/* Lane j of the answer is the sum of all lanes of vector j. */
ALWAYS_INLINE Vector SumEach(Vector vectors[LANES])
{
  FoldAll(vectors, 8);
  FoldAll(vectors, 4);
  FoldAll(vectors, 2);
  FoldAll(vectors, 1);
  return vectors[0];
}

/* dots [L, L]: a_l . b_m over the D channels. Room for LANES - 1 numbers more. */
ALWAYS_INLINE void Dots(PetscInt L, const TpNumber a[], PetscInt a_step, const TpNumber b[], PetscInt b_step,
                        TpNumber dots[])
{
  for (PetscInt l = 0, m = 0, i = 0; i < L * L; i += LANES) {
    Vector products[LANES];

#pragma GCC unroll 16
    for (int j = 0; j < LANES; j++) {
      const TpNumber *left = a + l * a_step, *right = b + m * b_step;
      Vector          sum = {0};

#pragma GCC unroll 8
      for (int d = 0; d < D; d += LANES) sum += Load(left + d, LANES) * Load(right + d, LANES);
      products[j] = sum;
      if (m + 1 < L)
        m++;
      else if (l + 1 < L)
        l++, m = 0; /* beyond the last pair: the last once more */
    }
    Store(dots + i, LANES, SumEach(products));
  }
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
      const TpNumber e = ExpOfNegative(k[l * STEP + j] - largest[j]);

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

/* One head of one row, its parts a STEP apart from position to position; d_o and o a STEP_O. */
ALWAYS_INLINE void HeadForward(PetscInt L, const TpNumber q[], TpNumber o[])
{
  const TpNumber *k = q + TP_HEADS_SIZE, *v = k + TP_HEADS_SIZE;
  TpNumber        matrix[D * D] __attribute__((aligned(64)));

  if (L <= SHORT_FORWARD) {
    Dots(L, q, STEP, k, STEP, matrix);
    Product(L, L, (Strided){matrix, L, 1}, v, STEP, o, STEP_O);
  } else {
    Outer(L, k, STEP, v, STEP, matrix); /* the context */
    Apply(L, q, STEP, matrix, o, STEP_O);
  }
}

/* By the context: g is d o. */
ALWAYS_INLINE void HeadBackwardLong(PetscInt L, const TpNumber q[], const TpNumber g[], TpNumber dq[])
{
  const TpNumber *k = q + TP_HEADS_SIZE, *v = k + TP_HEADS_SIZE;
  TpNumber       *dk = dq + TP_HEADS_SIZE, *dv = dk + TP_HEADS_SIZE;
  TpNumber        matrix[D * D] __attribute__((aligned(64)));

  Outer(L, v, STEP, k, STEP, matrix); /* the context, transposed */
  Apply(L, g, STEP_O, matrix, dq, STEP);
  Outer(L, q, STEP, g, STEP_O, matrix); /* the context's gradient */
  Apply(L, k, STEP, matrix, dv, STEP);
  Outer(L, g, STEP_O, q, STEP, matrix); /* transposed */
  Apply(L, v, STEP, matrix, dk, STEP);
}

/* By pairs of positions: with a_lm = q_l . k_m and b_lm = g_l . v_m. */
ALWAYS_INLINE void HeadBackwardShort(PetscInt L, const TpNumber q[], const TpNumber g[], TpNumber dq[])
{
  const TpNumber *k = q + TP_HEADS_SIZE, *v = k + TP_HEADS_SIZE;
  TpNumber       *dk = dq + TP_HEADS_SIZE, *dv = dk + TP_HEADS_SIZE;
  TpNumber        a[PAIRS] __attribute__((aligned(64))), b[PAIRS] __attribute__((aligned(64)));

  Dots(L, q, STEP, k, STEP, a);
  Dots(L, g, STEP_O, v, STEP, b);
  Product(L, L, (Strided){b, L, 1}, k, STEP, dq, STEP);
  Product(L, L, (Strided){b, 1, L}, q, STEP, dk, STEP);
  Product(L, L, (Strided){a, 1, L}, g, STEP_O, dv, STEP);
}

void TP_KERNEL_JOIN(TpAttentionSoftmax, TP_KERNEL_ISA)(PetscInt L, TpNumber qkv[])
{
  for (PetscInt s = 0; s < TP_TILE; s++) Softmax(L, qkv + s * 3 * TP_HEADS_SIZE + TP_HEADS_SIZE);
}

void TP_KERNEL_JOIN(TpAttentionForward, TP_KERNEL_ISA)(PetscInt L, TpNumber qkv[], TpNumber o[])
{
  for (PetscInt s = 0; s < TP_TILE; s++) {
    TpNumber *row = qkv + s * 3 * TP_HEADS_SIZE;

    Softmax(L, row + TP_HEADS_SIZE);
    for (int h = 0; h < TP_HEADS; h++) HeadForward(L, row + h * D, o + s * TP_HEADS_SIZE + h * D);
  }
}

void TP_KERNEL_JOIN(TpAttentionBackward, TP_KERNEL_ISA)(PetscInt L, const TpNumber qkv[], const TpNumber d_o[],
                                                        TpNumber dqkv[])
{
  for (PetscInt s = 0; s < TP_TILE; s++) {
    const TpNumber *row = qkv + s * 3 * TP_HEADS_SIZE, *given = d_o + s * TP_HEADS_SIZE;
    TpNumber       *drow = dqkv + s * 3 * TP_HEADS_SIZE;

    for (int h = 0; h < TP_HEADS; h++) {
      if (L <= SHORT_BACKWARD)
        HeadBackwardShort(L, row + h * D, given + h * D, drow + h * D);
      else
        HeadBackwardLong(L, row + h * D, given + h * D, drow + h * D);
    }
    SoftmaxBackward(L, row + TP_HEADS_SIZE, drow + TP_HEADS_SIZE);
  }
}
