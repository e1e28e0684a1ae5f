/*
  The matrix product, for one instruction set: TP_KERNEL_ISA its suffix, TP_KERNEL_BYTES a vector, TP_KERNEL_ROWS of y held in registers.

  Parts of both matrices are copied into the order in which they are read, zeros beyond the edges, so that edges run through the same instructions as the
  rest (after Goto and van de Geijn, ACM Trans. Math. Softw. 34, 12 (2008)): of the right matrix, panels of columns, which stay in the second-level cache, one
  of them in the first; of the left one, strips of rows.
*/
#include "kernel-vector.h"
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

#define ROWS    TP_KERNEL_ROWS
#define FEW     (ROWS / 3)   /* rows of the strips at the lower edge, instead of nearly empty ones */
#define DEPTH   256          /* of the inner index: a panel stays in the first-level cache */
#define COLUMNS (16 * PANEL) /* of the right matrix that are copied together */
#define STRIPS  16           /* of the left matrix that are copied together */

typedef struct {
  Vector   right[COLUMNS / LANES * DEPTH];      /* panels [depth][PANEL] */
  TpNumber left[STRIPS * ROWS * DEPTH + LANES]; /* strips [depth][ROWS or FEW] */
} Copies;

/* LANES of the inner index of `size` lines, of which `count` exist. The last vector of a line spills into the next line, which is written later. */
ALWAYS_INLINE void Interleave(int size, PetscInt count, int width, const TpNumber at[], PetscInt line, TpNumber to[])
{
  for (int first = (size - 1) / LANES * LANES; first >= 0; first -= LANES) {
    Vector vectors[LANES];

#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
      vectors[i] = first + i < size && first + i < count ? Load(at + (first + i) * line, width) : (Vector){0};
    Transpose(vectors);
#pragma GCC unroll 16
    for (int k = 0; k < LANES; k++) {
      if (k < width) Store(to + k * size + first, LANES, vectors[k]);
    }
  }
}

/* to [depth][size]: element (k, i) = at[i * line + k], zero from i = count on. Room for LANES numbers more. */
ALWAYS_INLINE void CopyLines(int size, PetscInt count, PetscInt depth, const TpNumber at[], PetscInt line,
                             TpNumber to[])
{
  PetscInt k = 0;

  for (; k + LANES <= depth; k += LANES) {
    if (count == size)
      Interleave(size, size, LANES, at + k, line, to + k * size);
    else
      Interleave(size, count, LANES, at + k, line, to + k * size);
  }
  if (k < depth) Interleave(size, count, (int)(depth - k), at + k, line, to + k * size);
}

/* The same of element (k, i) = at[i], for one k. */
ALWAYS_INLINE void CopyAlong(int size, PetscInt count, const TpNumber at[], TpNumber to[])
{
  if (count == size) {
    memcpy(to, at, (size_t)size * sizeof *to);
  } else {
    for (PetscInt i = 0; i < size; i++) to[i] = i < count ? at[i] : 0;
  }
}

/* Rows of the left matrix, of which those of one k follow each other or those of one row. */
static void CopyStrips(PetscInt rows, PetscInt depth, TpMatrix left, TpNumber to[])
{
  const PetscInt whole = rows / ROWS * ROWS;

  if (left.row == 1) { /* along the memory, whatever the strips are */
    for (PetscInt k = 0; k < depth; k++) {
      const TpNumber *at = left.at + k * left.column;

      for (PetscInt i = 0; i < whole; i += ROWS) CopyAlong(ROWS, ROWS, at + i, to + i * depth + k * ROWS);
      for (PetscInt i = whole; i < rows; i += FEW)
        CopyAlong(FEW, PetscMin(FEW, rows - i), at + i, to + i * depth + k * FEW);
    }
  } else {
    for (PetscInt i = 0; i < whole; i += ROWS)
      CopyLines(ROWS, ROWS, depth, left.at + i * left.row, left.row, to + i * depth);
    for (PetscInt i = whole; i < rows; i += FEW)
      CopyLines(FEW, PetscMin(FEW, rows - i), depth, left.at + i * left.row, left.row, to + i * depth);
  }
}

