/* The matrix product of numbers rounded to bf16. Few columns, or few numbers to sum, stay with the kernel of single precision. */
#include "kernel-amx.h"
#include "kernel.h"

TP_KERNEL_DECLARE(avx512);
TP_KERNEL_DECLARE(amx);

#define FEWEST  16  /* columns and inner numbers that are worth it */
#define INNER   512 /* of the inner index that are rounded together */
#define COLUMNS 256 /* of the right matrix, likewise */

typedef struct {
  Rounded right[COLUMNS * INNER]; /* panels [inner / DEPTH][two right tiles] */
  Rounded left[BLOCK * INNER];    /* rows */
} Copies;

static void RoundRight(PetscInt columns, PetscInt inner, TpMatrix right, Rounded to[])
{
  for (PetscInt j = 0; j < columns; j += BLOCK) {
    for (PetscInt k = 0; k < inner; k += DEPTH) {
      for (PetscInt half = j; half < j + BLOCK; half += HALF, to += RIGHT) {
        const TpNumber *from = right.at + k * right.row + half * right.column;

        if (right.column == 1)
          RoundRows(inner - k, (int)PetscMax(0, PetscMin(HALF, columns - half)), from, right.row, to);
        else
          RoundLines(columns - half, inner - k, from, right.column, to);
      }
    }
  }
}

/* 16 rows that lie across the memory: pairs of neighbours, then each row by itself. */
static void RoundAcross(PetscInt rows, PetscInt inner, TpMatrix left, Rounded to[])
{
  const int count = (int)PetscMax(0, PetscMin(HALF, rows));

  for (PetscInt k = 0; k < inner; k += DEPTH) {
    Vector pairs[HALF];

    RoundRows(inner - k, count, left.at + k * left.column, left.column, (Rounded *)pairs);
    Transpose(pairs);
#pragma GCC unroll 16
    for (int i = 0; i < HALF; i++) _mm512_storeu_si512(to + i * INNER + k, (__m512i)pairs[i]);
  }
}

static void RoundLeft(PetscInt rows, PetscInt inner, TpMatrix left, Rounded to[])
{
  if (left.column == 1) {
    for (PetscInt i = 0; i < BLOCK; i++)
      RoundRow(Whole(inner, DEPTH), i < rows ? inner : 0, left.at + i * left.row, to + i * INNER);
  } else {
    RoundAcross(rows, inner, left, to);
    left.at += HALF;
    RoundAcross(rows - HALF, inner, left, to + HALF * INNER);
  }
}

void TpProduct_amx(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left, TpMatrix right, TpNumber y[])
{
  Copies copies;

  if (columns < FEWEST || inner < FEWEST) {
    TpProduct_avx512(rows, columns, inner, left, right, y);
    return;
  }
  TilesBegin();
  for (PetscInt j = 0; j < columns; j += COLUMNS) {
    const PetscInt some = PetscMin(COLUMNS, columns - j);

    for (PetscInt k = 0; k < inner; k += INNER) {
      const PetscInt depth = PetscMin(INNER, inner - k), whole = Whole(depth, DEPTH);

      RoundRight(some, depth, TpMatrixFrom(right, k, j), copies.right);
      for (PetscInt i = 0; i < rows; i += BLOCK) {
        RoundLeft(rows - i, depth, TpMatrixFrom(left, i, k), copies.left);
        for (PetscInt p = 0; p < some; p += BLOCK) {
          const Rounded *panel = copies.right + p * whole;

          AddBlock(PetscMin(BLOCK, rows - i), PetscMin(BLOCK, some - p), whole, copies.left, INNER, panel,
                   panel + RIGHT, 2 * RIGHT, columns, y + i * columns + j + p);
        }
      }
    }
  }
  TilesEnd();
}
