/* From the words of the input to a list of features. */
#include "feature-impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A peptide bond is 0.133 nm: residues that follow one another in the file but not in a chain share no torsion. */
static const double max_bond = 0.25;

/* The torsions known by name: four atoms, each in residue i + shift. */
typedef struct {
  const char *name;
  const char *atom[4];
  PetscInt    shift[4];
} NamedTorsion;

static const NamedTorsion named_torsions[] = {
    {"phi", {"C", "N", "CA", "C"}, {-1, 0, 0, 0}},
    {"psi", {"N", "CA", "C", "N"}, {0, 0, 0, 1}},
    {"omega", {"CA", "C", "N", "CA"}, {0, 0, 1, 1}},
};

enum { NUM_NAMED_TORSIONS = sizeof(named_torsions) / sizeof(named_torsions[0]) };

PetscErrorCode TpFeatureParseIndices(const char *key, const char *text, PetscInt limit, PetscInt max, PetscInt *count,
                                     PetscInt index[])
{
  const char *next = text;

  PetscFunctionBeginUser;
  *count = 0;
  for (next += strspn(next, " \t"); *next; next += strspn(next, " \t")) {
    char *end;
    long  value;

    errno = 0;
    value = strtol(next, &end, 10);
    TpCheckInput(end != next && (!*end || strchr(" \t", *end)),
                 "%s: '%s' is no list of atom indices (whole numbers from 0)", key, text);
    TpCheckInput(!errno && value >= 0 && value < (long)limit,
                 "%s: '%s': index %.*s is out of range; allowed 0 to %" PetscInt_FMT, key, text, (int)(end - next),
                 next, limit - 1);
    TpCheckInput(*count < max, "%s: '%s' has too many indices; allowed %" PetscInt_FMT, key, text, max);
    for (PetscInt i = 0; i < *count; ++i)
      TpCheckInput(index[i] != (PetscInt)value, "%s: '%s' names atom %ld twice", key, text, value);
    index[(*count)++] = (PetscInt)value;
    next              = end;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Append(TpFeatures features, const char *key, TpFeature feature)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < features->count; ++i)
    TpCheckInput(strcmp(features->feature[i].name, feature.name), "%s: '%s' is selected twice", key, feature.name);
  if (features->count == features->capacity) {
    features->capacity = PetscMax(16, 2 * features->capacity);
    PetscCall(PetscRealloc((size_t)features->capacity * sizeof(TpFeature), &features->feature));
  }
  features->feature[features->count++] = feature;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- torsions */

/* First atom of this name in the residue, -1 if there is none. */
static PetscInt FindAtom(const TpTopology *topology, PetscInt residue, const char *name)
{
  for (PetscInt i = 0; i < topology->num_atoms; ++i)
    if (topology->residue[i] == residue && !strcmp(topology->atom_name[i], name)) return i;
  return -1;
}

static PetscBool IsBonded(const TpTopology *topology, const TpLattice *lattice, PetscInt i, PetscInt j)
{
  const PetscInt pair[2] = {i, j};

  return TpGeometryDistance(lattice, topology->x, pair) < max_bond ? PETSC_TRUE : PETSC_FALSE;
}

/* Whether this residue has the torsion, and its atoms. */
static PetscBool FindTorsion(const TpTopology *topology, const TpLattice *lattice, const NamedTorsion *named,
                             PetscInt residue, PetscInt atom[4])
{
  for (int i = 0; i < 4; ++i) {
    atom[i] = FindAtom(topology, residue + named->shift[i], named->atom[i]);
    if (atom[i] < 0) return PETSC_FALSE;
    if (i > 0 && !IsBonded(topology, lattice, atom[i - 1], atom[i])) return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

static PetscErrorCode SelectNamedTorsion(const NamedTorsion *named, PetscInt first, PetscInt last, const char *text,
                                         const TpTopology *topology, TpFeatures features)
{
  const PetscInt count = features->count;
  TpLattice      lattice;

  PetscFunctionBeginUser;
  TpLatticeCreate(topology->box, &lattice);
  for (PetscInt residue = first; residue <= last; ++residue) {
    TpFeature feature = {.kind = TP_FEATURE_TORSION};

    if (!FindTorsion(topology, &lattice, named, residue, feature.index)) continue;
    PetscCall(PetscSNPrintf(feature.name, sizeof(feature.name), "%s%" PetscInt_FMT, named->name, residue));
    PetscCall(Append(features, "features.torsions", feature));
  }
  TpCheckInput(
      features->count > count,
      "features.torsions: '%s': no such torsion here, atoms %s %s %s %s of neighbouring, bonded residues are needed",
      text, named->atom[0], named->atom[1], named->atom[2], named->atom[3]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "phi" or "phi:2". */
static PetscErrorCode SelectTorsionByName(const char *text, const TpTopology *topology, TpFeatures features)
{
  const size_t        length = strcspn(text, ":");
  const NamedTorsion *named  = NULL;
  PetscInt            first  = 1, last;
  char               *end    = NULL;

  PetscFunctionBeginUser;
  for (int i = 0; i < NUM_NAMED_TORSIONS; ++i)
    if (strlen(named_torsions[i].name) == length && !strncmp(text, named_torsions[i].name, length))
      named = &named_torsions[i];
  TpCheckInput(
      named,
      "features.torsions: '%s' is unknown; known are phi, psi, omega, one residue's as in phi:2, and four atom indices",
      text);
  TpCheckInput(topology, "features.torsions: '%s' needs the names of a PDB file's atoms, which this engine has not",
               text);
  last = topology->residue[topology->num_atoms - 1];
  if (text[length]) {
    const long residue = strtol(text + length + 1, &end, 10);

    TpCheckInput(end != text + length + 1 && !*end && residue >= 1 && residue <= (long)last,
                 "features.torsions: '%s': residue is out of range; allowed 1 to %" PetscInt_FMT, text, last);
    first = last = (PetscInt)residue;
  }
  PetscCall(SelectNamedTorsion(named, first, last, text, topology, features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------ atoms by index */

static PetscErrorCode SelectByIndex(TpFeatureKind kind, const char *text, const TpFeatureSystem *system,
                                    TpFeatures features)
{
  const PetscBool is_torsion = kind == TP_FEATURE_TORSION ? PETSC_TRUE : PETSC_FALSE;
  const PetscInt  wanted     = is_torsion ? 4 : 2;
  const char     *key        = is_torsion ? "features.torsions" : "features.distances";
  TpFeature       feature    = {.kind = kind};
  PetscInt        count;

  PetscFunctionBeginUser;
  TpCheckInput(system->dimension == 3, "%s: '%s': the coordinates of this system are no points in space", key, text);
  PetscCall(TpFeatureParseIndices(key, text, system->num_particles, wanted, &count, feature.index));
  TpCheckInput(count == wanted, "%s: '%s' has %" PetscInt_FMT " indices, needed are %" PetscInt_FMT, key, text, count,
               wanted);
  if (is_torsion) {
    PetscCall(PetscSNPrintf(feature.name, sizeof(feature.name),
                            "torsion %" PetscInt_FMT "-%" PetscInt_FMT "-%" PetscInt_FMT "-%" PetscInt_FMT,
                            feature.index[0], feature.index[1], feature.index[2], feature.index[3]));
  } else {
    PetscCall(PetscSNPrintf(feature.name, sizeof(feature.name), "distance %" PetscInt_FMT "-%" PetscInt_FMT,
                            feature.index[0], feature.index[1]));
  }
  PetscCall(Append(features, key, feature));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All coordinates of one particle. */
static PetscErrorCode AppendParticle(PetscInt particle, const TpFeatureSystem *system, TpFeatures features)
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < system->dimension; ++j) {
    TpFeature feature = {.kind = TP_FEATURE_COORDINATE, .index = {system->dimension * particle + j}};

    if (system->dimension == 1)
      PetscCall(PetscSNPrintf(feature.name, sizeof(feature.name), "x%" PetscInt_FMT, particle));
    else
      PetscCall(PetscSNPrintf(feature.name, sizeof(feature.name), "atom %" PetscInt_FMT " %c", particle, "xyz"[j]));
    PetscCall(Append(features, "features.coordinates", feature));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SelectCoordinates(const char *text, const TpFeatureSystem *system, TpFeatures features)
{
  PetscInt *particle, count;

  PetscFunctionBeginUser;
  if (!strcmp(text, "all")) {
    for (PetscInt i = 0; i < system->num_particles; ++i) PetscCall(AppendParticle(i, system, features));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc1(system->num_particles, &particle));
  PetscErrorCode code = TpFeatureParseIndices("features.coordinates", text, system->num_particles,
                                              system->num_particles, &count, particle);
  for (PetscInt i = 0; !code && i < count; ++i) code = AppendParticle(particle[i], system, features);
  PetscCall(PetscFree(particle));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFeaturesSelect(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpFeatures features)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < settings->torsions.size; ++i) {
    const char *text = settings->torsions.values[i];

    if (strchr("+-0123456789", text[strspn(text, " \t")]))
      PetscCall(SelectByIndex(TP_FEATURE_TORSION, text, system, features));
    else
      PetscCall(SelectTorsionByName(text, system->topology, features));
  }
  for (PetscInt i = 0; i < settings->distances.size; ++i)
    PetscCall(SelectByIndex(TP_FEATURE_DISTANCE, settings->distances.values[i], system, features));
  for (PetscInt i = 0; i < settings->coordinates.size; ++i)
    PetscCall(SelectCoordinates(settings->coordinates.values[i], system, features));
  if (!features->count && !system->topology) PetscCall(SelectCoordinates("all", system, features));
  TpCheckInput(features->count,
               "features: nothing is selected; name features.torsions, features.distances or features.coordinates");
  PetscFunctionReturn(PETSC_SUCCESS);
}
