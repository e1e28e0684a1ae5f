/* What the engine `openmm` simulates: a serialized System and positions from PDB files, checked before OpenMM or a user can stumble. */
#include "openmm-impl.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static const double box_tolerance = 1e-3; /* relative: CRYST1 has three decimals in Angstrom, its angles have two */

const char *TpOpenMMShortError(void)
{
  static char text[201]; /* as errno's texts are */

  strncpy(text, TpOpenMMError(), sizeof(text) - 1);
  return text;
}

static PetscErrorCode ReadText(const char *path, char **text)
{
  FILE  *file = fopen(path, "rb");
  size_t size = 0, capacity = 65536, count;

  PetscFunctionBeginUser;
  *text = NULL;
  TpCheckInput(file, "engine.openmm.system: %s can't be read", path);
  PetscCall(PetscMalloc1(capacity, text));
  while ((count = fread(*text + size, 1, capacity - size - 1, file)) > 0) {
    size += count;
    if (size + 1 == capacity) PetscCall(PetscRealloc(capacity *= 2, text));
  }
  (*text)[size]   = '\0';
  const int error = ferror(file);
  fclose(file);
  TpCheckInput(!error, "engine.openmm.system: %s can't be read", path);
  TpCheckInput(strlen(*text) == size, "engine.openmm.system: %s is no XML file: it holds zero bytes", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The name of the first element, behind declarations and comments; NULL if there is none. */
static const char *FindRoot(const char *text)
{
  while ((text = strchr(text, '<'))) {
    ++text;
    if (isalpha((unsigned char)*text) || *text == '_') return text;
    if (!strncmp(text, "!--", 3) && !(text = strstr(text, "-->"))) return NULL;
  }
  return NULL;
}

/* OpenMM's reader takes what is there: of a file cut between two forces it would make a molecule without the rest of them. */
static PetscBool HasEnd(const char *root)
{
  const size_t length = strcspn(root, " \t\r\n/>");
  const char  *last   = strrchr(root, '<');
  const char  *close  = strchr(root, '>');

  if (close && close[-1] == '/') return PETSC_TRUE; /* <System .../>: begun and ended at once */
  while (last > root && strncmp(last, "</", 2))     /* a comment may follow the end */
    do --last;
    while (last > root && *last != '<');
  return last > root && !strncmp(last + 2, root, length) && strchr(" \t\r\n>", last[2 + length]) && strchr(last, '>')
             ? PETSC_TRUE
             : PETSC_FALSE;
}

/* OpenMM's reader trusts that the file holds what is asked for; a State would be taken for a System. */
static PetscErrorCode CheckRoot(const char *path, const char *text)
{
  const char *root = FindRoot(text), *end, *type;

  PetscFunctionBeginUser;
  TpCheckInput(root, "engine.openmm.system: %s is no XML file", path);
  end = root + strcspn(root, ">");
  for (type = root; type < end; ++type)
    if (isspace((unsigned char)type[0]) && !strncmp(type + 1, "type=", 5) && !strncmp(type + 7, "System", 6) &&
        strchr("\"'", type[13]))
      break;
  TpCheckInput(type < end, "engine.openmm.system: %s holds <%.*s>, which is no serialized System of OpenMM", path,
               (int)PetscMin(40, strcspn(root, " \t\r\n/>")), root);
  TpCheckInput(HasEnd(root), "engine.openmm.system: %s is cut off: its end, </System>, is missing", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blanks may differ: they change nothing. */
static uint64_t HashSystem(const TpEngineSettings *settings, const char *text)
{
  const double numbers[] = {settings->timestep, settings->friction};
  uint64_t     hash      = TpHashBytes(TP_HASH_START, numbers, sizeof(numbers));

  for (const char *c = text; *c; ++c)
    if (!isspace((unsigned char)*c)) hash = TpHashBytes(hash, c, 1);
  return hash;
}

static PetscErrorCode ParseSystem(TpOpenMMEngine *data, const char *path, const char *text)
{
  PetscFunctionBeginUser;
  PetscCall(CheckRoot(path, text));
  TpCheckInput(TpOpenMMCreate(text, &data->openmm) == TP_OPENMM_OK, "engine.openmm.system: %s: OpenMM: %s", path,
               TpOpenMMShortError());
  TpCallOpenMM(TpOpenMMDescribe(data->openmm, &data->system));
  TpCheckInput(data->system.num_particles > 0, "engine.openmm.system: %s has no particles", path);
  TpCheckInput(!data->system.not_canonical,
               "engine.openmm.system: %s holds a %s; take it out: temperatures are kept by the Langevin integrator, "
               "volumes are fixed",
               path, data->system.not_canonical);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadXML(TpEngine engine, TpOpenMMEngine *data)
{
  const char    *path = engine->settings->openmm.system;
  char          *text;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  TpCheckInput(path && path[0], "engine.openmm.system: no file is given");
  code = ReadText(path, &text);
  if (!code) code = ParseSystem(data, path, text);
  if (!code) engine->info.system_hash = HashSystem(engine->settings, text);
  PetscCall(PetscFree(text));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetParticles(TpOpenMMEngine *data, TpEngineInfo *info)
{
  const int num_particles = data->system.num_particles, num_constraints = data->system.num_constraints;
  int      *pairs, num_moving                                           = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(num_particles, &data->mass, 2 * num_constraints, &data->constraints));
  PetscCall(PetscMalloc1(2 * num_constraints, &pairs));
  TpCallOpenMM(TpOpenMMGetParticles(data->openmm, data->mass, pairs));
  for (int i = 0; i < 2 * num_constraints; ++i) data->constraints[i] = pairs[i];
  PetscCall(PetscFree(pairs));
  for (int i = 0; i < num_particles; ++i) num_moving += data->mass[i] > 0.0;

  info->size               = 3 * num_particles;
  info->num_particles      = num_particles;
  info->dimension          = 3;
  info->mass               = data->mass;
  info->has_box            = data->system.has_box ? PETSC_TRUE : PETSC_FALSE;
  info->num_constraints    = num_constraints;
  info->constraints        = data->constraints;
  info->degrees_of_freedom = 3 * num_moving - num_constraints - (data->system.removes_motion ? 3 : 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------- start positions */

static PetscErrorCode CheckStart(const TpOpenMMEngine *data, const char *path, const TpTopology *start)
{
  const TpTopology *first = &data->start[0];

  PetscFunctionBeginUser;
  TpCheckInput(start->num_atoms == data->system.num_particles,
               "engine.openmm.positions: %s has %" PetscInt_FMT " atoms, the System has %d particles", path,
               start->num_atoms, data->system.num_particles);
  for (PetscInt i = 0; i < start->num_atoms; ++i) {
    TpCheckInput(!strcmp(start->atom_name[i], first->atom_name[i]) &&
                     !strcmp(start->residue_name[i], first->residue_name[i]),
                 "engine.openmm.positions: %s: atom %" PetscInt_FMT
                 " is %s of %s, in the first file it is %s of %s; all start files must hold the same molecule",
                 path, i, start->atom_name[i], start->residue_name[i], first->atom_name[i], first->residue_name[i]);
  }
  /* the diagonal is the same for all reduced forms of a box */
  for (int j = 0; j < 9 && data->system.has_box && start->box[0] > 0.0; j += 4)
    TpCheckInput(fabs(start->box[j] - data->system.box[j]) <= box_tolerance * data->system.box[j],
                 "engine.openmm.positions: %s: its CRYST1 box is not the System's, which is %g by %g by %g nm", path,
                 data->system.box[0], data->system.box[4], data->system.box[8]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The reader of PDB files knows no keys. */
static PetscErrorCode ReadStart(const char *path, TpTopology *start)
{
  char line[1024];

  PetscFunctionBeginUser;
  const PetscErrorCode code = TpTopologyReadPDB(path, start);
  if (code != TP_ERR_INPUT) PetscFunctionReturn(code);
  PetscCall(PetscStrncpy(line, TpInputErrorMessage(), sizeof(line)));
  TpInputErrorClear();
  PetscFunctionReturn(TpInputError("engine.openmm.positions: %s", line));
}

static PetscErrorCode ReadStarts(const TpEngineSettings *settings, TpOpenMMEngine *data)
{
  const TpTextList *paths = &settings->openmm.positions;

  PetscFunctionBeginUser;
  TpCheckInput(paths->size > 0, "engine.openmm.positions: no PDB file is given");
  PetscCall(PetscCalloc1(paths->size, &data->start));
  for (PetscInt i = 0; i < paths->size; ++i) {
    PetscCall(ReadStart(paths->values[i], &data->start[i]));
    data->num_starts = i + 1;
    PetscCall(CheckStart(data, paths->values[i], &data->start[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpOpenMMReadSystem(TpEngine engine, TpOpenMMEngine *data)
{
  PetscFunctionBeginUser;
  PetscCall(ReadXML(engine, data));
  PetscCall(GetParticles(data, &engine->info));
  TpCheckInput(engine->info.degrees_of_freedom > 0, "engine.openmm.system: %s has no moving degree of freedom",
               engine->settings->openmm.system);
  PetscCall(ReadStarts(engine->settings, data));
  engine->info.topology = &data->start[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}
