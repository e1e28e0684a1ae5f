/*
  Products of numbers rounded to bf16 (8 bits of exponent, 8 of the mantissa), summed in single precision: tiles of AMX, and rounding into the order in
  which they are read. Private to the kernels.

  A left tile has 16 rows of 32 numbers; a right tile has 16 columns of 32 numbers, of which those of rows 2 k and 2 k + 1 are neighbours in memory:
  16 pairs of rows. Two left tiles times two right tiles make a block of 32 x 32 sums, which stays in registers.
*/
#pragma once

#include "kernel-vector.h"

#include <immintrin.h>

#define HALF  16             /* rows of a left tile, columns of a right one */
#define BLOCK 32             /* rows and columns of a block of sums */
#define DEPTH 32             /* numbers that a pair of tiles sums over */
#define RIGHT (DEPTH * HALF) /* numbers of a right tile */

typedef uint16_t Rounded; /* a number in bf16 */

/* The least multiple of `unit` that has room for n. */
ALWAYS_INLINE PetscInt Whole(PetscInt n, PetscInt unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Tiles are ours from here to TilesEnd(): all eight of 16 rows of 64 bytes. */
ALWAYS_INLINE void TilesBegin(void)
{
  static const struct { /* static: the compiler believes that only its first bytes are read */
    uint8_t  palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t  rows[16];
  } shape = {.palette   = 1,
             .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
             .rows      = {HALF, HALF, HALF, HALF, HALF, HALF, HALF, HALF}};

  _tile_loadconfig(&shape);
}

ALWAYS_INLINE void TilesEnd(void)
{
  _tile_release();
}

/* Nor does it know that tiles are loaded from memory: what was written must be there from here on, until the sums are stored, which it does know. */
ALWAYS_INLINE void Written(void)
{
  __asm__ volatile("" ::: "memory");
}

/* Tiles 0 to 3 are the sums: (upper, left), (upper, right), (lower, left), (lower, right). */
ALWAYS_INLINE void SumsClear(void)
{
  Written();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

ALWAYS_INLINE void SumsLoad(const TpNumber at[], PetscInt row)
{
  const size_t bytes = (size_t)row * sizeof *at;

  Written();
  _tile_loadd(0, at, bytes);
  _tile_loadd(1, at + HALF, bytes);
  _tile_loadd(2, at + HALF * row, bytes);
  _tile_loadd(3, at + HALF * row + HALF, bytes);
}

ALWAYS_INLINE void SumsStore(TpNumber at[], PetscInt row)
{
  const size_t bytes = (size_t)row * sizeof *at;

  _tile_stored(0, at, bytes);
  _tile_stored(1, at + HALF, bytes);
  _tile_stored(2, at + HALF * row, bytes);
  _tile_stored(3, at + HALF * row + HALF, bytes);
}

/* Sums += left right, over `depth` numbers, a multiple of DEPTH: rows of `left` lie `row` numbers apart; right tiles of the two halves follow each other
   `step` numbers apart. `halves` 1: the lower sums are not wanted. */
ALWAYS_INLINE void SumsAdd(int halves, PetscInt depth, const Rounded left[], PetscInt row, const Rounded right_0[],
                           const Rounded right_1[], PetscInt step)
{
  const size_t bytes = (size_t)row * sizeof *left;

  for (PetscInt k = 0; k < depth; k += DEPTH, left += DEPTH, right_0 += step, right_1 += step) {
    _tile_loadd(4, left, bytes);
    _tile_loadd(6, right_0, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, right_1, 64);
    _tile_dpbf16ps(1, 4, 7);
    if (halves == 2) {
      _tile_loadd(5, left + HALF * row, bytes);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

/* y [rows, columns], of a block or of its part at an edge, += left right; for the rest see SumsAdd(). Each number by the same instructions. */
ALWAYS_INLINE void AddBlock(PetscInt rows, PetscInt columns, PetscInt depth, const Rounded left[], PetscInt row,
                            const Rounded right_0[], const Rounded right_1[], PetscInt step, PetscInt M, TpNumber y[])
{
  _Alignas(64) TpNumber sums[BLOCK * BLOCK];

  if (rows == BLOCK && columns == BLOCK) {
    SumsLoad(y, M);
    SumsAdd(2, depth, left, row, right_0, right_1, step);
    SumsStore(y, M);
    return;
  }
  memset(sums, 0, sizeof sums);
  for (PetscInt i = 0; i < rows; i++) memcpy(sums + i * BLOCK, y + i * M, (size_t)columns * sizeof *y);
  SumsLoad(sums, BLOCK);
  SumsAdd(2, depth, left, row, right_0, right_1, step);
  SumsStore(sums, BLOCK);
  for (PetscInt i = 0; i < rows; i++) memcpy(y + i * M, sums + i * BLOCK, (size_t)columns * sizeof *y);
}

/* n numbers, a multiple of DEPTH, of which `exist` do; zeros beyond. */
ALWAYS_INLINE void RoundRow(PetscInt n, PetscInt exist, const TpNumber from[], Rounded to[])
{
  PetscInt k = 0;

  for (; k + DEPTH <= PetscMin(n, exist); k += DEPTH)
    _mm512_storeu_si512(
        to + k, (__m512i)_mm512_cvtne2ps_pbh((__m512)Load(from + k + LANES, LANES), (__m512)Load(from + k, LANES)));
  for (; k < n; k += DEPTH) {
    TpNumber rest[DEPTH] = {0};

    if (k < exist) memcpy(rest, from + k, (size_t)(exist - k) * sizeof *rest);
    _mm512_storeu_si512(to + k,
                        (__m512i)_mm512_cvtne2ps_pbh((__m512)Load(rest + LANES, LANES), (__m512)Load(rest, LANES)));
  }
}

/* Lane j: number j of the upper row, in the lower half, and of the lower row. */
ALWAYS_INLINE __m512i RoundPair(Vector upper, Vector lower)
{
  const __m512i apart = (__m512i)_mm512_cvtne2ps_pbh((__m512)lower, (__m512)upper);
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);

  return _mm512_permutexvar_epi16(order, apart);
}

/* Up to DEPTH rows of 16 columns, `row` apart, as a right tile; zeros beyond the edges. */
ALWAYS_INLINE void RoundRows(PetscInt rows, int columns, const TpNumber from[], PetscInt row, Rounded to[])
{
  for (PetscInt k = 0; k < DEPTH; k += 2, to += BLOCK) {
    const TpNumber *at = from + k * row;

    _mm512_storeu_si512(to, RoundPair(Load(at, k < rows ? columns : 0), Load(at + row, k + 1 < rows ? columns : 0)));
  }
}

/* 16 lines `line` apart, of which `lines` exist, of up to DEPTH numbers, as a right tile of which they are the columns; zeros beyond the edges. */
ALWAYS_INLINE void RoundLines(PetscInt lines, PetscInt numbers, const TpNumber from[], PetscInt line, Rounded to[])
{
  Vector columns[HALF];

#pragma GCC unroll 16
  for (int i = 0; i < HALF; i++) RoundRow(DEPTH, i < lines ? numbers : 0, from + i * line, (Rounded *)&columns[i]);
  Transpose(columns);
  memcpy(to, columns, sizeof columns);
}
