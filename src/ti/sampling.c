/* From t = 1 to t = 0: the reverse diffusion, with moves at each time if wanted; d/dt beta U_t and the weight of the way. */
#include "ti-impl.h"

#include <math.h>

/* Far above what any integrand has that still means something. */
static const double largest = 1e8;

/* The noise of a path to a Gaussian grows with t, so that the steps are short where it ends; that of a fluid grows by a factor. */
double TpTrajectoryTime(TpPath path, PetscInt64 num_times, PetscInt64 k)
{
  const double share = (double)k / (double)num_times;

  return path->settings.kind == TP_PATH_FLUID ? share : share * share;
}

/* The mean of a normal number is predicted; no network is right that says more. Keeps steps out of walls of the potential short. */
static const double largest_noise = 6.0;

static double Noise(double predicted)
{
  return PetscMax(-largest_noise, PetscMin(largest_noise, predicted));
}

/* The number of a trajectory's random numbers: of this member, at this time, and at this move. */
static uint64_t Moment(PetscInt member, PetscInt64 k, PetscInt64 move)
{
  return ((uint64_t)member << 40) | ((uint64_t)k << 16) | (uint64_t)move;
}

/* The difference of two places; on a torus to the nearest image. */
static double Difference(TpPath path, double to, double from)
{
  const double difference = to - from;

  return path->settings.kind == TP_PATH_FLUID ? difference - rint(difference) : difference;
}

/*
  From t to s < t: the reverse of y_t = ratio y_s + noise of variance `added`, by the score -g, with noise of that variance too, so that the chance of the
  step and of its reverse are both known. log_weight += the logarithm of their ratio, reverse over this one.
*/
static void StepBack(TpPath path, double t, double s, uint64_t seed, uint32_t first_id, uint64_t moment,
                     TpWalkers *walkers, double log_weight[])
{
  const PetscInt size    = path->size;
  const double   ratio   = TpPathAlpha(path, t) / TpPathAlpha(path, s);
  const double   sigma_t = TpPathSigma(path, t), sigma_s = TpPathSigma(path, s);
  const double   added = sigma_t * sigma_t - ratio * ratio * sigma_s * sigma_s;

  for (PetscInt i = 0; i < walkers->num_rows; ++i) {
    double *y = walkers->y + i * size, sum = -(double)size * log(ratio);

    TpRandomNormal(seed, TP_RANDOM_SAMPLE_NOISE, first_id + (uint32_t)i, moment, size, path->z);
    for (PetscInt k = 0; k < size; ++k) {
      const double before = y[k], drift = added / sigma_t * Noise(sigma_t * walkers->g[i * size + k]);

      y[k]              = (before - drift + sqrt(added) * path->z[k]) / ratio;
      const double back = Difference(path, before, ratio * y[k]);

      sum += 0.5 * path->z[k] * path->z[k] - 0.5 * back * back / added;
    }
    log_weight[i] += sum;
  }
  TpPathFold(path, walkers->num_rows, walkers->y);
}

static PetscErrorCode Relax(TpPath path, const TpTrajectorySampling *sampling, double t, uint64_t seed, PetscInt member,
                            uint32_t first_id, PetscInt64 k, TpWalkers *walkers, PetscInt64 *accepted)
{
  const double length = sampling->relax_length + TpPathSigma(path, t) / pow((double)path->size, 0.25);

  PetscFunctionBeginUser;
  for (PetscInt64 move = 0; move < sampling->relax_steps; ++move)
    PetscCall(TpWalkersMove(path, t, length, (PetscInt)sampling->relax_leaps, seed, first_id, Moment(member, k, move),
                            walkers, accepted));
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

/* From U_1 back to U_0: the walkers begin as draws of U_1, evaluated there. */
static PetscErrorCode Follow(TpPath path, const TpTrajectorySampling *sampling, uint64_t seed, PetscInt member,
                             uint32_t first_id, TpWalkers *walkers, double integrand[], double log_weight[],
                             PetscInt64 *accepted)
{
  const PetscInt64 K = sampling->num_times;

  PetscFunctionBeginUser;
  for (PetscInt64 k = K; k >= 0; --k) {
    const double t = TpTrajectoryTime(path, K, k);

    if (k < K) {
      StepBack(path, TpTrajectoryTime(path, K, k + 1), t, seed, first_id, Moment(member, k, 0), walkers, log_weight);
      PetscCall(TpWalkersEvaluate(path, t, walkers));
      PetscCall(Relax(path, sampling, t, seed, member, first_id, k, walkers, accepted));
    }
    PetscCall(Check(walkers, t, first_id));
    for (PetscInt i = 0; i < walkers->num_rows; ++i) integrand[i * (K + 1) + k] = walkers->d[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoriesSample(TpPath path, const TpTrajectorySampling *sampling, uint64_t seed, PetscInt member,
                                    uint32_t first_id, PetscInt B, double integrand[], double log_weight[], double y[],
                                    PetscInt64 *accepted)
{
  TpWalkers      walkers;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpWalkersCreate(path, B, &walkers));
  for (PetscInt i = 0; i < B; ++i)
    TpPathDraw(path, seed, first_id + (uint32_t)i, Moment(member, 0, 0), walkers.y + i * path->size);
  PetscCall(TpWalkersEvaluate(path, 1.0, &walkers));
  for (PetscInt i = 0; i < B; ++i) log_weight[i] = walkers.u[i];
  code = Follow(path, sampling, seed, member, first_id, &walkers, integrand, log_weight, accepted);
  for (PetscInt i = 0; i < B; ++i) log_weight[i] -= walkers.u[i];
  PetscCall(PetscArraycpy(y, walkers.y, B * path->size));
  PetscCall(TpWalkersDestroy(&walkers));
  PetscFunctionReturn(code);
}
