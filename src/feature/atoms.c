/* Atoms among the features: found by the features' names, centred, and turned at random. */
#include "feature-impl.h"

#include <math.h>
#include <string.h>

/* "atom 5 y": the atom and which of its coordinates; false for a feature of another kind. */
static PetscBool ParseName(const char *name, int *atom, int *axis)
{
  char letter, rest;

  if (sscanf(name, "atom %d %c%c", atom, &letter, &rest) != 2 || !strchr("xyz", letter)) return PETSC_FALSE;
  *axis = letter - 'x';
  return PETSC_TRUE;
}

/* The place of an atom in the list, which it is put at the end of if it is new; `number` [count] are the atoms so far. */
static PetscInt FindAtom(TpAtoms atoms, int number[], int atom)
{
  PetscInt i = 0;

  while (i < atoms->count && number[i] != atom) ++i;
  if (i < atoms->count) return i;
  number[i] = atom;
  for (int j = 0; j < 3; ++j) atoms->place[3 * i + j] = -1;
  ++atoms->count;
  return i;
}

static PetscErrorCode CheckAtoms(TpAtoms atoms, const int number[], const double period[])
{
  PetscFunctionBeginUser;
  TpCheckInput(atoms->count >= 2,
               "features.align: augment turns atoms, features named 'atom N x', 'atom N y' and 'atom N z'; there are "
               "%" PetscInt_FMT " of them, needed are 2 or more",
               atoms->count);
  for (PetscInt i = 0; i < 3 * atoms->count; ++i) {
    TpCheckInput(atoms->place[i] >= 0, "features.align: augment needs all three coordinates of atom %d; %c is missing",
                 number[i / 3], "xyz"[i % 3]);
    TpCheckInput(!(period[atoms->place[i]] > 0.0),
                 "features.align: augment, but the coordinates of atom %d have a period", number[i / 3]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAtomsCreate(PetscInt num_features, const char *const name[], const double period[], TpAtoms *atoms)
{
  int           *number, atom, axis;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(atoms));
  PetscCall(PetscMalloc1(3 * num_features, &(*atoms)->place));
  PetscCall(PetscMalloc1(num_features, &number));
  for (PetscInt i = 0; i < num_features; ++i)
    if (ParseName(name[i], &atom, &axis)) (*atoms)->place[3 * FindAtom(*atoms, number, atom) + axis] = i;
  code = CheckAtoms(*atoms, number, period);
  if (code) PetscCall(TpAtomsDestroy(atoms));
  PetscCall(PetscFree(number));
  PetscFunctionReturn(code);
}

PetscErrorCode TpAtomsDestroy(TpAtoms *atoms)
{
  PetscFunctionBeginUser;
  if (!*atoms) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*atoms)->place));
  PetscCall(PetscFree(*atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpAtomsCentre(TpAtoms atoms, float frame[])
{
  double mean[3] = {0.0};

  for (PetscInt i = 0; i < 3 * atoms->count; ++i) mean[i % 3] += (double)frame[atoms->place[i]] / (double)atoms->count;
  for (PetscInt i = 0; i < 3 * atoms->count; ++i)
    frame[atoms->place[i]] = (float)((double)frame[atoms->place[i]] - mean[i % 3]);
}

/* Four normal numbers have no direction of their own: on the sphere they are a quaternion of a uniform rotation. */
void TpAtomsTurn(TpAtoms atoms, uint64_t seed, uint32_t slot, uint64_t step, float frame[])
{
  double q[4], length;

  TpRandomNormal(seed, TP_RANDOM_ROTATION, slot, step, 4, q);
  length = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  for (int j = 0; j < 4; ++j) q[j] /= length;
  for (PetscInt i = 0; i < atoms->count; ++i) {
    const PetscInt *place = atoms->place + 3 * i;
    double          r[3];

    for (int j = 0; j < 3; ++j) r[j] = (double)frame[place[j]];
    TpGeometryTurn(q, r);
    for (int j = 0; j < 3; ++j) frame[place[j]] = (float)r[j];
  }
}

void TpAtomsTurnReference(TpAtoms atoms, uint64_t seed, PetscInt64 row, float frame[])
{
  TpAtomsCentre(atoms, frame);
  TpAtomsTurn(atoms, seed, UINT32_MAX, (uint64_t)row, frame);
}
