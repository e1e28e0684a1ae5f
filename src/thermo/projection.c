/* Features as points, seen along directions: the energy distance of distributions in any number of dimensions. */
#include "tempera/thermo.h"

#include <math.h>
#include <string.h>

/*
  For points in d dimensions and a direction e, the mean over all directions of |e (x - y)| is c_d |x - y|, c_d = Gamma(d/2) / (pi^(1/2) Gamma((d+1)/2)).
  So the energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| is 1 / c_d times the mean over directions of that of the projections, and in one dimension it is
  2 int (F - G)^2 dx, F and G the cumulative distributions (Szekely and Rizzo, J. Stat. Plan. Inference 143 (2013) 1249).
*/
enum {
  BINS            = TP_PROJECTION_BINS,
  NUM_DIRECTIONS  = 32, /* of all features together */
  ANGLE_DIRECTION = 3,  /* of a periodic feature, 60 degrees apart */
};

struct TpProjection_ {
  PetscInt  num_features;
  PetscInt  size;                    /* coordinates of a point */
  double   *period, *centre, *width; /* [features] */
  PetscInt  num_views;
  PetscInt  num_directions;
  PetscInt *first;     /* [views + 1] where a view's directions begin */
  double   *direction; /* [directions, size] */
  double   *root;      /* [directions] what a difference of cumulative distributions is multiplied with */
};

static double DirectionConstant(PetscInt size)
{
  return exp(lgamma(0.5 * (double)size) - lgamma(0.5 * (double)(size + 1))) / sqrt(PETSC_PI);
}

/* Factor whose square makes a sum of squares over bins and directions an energy distance. */
static double Root(PetscInt directions, PetscInt size)
{
  const double bin = 2.0 * TP_PROJECTION_REACH / (double)BINS;

  return sqrt(2.0 * bin / ((double)directions * DirectionConstant(size)));
}

static void SetJoint(uint64_t seed, TpProjection projection)
{
  const PetscInt size = projection->size, num = projection->first[1];

  for (PetscInt l = 0; l < num; ++l) {
    double *direction = projection->direction + l * size, square = 0.0;

    TpRandomNormal(seed, TP_RANDOM_DIRECTION, (uint32_t)l, 0, size, direction);
    for (PetscInt i = 0; i < size; ++i) square += direction[i] * direction[i];
    for (PetscInt i = 0; i < size; ++i) direction[i] /= sqrt(square);
    projection->root[l] = Root(num, size);
  }
}

static void SetSingle(PetscInt view, PetscInt coordinate, PetscBool periodic, TpProjection projection)
{
  const PetscInt num = projection->first[view + 1] - projection->first[view];

  for (PetscInt l = 0; l < num; ++l) {
    double *direction = projection->direction + (projection->first[view] + l) * projection->size;

    direction[coordinate] = periodic ? cos(PETSC_PI * (double)l / (double)num) : 1.0;
    if (periodic) direction[coordinate + 1] = sin(PETSC_PI * (double)l / (double)num);
    projection->root[projection->first[view] + l] = Root(num, periodic ? 2 : 1);
  }
}

PetscErrorCode TpProjectionCreate(PetscInt num_features, const double period[], const double centre[],
                                  const double width[], uint64_t seed, TpProjection *projection)
{
  TpProjection made;
  PetscInt     coordinate = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&made));
  made->num_features = num_features;
  made->num_views    = num_features > 1 ? 1 + num_features : 1;
  PetscCall(PetscMalloc3(num_features, &made->period, num_features, &made->centre, num_features, &made->width));
  PetscCall(PetscArraycpy(made->period, period, num_features));
  PetscCall(PetscArraycpy(made->centre, centre, num_features));
  for (PetscInt i = 0; i < num_features; ++i) {
    made->width[i] = width[i] > 0.0 ? width[i] : 1.0;
    made->size += period[i] > 0.0 ? 2 : 1;
  }
  PetscCall(PetscCalloc1(made->num_views + 1, &made->first));
  made->first[1] = made->size == 1 ? 1 : NUM_DIRECTIONS;
  for (PetscInt v = 1; v < made->num_views; ++v)
    made->first[v + 1] = made->first[v] + (period[v - 1] > 0.0 ? ANGLE_DIRECTION : 1);
  made->num_directions = made->first[made->num_views];
  PetscCall(PetscCalloc2(made->num_directions * made->size, &made->direction, made->num_directions, &made->root));
  SetJoint(seed, made);
  for (PetscInt v = 1; v < made->num_views; ++v) {
    SetSingle(v, coordinate, period[v - 1] > 0.0 ? PETSC_TRUE : PETSC_FALSE, made);
    coordinate += period[v - 1] > 0.0 ? 2 : 1;
  }
  *projection = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpProjectionDestroy(TpProjection *projection)
{
  PetscFunctionBeginUser;
  if (!*projection) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*projection)->period, (*projection)->centre, (*projection)->width));
  PetscCall(PetscFree((*projection)->first));
  PetscCall(PetscFree2((*projection)->direction, (*projection)->root));
  PetscCall(PetscFree(*projection));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpProjectionViews(TpProjection projection)
{
  return projection->num_views;
}

PetscInt TpProjectionSize(TpProjection projection)
{
  return projection->num_directions * BINS;
}

void TpProjectionView(TpProjection projection, PetscInt view, PetscInt *first, PetscInt *size)
{
  *first = projection->first[view] * BINS;
  *size  = (projection->first[view + 1] - projection->first[view]) * BINS;
}

/* ------------------------------------------------------------------------------------------------------------- points */

PetscErrorCode TpProjectionBins(TpProjection projection, PetscInt64 count, const float features[], int32_t bin[])
{
  const PetscInt num = projection->num_directions, size = projection->size;
  double        *point;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &point));
  for (PetscInt64 n = 0; n < count; ++n) {
    const float *row = features + n * projection->num_features;

    for (PetscInt i = 0, at = 0; i < projection->num_features; ++i) {
      if (projection->period[i] > 0.0) {
        point[at++] = cos(2.0 * PETSC_PI * (double)row[i] / projection->period[i]);
        point[at++] = sin(2.0 * PETSC_PI * (double)row[i] / projection->period[i]);
      } else
        point[at++] = ((double)row[i] - projection->centre[i]) / projection->width[i];
    }
    for (PetscInt l = 0; l < num; ++l) {
      double x = TP_PROJECTION_REACH;

      for (PetscInt i = 0; i < size; ++i) x += projection->direction[l * size + i] * point[i];
      x *= (double)BINS / (2.0 * TP_PROJECTION_REACH);
      bin[n * num + l] = (int32_t)(l * BINS + (PetscInt)PetscMin(PetscMax(x, 0.0), (double)(BINS - 1)));
    }
  }
  PetscCall(PetscFree(point));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpProjectionAdd(TpProjection projection, double weight, const int32_t bin[], double sum[])
{
  for (PetscInt l = 0; l < projection->num_directions; ++l) sum[bin[l]] += weight;
}

void TpProjectionDifference(TpProjection projection, const double p[], const double q[], float difference[])
{
  for (PetscInt l = 0; l < projection->num_directions; ++l) {
    double sum = 0.0;

    for (PetscInt i = l * BINS; i < (l + 1) * BINS; ++i) {
      sum += p[i] - q[i];
      difference[i] = (float)(projection->root[l] * sum);
    }
  }
}
