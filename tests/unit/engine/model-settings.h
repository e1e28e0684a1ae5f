/* Settings under which every model potential works, for the tests of the engine. */
#pragma once

#include "engine-bench.h"

/* The lists are the caller's constants: nothing to free. */
static inline TpEngineSettings ModelSettings(const char *potential)
{
  static double    means[]   = {-1.0, 0.5, 2.0, 1.5, -0.5, 0.0};
  static double    sigmas[]  = {0.6, 0.9};
  static double    weights[] = {0.3, 0.7};
  TpEngineSettings settings  = {
       .kind     = WordIndex(tp_engine_words, "model"),
       .timestep = 0.005,
       .friction = 1.0,
  };

  settings.model.potential     = WordIndex(tp_potential_words, potential);
  settings.model.dimension     = 3;
  settings.model.num_particles = 21; /* no multiple of the lanes of a vector unit */
  settings.model.num_residues  = 9;
  settings.model.box_length    = 4.0;
  settings.model.radius        = 2.5;
  settings.model.mass          = 1.5;
  settings.model.barrier       = 2.0;
  settings.model.means         = (TpRealList){6, means};
  settings.model.sigmas        = (TpRealList){2, sigmas};
  settings.model.weights       = (TpRealList){2, weights};
  return settings;
}

static inline PetscErrorCode CreateEngine(const TpEngineSettings *settings, TpEngine *engine, const TpEngineInfo **info)
{
  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(settings, 0, engine));
  PetscCall(TpEngineGetInfo(*engine, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}
