/* Random numbers as pure functions: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011), by the library Random123. */
#include "tempera/base.h"

#include <Random123/philox.h>
#include <math.h>

/* The counter names the draw, the key is the seed: block of four words | purpose and high bits of step | low bits of step | id. */
static philox4x32_ctr_t Block(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, uint32_t block)
{
  const uint32_t         high    = (uint32_t)(step >> 32) & 0x00ffffffu;
  const philox4x32_ctr_t counter = {{block, ((uint32_t)purpose << 24) | high, (uint32_t)step, id}};
  const philox4x32_key_t key     = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};

  return philox4x32(counter, key);
}

/* 52 of 64 bits, in the middle of their interval: never 0, never 1. */
static double Uniform(uint32_t high, uint32_t low)
{
  const uint64_t bits = (((uint64_t)high << 32) | low) >> 12;

  return ((double)bits + 0.5) * 0x1p-52;
}

static void NormalPair(philox4x32_ctr_t block, double pair[2])
{
  const double radius = sqrt(-2.0 * log(Uniform(block.v[0], block.v[1])));
  const double angle  = 2.0 * PETSC_PI * Uniform(block.v[2], block.v[3]);

  pair[0] = radius * cos(angle);
  pair[1] = radius * sin(angle);
}

void TpRandomUniform(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                     double numbers[])
{
  for (PetscInt i = 0; i < count; i += 2) {
    const philox4x32_ctr_t block = Block(seed, purpose, id, step, (uint32_t)(i / 2));

    numbers[i] = Uniform(block.v[0], block.v[1]);
    if (i + 1 < count) numbers[i + 1] = Uniform(block.v[2], block.v[3]);
  }
}

void TpRandomNormal(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                    double numbers[])
{
  for (PetscInt i = 0; i < count; i += 2) {
    double pair[2];

    NormalPair(Block(seed, purpose, id, step, (uint32_t)(i / 2)), pair);
    numbers[i] = pair[0];
    if (i + 1 < count) numbers[i + 1] = pair[1];
  }
}

void TpRandomNormalFloat(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                         float numbers[])
{
  for (PetscInt i = 0; i < count; i += 2) {
    double pair[2];

    NormalPair(Block(seed, purpose, id, step, (uint32_t)(i / 2)), pair);
    numbers[i] = (float)pair[0];
    if (i + 1 < count) numbers[i + 1] = (float)pair[1];
  }
}

/* The middle of one of 2^32 intervals. */
static inline double Centred(uint32_t word)
{
  return ((double)(int32_t)(word ^ 0x80000000u) + 0.5) * 0x1p-32;
}

/* Wider vector instructions would halve the time, but what follows them in the caller loses more than that: molecular dynamics 8 % on one
   processor with AVX-512. */
void TpRandomCentred(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                     double numbers[])
{
  for (PetscInt i = 0; i < count; i += 4) {
    const philox4x32_ctr_t block = Block(seed, purpose, id, step, (uint32_t)(i / 4));
    const PetscInt         size  = PetscMin(4, count - i);

    for (PetscInt k = 0; k < size; ++k) numbers[i + k] = Centred(block.v[k]);
  }
}

uint64_t TpRandomBits(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step)
{
  const philox4x32_ctr_t block = Block(seed, purpose, id, step, 0);

  return ((uint64_t)block.v[1] << 32) | block.v[0];
}