/* Columns of the right matrix, likewise. */
static void CopyPanels(PetscInt columns, PetscInt depth, TpMatrix right, TpNumber to[])
{
  if (right.column == 1) {
    for (PetscInt k = 0; k < depth; k++) {
      for (PetscInt j = 0; j < columns; j += PANEL)
        CopyAlong(PANEL, PetscMin(PANEL, columns - j), right.at + k * right.row + j, to + j * depth + k * PANEL);
    }
  } else {
    for (PetscInt j = 0; j < columns; j += PANEL)
      CopyLines(PANEL, PetscMin(PANEL, columns - j), depth, right.at + j * right.column, right.column, to + j * depth);
  }
}

/* y [count of `rows` rows, width of PANEL columns] += strip times panel. */
ALWAYS_INLINE void Tile(int rows, PetscInt count, PetscInt width, PetscInt depth, const TpNumber strip[],
                        const Vector panel[], PetscInt columns, TpNumber y[])
{
  Vector sum[2 * ROWS] = {{0}};

  for (PetscInt r = 0; r < count; r++) {
    __builtin_prefetch(y + r * columns, 1);
    __builtin_prefetch(y + r * columns + width - 1, 1);
  }
  for (PetscInt k = 0; k < depth; k++) {
    const Vector right_0 = panel[2 * k], right_1 = panel[2 * k + 1];

#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      sum[2 * r] += strip[k * rows + r] * right_0;
      sum[2 * r + 1] += strip[k * rows + r] * right_1;
    }
  }
  if (width == PANEL && count == rows) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      *(Unaligned *)(y + r * columns) += sum[2 * r];
      *(Unaligned *)(y + r * columns + LANES) += sum[2 * r + 1];
    }
  } else {
    TpNumber lines[ROWS * PANEL];

    memcpy(lines, sum, sizeof lines);
    for (PetscInt r = 0; r < count; r++) {
      for (PetscInt j = 0; j < width; j++) y[r * columns + j] += lines[r * PANEL + j];
    }
  }
}

/* Rows [first, last) of strips times one panel. */
static void Strips(PetscInt rows, PetscInt width, PetscInt depth, const TpNumber left[], const Vector panel[],
                   PetscInt columns, TpNumber y[])
{
  PetscInt i = 0;

  for (; i + ROWS <= rows; i += ROWS) Tile(ROWS, ROWS, width, depth, left + i * depth, panel, columns, y + i * columns);
  for (; i < rows; i += FEW)
    Tile(FEW, PetscMin(FEW, rows - i), width, depth, left + i * depth, panel, columns, y + i * columns);
}

void TP_KERNEL_JOIN(TpProduct, TP_KERNEL_ISA)(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left,
                                              TpMatrix right, TpNumber y[])
{
  Copies copies;

  for (PetscInt j = 0; j < columns; j += COLUMNS) {
    const PetscInt some = PetscMin(COLUMNS, columns - j);

    for (PetscInt k = 0; k < inner; k += DEPTH) {
      const PetscInt depth = PetscMin(DEPTH, inner - k);

      CopyPanels(some, depth, TpMatrixFrom(right, k, j), (TpNumber *)copies.right);
      for (PetscInt i = 0; i < rows; i += STRIPS * ROWS) {
        const PetscInt height = PetscMin(STRIPS * ROWS, rows - i);

        CopyStrips(height, depth, TpMatrixFrom(left, i, k), copies.left);
        for (PetscInt p = 0; p < some; p += PANEL)
          Strips(height, PetscMin(PANEL, some - p), depth, copies.left, copies.right + p / LANES * depth, columns,
                 y + i * columns + j + p);
      }
    }
  }
}
