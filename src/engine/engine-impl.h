/* What the engines behind tempera/engine.h have in common: the table of functions that each one fills. */
#pragma once

#include "tempera/engine.h"

/** One engine. Functions get checked arguments: sizes, temperature > 0, num_steps >= 0. **/
typedef struct {
  /* required */
  const char *name;    /* the word in the input */
  const char *summary; /* one line for people */

  /* Fill engine->info but for info.units, make engine->data. If it fails, destroy is called on what it has made. */
  PetscErrorCode (*create)(TpEngine engine, PetscInt local_rank);

  /* Set x, v, box and energy; the walker is set already. */
  PetscErrorCode (*start)(TpEngine engine, uint64_t seed, PetscInt64 walker, double temperature, TpState *state);

  PetscErrorCode (*advance)(TpEngine engine, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                            TpState *state);
  PetscErrorCode (*energy)(TpEngine engine, const double x[], const double box[], double *energy, double forces[]);
  PetscErrorCode (*destroy)(TpEngine engine); /* frees engine->data and what info points to; data may be NULL */

  /* optional */
  PetscErrorCode (*sample_exact)(TpEngine engine, uint64_t seed, uint32_t sample, double temperature,
                                 PetscBool *possible, double x[]); /* NULL: never possible */
  PetscErrorCode (*describe)(char text[], size_t length); /* library and version for --version; NULL: nothing to say */
} TpEngineOps;

struct TpEngine_ {
  const TpEngineOps      *ops;
  const TpEngineSettings *settings;
  TpEngineInfo            info;
  PetscBool               has_lost_atoms; /* advance sets it; false before each call */
  void                   *data;
};

extern const TpEngineOps TpEngineModel;
extern const TpEngineOps TpEngineOpenMM; /* only where TP_HAVE_OPENMM is defined */
extern const TpEngineOps TpEngineLammps; /* only where TP_HAVE_LAMMPS is defined */

/** Velocities of `temperature` for a walker's start, no constraints applied; 0 where the mass is 0. Not collective. **/
void TpEngineDrawVelocities(const TpEngineInfo *info, uint64_t seed, PetscInt64 walker, double temperature, double v[]);

/**
  Forbid more steps and rounds than TpEngineMomentStep() can tell apart. Not collective.

  Errors: TP_ERR_INPUT: 2^24 steps, or round 2^32.
**/
PetscErrorCode TpEngineCheckMoment(const TpMoment *moment, PetscInt64 num_steps);

/** Step 0 to num_steps of a round as the `step` of a random number: no two moments of a rung share noise. Not collective. **/
static inline uint64_t TpEngineMomentStep(const TpMoment *moment, PetscInt64 step)
{
  return ((uint64_t)moment->round << 24) | (uint64_t)step;
}

/** Continue a hash (begin with TP_HASH_START) over more bytes: FNV-1a, Fowler, Noll and Vo. Not collective. **/
#define TP_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t TpHashBytes(uint64_t hash, const void *bytes, size_t length);
