/* From t = 1 to t = 0: ancestral sampling of the reverse diffusion, with moves at each time if wanted; d/dt beta U_t on the way. */
#include "ti-impl.h"

#include <math.h>

/* Far above what any integrand has that still means something. */
static const double largest = 1e8;

double TpTrajectoryTime(const TpTrajectorySampling *sampling, PetscInt64 k)
{
  return (double)k / (double)sampling->num_times;
}

/* The number of a trajectory's random numbers: of this member, at this time, and at this move. */
static uint64_t Moment(PetscInt member, PetscInt64 k, PetscInt64 move)
{
  return ((uint64_t)member << 40) | ((uint64_t)k << 16) | (uint64_t)move;
}

/*
  From t to s < t, given the predicted noise sigma_t grad beta U_t: the mean of y_s given y_t and the prediction of y_0, and noise of the variance that
  y_s has then (Ho, Jain and Abbeel 2020, for any alpha and sigma).
*/
static void StepBack(TpPath path, double t, double s, uint64_t seed, uint32_t first_id, uint64_t moment,
                     TpWalkers *walkers)
{
  const PetscInt size    = path->size;
  const double   ratio   = TpPathAlpha(path, t) / TpPathAlpha(path, s);
  const double   sigma_t = TpPathSigma(path, t), sigma_s = TpPathSigma(path, s);
  const double   added  = sigma_t * sigma_t - ratio * ratio * sigma_s * sigma_s; /* variance from s to t */
  const double   spread = sqrt(added) * sigma_s / sigma_t;

  for (PetscInt i = 0; i < walkers->num_rows; ++i) {
    double *y = walkers->y + i * size;

    TpRandomNormal(seed, TP_RANDOM_SAMPLE_NOISE, first_id + (uint32_t)i, moment, size, path->z);
    for (PetscInt k = 0; k < size; ++k) y[k] = (y[k] - added * walkers->g[i * size + k]) / ratio + spread * path->z[k];
  }
  TpPathFold(path, walkers->num_rows, walkers->y);
}

static PetscErrorCode Relax(TpPath path, const TpTrajectorySampling *sampling, double t, uint64_t seed, PetscInt member,
                            uint32_t first_id, PetscInt64 k, TpWalkers *walkers, PetscInt64 *accepted)
{
  const double length = sampling->relax_length + TpPathSigma(path, t) / pow((double)path->size, 0.25);

  PetscFunctionBeginUser;
  for (PetscInt64 move = 0; move < sampling->relax_steps; ++move)
    PetscCall(TpWalkersMove(path, t, length, TP_LEAPS, seed, first_id, Moment(member, k, move), walkers, accepted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(const TpWalkers *walkers, double t, uint32_t first_id)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < walkers->num_rows; ++i)
    if (!(fabs(walkers->d[i]) < largest))
      PetscFunctionReturn(TpStopError("the integrand is %g at t = %.4g in trajectory %u: the network has not learned "
                                      "enough; train longer, or with a lower training.learning_rate",
                                      walkers->d[i], t, (unsigned)first_id + (unsigned)i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesSample(TpPath path, const TpTrajectorySampling *sampling, uint64_t seed, PetscInt member,
                                    uint32_t first_id, PetscInt B, double integrand[], double y[], PetscInt64 *accepted)
{
  const PetscInt64 K = sampling->num_times;
  TpWalkers        walkers;

  PetscFunctionBeginUser;
  PetscCall(TpWalkersCreate(path, B, &walkers));
  for (PetscInt i = 0; i < B; ++i)
    TpPathDraw(path, seed, first_id + (uint32_t)i, Moment(member, 0, 0), walkers.y + i * path->size);
  PetscCall(TpWalkersEvaluate(path, 1.0, &walkers));
  for (PetscInt64 k = K; k >= 0; --k) {
    const double t = TpTrajectoryTime(sampling, k);

    if (k < K) {
      StepBack(path, TpTrajectoryTime(sampling, k + 1), t, seed, first_id, Moment(member, k, 0), &walkers);
      PetscCall(TpWalkersEvaluate(path, t, &walkers));
      PetscCall(Relax(path, sampling, t, seed, member, first_id, k, &walkers, accepted));
    }
    PetscCall(Check(&walkers, t, first_id));
    for (PetscInt i = 0; i < B; ++i) integrand[i * (K + 1) + k] = walkers.d[i];
  }
  PetscCall(PetscArraycpy(y, walkers.y, B * path->size));
  PetscCall(TpWalkersDestroy(&walkers));
  PetscFunctionReturn(PETSC_SUCCESS);
}
