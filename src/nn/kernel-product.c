/* The matrix product, for one instruction set: TP_KERNEL_ISA its suffix, TP_KERNEL_BYTES a vector, TP_KERNEL_ROWS of y held in registers. */
#include "kernel.h"

#include <string.h>

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

#define ROWS  TP_KERNEL_ROWS
#define LANES (TP_KERNEL_BYTES / (int)sizeof(TpNumber))
#define PANEL (2 * LANES) /* columns of y held in registers */
#define DEPTH 256         /* of a panel of the right matrix: it stays in the first-level cache */

typedef TpNumber Vector __attribute__((vector_size(TP_KERNEL_BYTES)));
typedef TpNumber Unaligned __attribute__((vector_size(TP_KERNEL_BYTES), aligned(sizeof(TpNumber)), may_alias));

/* panel [depth, PANEL] = right, zeros beyond `width` columns, so that edges run through the same instructions as the rest. */
static void Pack(PetscInt depth, PetscInt width, const TpNumber at[], PetscInt row, PetscInt column, TpNumber panel[])
{
  if (width < PANEL) memset(panel, 0, (size_t)depth * PANEL * sizeof(TpNumber));
  if (column == 1) {
    for (PetscInt k = 0; k < depth; k++) memcpy(panel + k * PANEL, at + k * row, (size_t)width * sizeof(TpNumber));
  } else if (width == PANEL) {
    for (PetscInt k = 0; k < depth; k++) {
      for (PetscInt j = 0; j < PANEL; j++) panel[k * PANEL + j] = at[k * row + j * column];
    }
  } else {
    for (PetscInt k = 0; k < depth; k++) {
      for (PetscInt j = 0; j < width; j++) panel[k * PANEL + j] = at[k * row + j * column];
    }
  }
}

/* sum [ROWS, PANEL] = ROWS rows of the left matrix, each `step` apart along the inner index, times the panel. */
static inline __attribute__((always_inline)) void Tile(PetscInt depth, const TpNumber *const left[ROWS], PetscInt step,
                                                       const Vector panel[], Vector sum[2 * ROWS])
{
  Vector total[2 * ROWS] = {{0}};

  for (PetscInt k = 0; k < depth; k++) {
    const Vector right_0 = panel[2 * k], right_1 = panel[2 * k + 1];

#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
      total[2 * r] += left[r][k * step] * right_0;
      total[2 * r + 1] += left[r][k * step] * right_1;
    }
  }
  for (int r = 0; r < 2 * ROWS; r++) sum[r] = total[r];
}

static void AddTile(PetscInt rows, PetscInt width, PetscInt columns, const Vector sum[2 * ROWS], TpNumber y[])
{
  for (PetscInt r = 0; r < rows; r++) {
    if (width == PANEL) {
      *(Unaligned *)(y + r * columns) += sum[2 * r];
      *(Unaligned *)(y + r * columns + LANES) += sum[2 * r + 1];
    } else {
      TpNumber line[PANEL];

      memcpy(line, sum + 2 * r, sizeof line);
      for (PetscInt j = 0; j < width; j++) y[r * columns + j] += line[j];
    }
  }
}

/* All rows of y against one panel. Rows beyond the last repeat it and are dropped: no second code path. */
static void ProductPanel(PetscInt rows, PetscInt width, PetscInt depth, PetscInt columns, TpMatrix left,
                         const Vector panel[], TpNumber y[])
{
  for (PetscInt i = 0; i < rows; i += ROWS) {
    const TpNumber *pointers[ROWS];
    Vector          sum[2 * ROWS];

    for (PetscInt r = 0; r < ROWS; r++) pointers[r] = left.at + PetscMin(i + r, rows - 1) * left.row;
    if (left.column == 1)
      Tile(depth, pointers, 1, panel, sum);
    else
      Tile(depth, pointers, left.column, panel, sum);
    AddTile(PetscMin(ROWS, rows - i), width, columns, sum, y + i * columns);
  }
}

void TP_KERNEL_JOIN(TpProduct, TP_KERNEL_ISA)(PetscInt rows, PetscInt columns, PetscInt inner, TpMatrix left,
                                              TpMatrix right, TpNumber y[])
{
  Vector panel[2 * DEPTH];

  for (PetscInt j = 0; j < columns; j += PANEL) {
    const PetscInt width = PetscMin(PANEL, columns - j);

    for (PetscInt k = 0; k < inner; k += DEPTH) {
      const PetscInt depth = PetscMin(DEPTH, inner - k);
      const TpMatrix part  = {left.at + k * left.column, left.row, left.column};

      Pack(depth, width, right.at + k * right.row + j * right.column, right.row, right.column, (TpNumber *)panel);
      ProductPanel(rows, width, depth, columns, part, panel, y + j);
    }
  }
}
