/*
  Coordinates without the motion of the whole: the selected atoms' centre is taken away, and they are turned onto a reference.
  Those that are turned at random (augment) are so later, by atoms.c: each time a frame is learned from.

  The best rotation is the quaternion that belongs to the largest eigenvalue of a symmetric 4 x 4 matrix (Horn, J. Opt. Soc. Am. A 4 (1987) 629).
*/
#include "feature-impl.h"

#include <math.h>

const char *const tp_align_words[] = {"none", "centre", "superpose", "augment", NULL};

enum { MAX_SWEEPS = 50 };

/* Positions of the selected atoms as one piece, around their centre: [count, 3]. */
static void Centre(const TpLattice *lattice, PetscInt count, const PetscInt atom[], const double x[], double out[])
{
  double mean[3] = {0.0};

  for (PetscInt i = 0; i < count; ++i) {
    double d[3];

    for (int j = 0; j < 3; ++j) d[j] = x[3 * atom[i] + j] - x[3 * atom[0] + j];
    if (lattice->present) TpLatticeMinimumImage(lattice, d);
    for (int j = 0; j < 3; ++j) {
      out[3 * i + j] = d[j];
      mean[j] += d[j] / (double)count;
    }
  }
  for (PetscInt i = 0; i < 3 * count; ++i) out[i] -= mean[i % 3];
}

/* Eigenvector of the largest eigenvalue of a symmetric matrix, by Jacobi rotations. */
static void LargestEigenvector(double a[4][4], double vector[4])
{
  double v[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  int    largest = 0;

  for (int sweep = 0; sweep < MAX_SWEEPS; ++sweep) {
    for (int p = 0; p < 3; ++p) {
      for (int q = p + 1; q < 4; ++q) {
        if (a[p][q] == 0.0) continue;
        const double theta = 0.5 * (a[q][q] - a[p][p]) / a[p][q];
        const double t     = copysign(1.0, theta) / (fabs(theta) + hypot(theta, 1.0));
        const double c = 1.0 / hypot(t, 1.0), s = t * c;

        for (int k = 0; k < 4; ++k) {
          const double x = a[k][p], y = a[k][q];

          a[k][p] = c * x - s * y;
          a[k][q] = s * x + c * y;
        }
        for (int k = 0; k < 4; ++k) {
          const double x = a[p][k], y = a[q][k], w = v[k][p], z = v[k][q];

          a[p][k] = c * x - s * y;
          a[q][k] = s * x + c * y;
          v[k][p] = c * w - s * z;
          v[k][q] = s * w + c * z;
        }
      }
    }
  }
  for (int i = 1; i < 4; ++i)
    if (a[i][i] > a[largest][largest]) largest = i;
  for (int i = 0; i < 4; ++i) vector[i] = v[i][largest];
}

void TpGeometryTurn(const double q[4], double r[3])
{
  const double t[3] = {2.0 * (q[2] * r[2] - q[3] * r[1]), 2.0 * (q[3] * r[0] - q[1] * r[2]),
                       2.0 * (q[1] * r[1] - q[2] * r[0])};
  const double u[3] = {q[2] * t[2] - q[3] * t[1], q[3] * t[0] - q[1] * t[2], q[1] * t[1] - q[2] * t[0]};

  for (int j = 0; j < 3; ++j) r[j] += q[0] * t[j] + u[j];
}

/* Turn x [count, 3] onto the reference, both around their centres. */
static void Superpose(PetscInt count, const double reference[], double x[])
{
  double s[3][3] = {{0.0}}, q[4];

  for (PetscInt i = 0; i < count; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) s[j][k] += x[3 * i + j] * reference[3 * i + k];
  double a[4][4] = {
      {s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0]},
      {s[1][2] - s[2][1], s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2]},
      {s[2][0] - s[0][2], s[0][1] + s[1][0], s[1][1] - s[0][0] - s[2][2], s[1][2] + s[2][1]},
      {s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1], s[2][2] - s[0][0] - s[1][1]},
  };

  LargestEigenvector(a, q);
  for (PetscInt i = 0; i < count; ++i) TpGeometryTurn(q, x + 3 * i);
}

/* Atoms whose coordinates are features, each once. */
static PetscErrorCode ListAtoms(TpFeatures features, PetscInt num_particles)
{
  TpAlignment *alignment = &features->alignment;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(num_particles, &alignment->atom, num_particles, &alignment->place, 3 * num_particles,
                         &alignment->reference, 3 * num_particles, &alignment->moved));
  for (PetscInt i = 0; i < num_particles; ++i) alignment->place[i] = -1;
  for (PetscInt i = 0; i < features->count; ++i) {
    const PetscInt atom = features->feature[i].index[0] / 3;

    if (features->feature[i].kind != TP_FEATURE_COORDINATE || alignment->place[atom] >= 0) continue;
    alignment->place[atom]              = alignment->count;
    alignment->atom[alignment->count++] = atom;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFeaturesAlign(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpFeatures features)
{
  TpAlignment *alignment = &features->alignment;
  TpLattice    lattice   = {.present = PETSC_FALSE};

  PetscFunctionBeginUser;
  alignment->kind = settings->align;
  if (settings->align == TP_ALIGN_NONE) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(system->dimension == 3, "features.align: %s: the coordinates of this system are no points in space",
               tp_align_words[settings->align]);
  PetscCall(ListAtoms(features, system->num_particles));
  TpCheckInput(alignment->count, "features.align: %s, but features.coordinates names no atoms",
               tp_align_words[settings->align]);
  TpCheckInput(settings->align != TP_ALIGN_AUGMENT || (alignment->count >= 2 && !(system->period > 0.0)),
               "features.align: augment needs two atoms or more in features.coordinates, and coordinates without a "
               "period; there are %" PetscInt_FMT " atoms%s",
               alignment->count, system->period > 0.0 ? ", and the coordinates are periodic" : "");
  if (settings->align != TP_ALIGN_SUPERPOSE) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(alignment->count >= 3,
               "features.align: superpose needs three atoms or more in features.coordinates, there are %" PetscInt_FMT,
               alignment->count);
  TpCheckInput(system->topology,
               "features.align: superpose turns atoms onto those of a PDB file, and there is none here");
  TpLatticeCreate(system->topology->box, &lattice);
  Centre(&lattice, alignment->count, alignment->atom, system->topology->x, alignment->reference);
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpFeaturesAligned(TpFeatures features, PetscInt coordinate)
{
  const TpAlignment *alignment = &features->alignment;

  return alignment->moved[3 * alignment->place[coordinate / 3] + coordinate % 3];
}

void TpFeaturesMove(TpFeatures features, const TpLattice *lattice, const double x[])
{
  TpAlignment *alignment = &features->alignment;

  Centre(lattice, alignment->count, alignment->atom, x, alignment->moved);
  if (alignment->kind == TP_ALIGN_SUPERPOSE) Superpose(alignment->count, alignment->reference, alignment->moved);
}
