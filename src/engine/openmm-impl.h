/* What the files of the engine `openmm` share. */
#pragma once

#include "engine-impl.h"
#include "openmm-bridge.h"

typedef struct {
  TpOpenMM       openmm;
  TpOpenMMSystem system;
  double        *mass;        /* [num_particles] */
  PetscInt      *constraints; /* [num_constraints, 2] */
  PetscInt       num_starts;
  TpTopology    *start;       /* [num_starts] */
  PetscBool      has_devices; /* the platform runs on GPUs */
  PetscBool      is_seeded;
  char           name[128];
} TpOpenMMEngine;

#define TpCallOpenMM(call)                                                                                             \
  do {                                                                                                                 \
    if ((call) != TP_OPENMM_OK) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "OpenMM: %s", TpOpenMMError());                \
  } while (0)

/* The beginning of OpenMM's message, for a line that people read. Valid until the next call. */
const char *TpOpenMMShortError(void);

/* Read what is simulated: the System, its particles and constraints, and the start positions. Fills engine->info but for the platform's part. */
PetscErrorCode TpOpenMMReadSystem(TpEngine engine, TpOpenMMEngine *data);
