/* What the tests of the engine openmm share: settings of the shipped molecules, an engine with a state, temporary files. */
#pragma once

#include "test.h"

#include "tempera/engine.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

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

static inline PetscInt KindOpenMM(void)
{
  PetscInt kind = 0;

  while (strcmp(tp_engine_words[kind], "openmm")) ++kind;
  return kind;
}

/* Lists that outlive the functions which hand them out. */
static char *dipeptide_pdb[] = {MOLECULES "adp.pdb"};
static char *peptide_pdb[]   = {MOLECULES "aib9_right.pdb", MOLECULES "aib9_left.pdb"};

static inline TpEngineSettings Dipeptide(char *platform)
{
  return (TpEngineSettings){
      .kind     = KindOpenMM(),
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

/* A helper of checks that need an engine and a state. */
typedef struct {
  TpEngine            engine;
  const TpEngineInfo *info;
  TpState             state;
} Bench;

static inline PetscErrorCode Open(const TpEngineSettings *settings, Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(settings, 0, &bench->engine));
  PetscCall(TpEngineGetInfo(bench->engine, &bench->info));
  PetscCall(TpStateCreate(bench->info->size, &bench->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode Close(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(TpStateDestroy(&bench->state));
  PetscCall(TpEngineDestroy(&bench->engine));
  PetscFunctionReturn(PETSC_SUCCESS);
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

static inline double KineticTemperature(const TpEngineInfo *info, const double v[])
{
  double sum = 0.0;

  for (PetscInt i = 0; i < info->size; ++i) sum += info->mass[i / 3] * v[i] * v[i];
  return sum / (info->degrees_of_freedom * TpBoltzmann(TP_UNITS_MOLECULAR));
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

typedef struct {
  char path[64];
} TemporaryFile;

static inline PetscErrorCode WriteTemporary(const char *text, TemporaryFile *file)
{
  int   descriptor;
  FILE *stream;

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(file->path, "/tmp/tempera-test-XXXXXX", sizeof(file->path)));
  descriptor = mkstemp(file->path);
  PetscCheck(descriptor >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "no temporary file");
  stream = fdopen(descriptor, "w");
  PetscCheck(stream && fputs(text, stream) >= 0 && !fclose(stream), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s",
             file->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode Remove(const TemporaryFile *file)
{
  PetscFunctionBeginUser;
  PetscCheck(!unlink(file->path), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s can't be removed", file->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}
