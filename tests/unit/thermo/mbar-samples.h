/* Samples with known free energies, for the tests of MBAR. */
#pragma once

#include "tempera/thermo.h"

#include <math.h>

/*
  A ladder of harmonic systems with 2 m degrees of freedom, k_B = 1: U / T is Gamma distributed with shape m, Z ~ T^m, so f_k = -m ln(T_k / T_0),
  U = m T, C_v = m.
*/
typedef struct {
  PetscInt    num_states;
  int         half_freedom; /* m */
  double     *temperature;  /* [K] */
  PetscInt64 *count;        /* [K] */
  PetscInt64  total;
  double     *energy; /* [total] */
} Oscillators;

/* Temperatures 1, ratio, ratio^2, ...; `count` samples each. */
static inline PetscErrorCode OscillatorsCreate(PetscInt num_states, int half_freedom, double ratio, PetscInt64 count,
                                               Oscillators *system)
{
  PetscFunctionBeginUser;
  *system = (Oscillators){.num_states = num_states, .half_freedom = half_freedom, .total = num_states * count};
  PetscCall(PetscMalloc3(num_states, &system->temperature, num_states, &system->count, system->total, &system->energy));
  for (PetscInt k = 0; k < num_states; ++k) {
    system->temperature[k] = pow(ratio, (double)k);
    system->count[k]       = count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Independent samples: minus the logarithm of m uniform numbers is Gamma distributed. */
static inline PetscErrorCode OscillatorsDraw(Oscillators *system, uint64_t seed)
{
  const int  m = system->half_freedom;
  PetscInt64 n = 0;

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < system->num_states; ++k) {
    double *uniform;

    PetscCall(PetscMalloc1(m * system->count[k] + 1, &uniform));
    TpRandomUniform(seed, TP_RANDOM_TEST, (uint32_t)k, 0, (PetscInt)(m * system->count[k]), uniform);
    for (PetscInt64 i = 0; i < system->count[k]; ++i, ++n) {
      double product = 1.0;

      for (int j = 0; j < m; ++j) product *= uniform[i * m + j];
      system->energy[n] = -system->temperature[k] * log(product);
    }
    PetscCall(PetscFree(uniform));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline double OscillatorsFreeEnergy(const Oscillators *system, PetscInt k)
{
  return -system->half_freedom * log(system->temperature[k] / system->temperature[0]);
}

static inline PetscErrorCode OscillatorsDestroy(Oscillators *system)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(system->temperature, system->count, system->energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode OscillatorsMbar(const Oscillators *system, MPI_Comm comm, const double g[], TpMbar *mbar)
{
  PetscFunctionBeginUser;
  PetscCall(
      TpMbarCreateLadder(comm, 1.0, system->num_states, system->temperature, system->count, system->energy, g, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean, mean square about the expected 0 and count of |z| > 3 of standardised errors. */
typedef struct {
  double   sum, square;
  PetscInt count, outside;
} Scores;

static inline void ScoresAdd(Scores *scores, double z)
{
  scores->sum += z;
  scores->square += z * z;
  scores->count++;
  scores->outside += fabs(z) > 3.0 || isnan(z);
}
