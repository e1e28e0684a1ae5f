/* The small table of parameters that the tests of config read, and how they read it. Each test is a program of its own: hence static. */
#pragma once

#include "test.h"

#include <float.h>
#include <stddef.h>

typedef struct {
  PetscInt   kind;
  double     timestep, mass;
  char      *structure;
  PetscInt64 num_rungs, seed;
  TpRealList temperatures;
  PetscBool  is_tuned;
  char      *title;
  double     max_time;
  TpTextList torsions, files, boxes;
} Settings;

static const char *const kinds[] = {"model", "openmm", "no", NULL};

static const TpParameter table[] = {
    {"version", TP_INT, TP_DIMENSION_NONE, offsetof(Settings, seed), "7", -1e19, 1e19, NULL, "A key without section."},
    {"engine.kind", TP_WORD, TP_DIMENSION_NONE, offsetof(Settings, kind), NULL, 0, 0, kinds, "What computes forces."},
    {"engine.timestep", TP_REAL, TP_DIMENSION_TIME, offsetof(Settings, timestep), "2 fs", DBL_MIN, 0.01, NULL,
     "Step | of time."},
    {"engine.structure", TP_PATH, TP_DIMENSION_NONE, offsetof(Settings, structure), "", 0, 0, NULL,
     "Where the atoms are."},
    {"ladder.num_rungs", TP_INT, TP_DIMENSION_NONE, offsetof(Settings, num_rungs), "4", 1, 4096, NULL,
     "Number of rungs."},
    {"ladder.temperatures", TP_REAL_LIST, TP_DIMENSION_TEMPERATURE, offsetof(Settings, temperatures), "[300, 310 K]", 0,
     1e9, NULL, "T."},
    {"ladder.tune.on", TP_BOOL, TP_DIMENSION_NONE, offsetof(Settings, is_tuned), "no", 0, 0, NULL, "Whether to tune."},
    {"run.title", TP_TEXT, TP_DIMENSION_NONE, offsetof(Settings, title), "", 0, 0, NULL, "For you."},
    {"run.max_time", TP_REAL, TP_DIMENSION_WALL_TIME, offsetof(Settings, max_time), "90 min", 0, PETSC_MAX_REAL, NULL,
     "When to stop."},
    {"feature.torsions", TP_TEXT_LIST, TP_DIMENSION_NONE, offsetof(Settings, torsions), "", 0, 0, NULL, "Torsions."},
    {"feature.files", TP_PATH_LIST, TP_DIMENSION_NONE, offsetof(Settings, files), "[a.txt, ./b]", 0, 0, NULL, "Files."},
    {"feature.boxes", TP_TEXT_MAP, TP_DIMENSION_NONE, offsetof(Settings, boxes), "", 0, 0, NULL, "Boxes by name."},
    {"engine.mass", TP_REAL, TP_DIMENSION_MASS, offsetof(Settings, mass), "12 Da", 0, 0, NULL,
     "Apart from its section's other rows."},
    {NULL},
};

/* Read a text as input/x.yaml, then assignments, then apply. */
static PetscErrorCode Read(const char *text, const char *set, TpUnitSystem system, TpConfig *config, Settings *settings)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *settings = (Settings){0};
  PetscCall(TpConfigCreate(table, config));
  code = TpConfigReadText(*config, "input/x.yaml", "input", text);
  if (!code && set) code = TpConfigSet(*config, set);
  if (!code) code = TpConfigApply(*config, system, settings);
  if (code) PetscCall(TpConfigDestroy(config));
  PetscFunctionReturn(code);
}

static PetscErrorCode Done(TpConfig *config, Settings *settings)
{
  PetscFunctionBeginUser;
  PetscCall(TpConfigFree(table, settings));
  PetscCall(TpConfigDestroy(config));
  TpTestExpect(!settings->title && !settings->structure && !settings->torsions.values && !settings->temperatures.size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read, apply and forget: only the code matters. */
static PetscErrorCode Try(const char *text, const char *set, TpUnitSystem system)
{
  TpConfig config;
  Settings settings;

  PetscFunctionBeginUser;
  PetscCall(Read(text, set, system, &config, &settings));
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}
