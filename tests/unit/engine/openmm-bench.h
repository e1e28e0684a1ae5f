/* What the tests of the engine openmm share: settings of the shipped molecules, and their constraints. */
#pragma once

#include "engine-bench.h"

#include <math.h>
#include <string.h>

#define SEED UINT64_C(20240731)

#define TEXTS(count, ...)                                                                                              \
  (TpTextList)                                                                                                         \
  {                                                                                                                    \
    .size = (count), .values = (char *[])                                                                              \
    {                                                                                                                  \
      __VA_ARGS__                                                                                                      \
    }                                                                                                                  \
  }

enum { DIPEPTIDE = 3 * 22, PACKED = 11 + 2 * DIPEPTIDE }; /* coordinates, and numbers in a packed state of them */

#define MOLECULES TP_SOURCE_DIR "/input/molecules/"

/* Lists that outlive the functions which hand them out. */
static char *dipeptide_pdb[] = {MOLECULES "adp.pdb"};
static char *peptide_pdb[]   = {MOLECULES "aib9_right.pdb", MOLECULES "aib9_left.pdb"};

static inline TpEngineSettings Dipeptide(char *platform)
{
  return (TpEngineSettings){
      .kind     = WordIndex(tp_engine_words, "openmm"),
      .timestep = 0.002,
      .friction = 1.0,
      .openmm =
          {
              .system        = MOLECULES "adp_ff14SB_obc2.xml",
              .positions     = {.size = 1, .values = dipeptide_pdb},
              .platform      = platform,
              .threads       = 1,
              .deterministic = PETSC_TRUE,
          },
  };
}

static inline TpEngineSettings Peptide(char *platform)
{
  TpEngineSettings settings = Dipeptide(platform);

  settings.openmm.system    = MOLECULES "aib9_c36m_obc2_hmr_fast.xml";
  settings.openmm.positions = (TpTextList){.size = 2, .values = peptide_pdb};
  return settings;
}

static inline PetscErrorCode HasPlatform(const char *platform, PetscBool *has)
{
  char text[512];

  PetscFunctionBeginUser;
  PetscCall(TpEngineDescribeBuild(text, sizeof(text)));
  TpTestExpectText(text, "OpenMM ");
  TpTestExpectText(text, "Reference");
  *has = strstr(text, platform) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline double Between(const double x[], PetscInt i, PetscInt j, const double y[])
{
  double sum = 0.0;

  for (int k = 0; k < 3; ++k) sum += (x[3 * i + k] - x[3 * j + k]) * (y[3 * i + k] - y[3 * j + k]);
  return sum;
}

/* Bonds to hydrogen have the lengths of the force field, and no velocity along them. */
static inline void ExpectConstraints(const Bench *bench)
{
  TpTestExpectEqual(bench->info->num_constraints, 12);
  for (PetscInt i = 0; i < bench->info->num_constraints; ++i) {
    const PetscInt first = bench->info->constraints[2 * i], second = bench->info->constraints[2 * i + 1];
    const double   expected = !strcmp(bench->info->topology->atom_name[second], "N") ? 0.101 : 0.109;
    const double   length   = sqrt(Between(bench->state.x, first, second, bench->state.x));

    TpTestExpectClose(length, expected, 2e-6 * expected);
    TpTestExpectClose(Between(bench->state.x, first, second, bench->state.v) / length, 0.0, 1e-4);
  }
}
