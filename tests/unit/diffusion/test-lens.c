/* Angles on a circle and noise of another size, as a network sees them: the kernel, the reverse pass, and samples of a known distribution. */
#include "tempera/diffusion.h"
#include "test.h"

#include <math.h>

enum { S = 5, NUM_ANGLES = 2, N = S + NUM_ANGLES, B = 7, NUM_TIMES = 200 };

static const PetscBool is_angle[S] = {PETSC_FALSE, PETSC_TRUE, PETSC_FALSE, PETSC_TRUE, PETSC_FALSE};

/* ln of the wrapped normal density, as a plain sum; of a wide one by its Fourier series, whose next term is 2 exp(-2 sigma^2). */
static double LogKernel(double angle, double sigma)
{
  double sum = 0.0;

  if (sigma > 4.0) return log1p(2.0 * exp(-0.5 * sigma * sigma) * cos(angle));
  for (int k = -20; k <= 20; ++k) sum += exp(-0.5 * PetscSqr((angle + 2.0 * PETSC_PI * k) / sigma));
  return log(sum);
}

/* What the network is to answer is -sigma times the score of the kernel, and other states keep their noise. */
static PetscErrorCode CheckTarget(TpLens lens, TpSchedule schedule)
{
  PetscFunctionBeginUser;
  for (int time = 1; time <= NUM_TIMES; time += 11) {
    const double   sigma = sqrt((1.0 - schedule->abar[time]) / schedule->abar[time]), h = 1e-4 * sigma;
    const TpNumber t[1]  = {(TpNumber)time / NUM_TIMES};
    const TpNumber x0[S] = {0.3f, 3.0f, 1.0f, -2.9f, 0.1f};
    TpNumber       x[S], eps[S];
    const double   signal = sqrt(schedule->abar[time]), noise = sqrt(1.0 - schedule->abar[time]);

    for (int i = 0; i < S; ++i) {
      eps[i] = (TpNumber)(1.3 - 0.6 * i);
      x[i]   = (TpNumber)(signal * (double)x0[i] + noise * (double)eps[i]);
    }
    TpLensTarget(lens, 1, x0, x, t, eps);
    for (int i = 0; i < S; ++i) {
      const double angle = (double)x[i] / signal - (double)x0[i];
      const double score = (LogKernel(angle + h, sigma) - LogKernel(angle - h, sigma)) / (2.0 * h);

      /* x and x0 are single precision: the difference of angles is known to about 1e-7 sigma-fold of what is left of it */
      TpTestExpectClose(eps[i], is_angle[i] ? -sigma * score : 1.3 - 0.6 * i, 1e-5 + 1e-6 / sigma);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A velocity gives the noise of its state back: with x = sqrt(abar) x0 + sqrt(1 - abar) eps that of a state that is no angle; of an angle -sigma times the
  score of the kernel, which is 0 to six digits where sigma is above 6. How the noise follows the answer is TpLensGain().
*/
static PetscErrorCode CheckVelocity(TpLens lens, TpSchedule schedule)
{
  PetscFunctionBeginUser;
  schedule->predict = TP_PREDICT_VELOCITY;
  for (int time = 1; time <= NUM_TIMES; time += 13) {
    const TpNumber t[1]   = {(TpNumber)time / NUM_TIMES};
    const double   signal = sqrt(schedule->abar[time]), noise = sqrt(1.0 - schedule->abar[time]);
    const double   sigma = noise / signal, h = 1e-4 * sigma;
    TpNumber       x0[S], x[S], eps[S], answer[S], more[S];

    for (int i = 0; i < S; ++i) {
      x0[i]  = (TpNumber)(0.8 - 0.5 * i);
      eps[i] = answer[i] = (TpNumber)(1.3 - 0.6 * i);
      x[i]               = (TpNumber)(signal * (double)x0[i] + noise * (double)eps[i]);
    }
    TpLensTarget(lens, 1, x0, x, t, answer);
    for (int i = 0; i < S; i += 2) TpTestExpectClose(answer[i], signal * (double)eps[i] - noise * (double)x0[i], 1e-6);
    for (int i = 1; i < S; i += 2) TpTestExpectThat(fabs((double)answer[i]) < 4.0, "velocity %g", (double)answer[i]);
    for (int i = 0; i < S; ++i) more[i] = answer[i] + 1;
    TpLensNoise(lens, 1, x, t, answer);
    TpLensNoise(lens, 1, x, t, more);
    for (int i = 0; i < S; ++i) {
      const double angle = (double)x[i] / signal - (double)x0[i];
      const double score = (LogKernel(angle + h, sigma) - LogKernel(angle - h, sigma)) / (2.0 * h);

      TpTestExpectClose(answer[i], is_angle[i] ? -sigma * score : (double)eps[i], 1e-5 + 1e-6 / sigma);
      TpTestExpectClose(more[i] - answer[i], TpLensGain(lens, i, (double)t[0]), 2e-6);
    }
  }
  schedule->predict = TP_PREDICT_NOISE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* <deps, Read(y)> = <Reverse(deps), y> for any y and deps; and what is shown. */
static PetscErrorCode CheckReverse(TpLens lens, TpSchedule schedule)
{
  TpNumber x[B * S], t[B], scale[B], inputs[B * N], y[B * N], eps[B * S], deps[B * S], dy[B * N];

  PetscFunctionBeginUser;
  TpRandomNormalFloat(3, TP_RANDOM_TEST, 0, 0, B * S, x);
  TpRandomNormalFloat(3, TP_RANDOM_TEST, 1, 0, B * N, y);
  TpRandomNormalFloat(3, TP_RANDOM_TEST, 2, 0, B * S, deps);
  for (int i = 0; i < B; ++i) {
    t[i]     = (TpNumber)(10 * i + 1) / NUM_TIMES;
    scale[i] = (TpNumber)(0.5 + 0.3 * i);
  }
  for (int scaled = 0; scaled < 2; ++scaled) {
    double left = 0.0, right = 0.0;

    TpLensShow(lens, B, x, t, scaled ? scale : NULL, inputs);
    TpLensRead(lens, B, inputs, scaled ? scale : NULL, y, eps);
    TpLensReverse(lens, B, inputs, scaled ? scale : NULL, deps, dy);
    for (int i = 0; i < B * S; ++i) left += (double)deps[i] * (double)eps[i];
    for (int i = 0; i < B * N; ++i) right += (double)dy[i] * (double)y[i];
    TpTestExpectClose(left, right, 1e-5);
    for (int i = 0; i < B; ++i) {
      const double angle = (double)x[i * S + 1] / sqrt(schedule->abar[10 * i + 1]);

      TpTestExpectClose(inputs[i * N], (scaled ? (double)scale[i] : 1.0) * (double)x[i * S], 1e-6);
      TpTestExpectClose(inputs[i * N + 1], sin(angle), 1e-5);
      TpTestExpectClose(inputs[i * N + 2], cos(angle), 1e-5);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- sampling */

static const double point[2] = {3.05, -2.0}, share[2] = {0.3, 0.7};

/* The exact answer for data on two points of the circle, one of them beside the border. */
static PetscErrorCode TwoPoints(void *context, PetscInt rows, const TpNumber x[], const TpNumber t[],
                                const TpNumber c[], TpNumber eps[])
{
  TpSchedule schedule = context;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < rows; ++i) {
    const double abar = TpScheduleSignal(schedule, (double)t[i]), sigma = sqrt((1.0 - abar) / abar);
    double       d[2], sum = 0.0, weights = 0.0;

    for (int k = 0; k < 2; ++k) d[k] = remainder((double)x[i] / sqrt(abar) - point[k], 2.0 * PETSC_PI);
    const double nearest = fmin(fabs(d[0]), fabs(d[1])) / sigma;

    for (int k = 0; k < 2; ++k) {
      for (int winding = -9; winding <= 9; ++winding) {
        const double e      = (d[k] + 2.0 * PETSC_PI * winding) / sigma;
        const double weight = share[k] * exp(0.5 * (nearest - e) * (nearest + e));

        sum += weight * e;
        weights += weight;
      }
    }
    eps[i] = sigma < 6.0 ? (TpNumber)(sum / weights) : 0; /* uniform before that */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samplers know nothing of circles; from N(0, 1) they give the two points, with their shares. */
static PetscErrorCode CheckSamples(TpSchedule schedule)
{
  enum { COUNT = 4000 };
  const TpDiffusionSettings settings = {.num_times = NUM_TIMES, .sampler = 1, .num_steps = 100};
  const TpDenoiser          denoiser = {.num_inputs = 1, .max_batch = COUNT, .context = schedule, .predict = TwoPoints};
  static TpNumber           x[COUNT];
  TpSampler                 sampler;
  int                       first = 0;

  PetscFunctionBeginUser;
  PetscCall(TpSamplerCreate(schedule, &settings, 1, COUNT, &sampler));
  PetscCall(TpSamplerRun(sampler, &denoiser, 5, 0, COUNT, NULL, x));
  for (int i = 0; i < COUNT; ++i) {
    const double a = fabs(remainder((double)x[i] - point[0], 2.0 * PETSC_PI)),
                 b = fabs(remainder((double)x[i] - point[1], 2.0 * PETSC_PI));

    first += a < b;
    TpTestExpectThat(fmin(a, b) < 0.05, "sample %d is at %g", i, (double)x[i]);
  }
  /* four standard errors, 0.0072 each, and 0.01 for the finite steps: a false alarm in 16,000 seeds at most */
  TpTestExpectClose((double)first / COUNT, share[0], 0.029 + 0.01);
  PetscCall(TpSamplerDestroy(&sampler));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A network that knows nothing of data on a circle, which are uniform, and is wrong by 0.1 at all times. */
typedef struct {
  TpLens   lens;
  TpNumber inputs[2 * 4000];
} Wrong;

static PetscErrorCode PredictWrong(void *context, PetscInt rows, const TpNumber x[], const TpNumber t[],
                                   const TpNumber c[], TpNumber eps[])
{
  static const TpNumber y[2]  = {0.1f, 0};
  Wrong                *wrong = context;

  PetscFunctionBeginUser;
  TpLensShow(wrong->lens, rows, x, t, NULL, wrong->inputs);
  for (PetscInt i = 0; i < rows; ++i) TpLensRead(wrong->lens, 1, wrong->inputs + 2 * i, NULL, y, eps + i);
  TpLensNoise(wrong->lens, rows, x, t, eps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  An error of 0.1 cos(theta) in the velocity moves angles by 0.1 cos(theta) times the integral of g over sigma, 2: <sin> becomes 0.1, to first order. In the noise it
  acts from sigma = 158 on, and all samples end where theta = -pi/2 or pi/2.
*/
static PetscErrorCode CheckError(TpSchedule schedule, PetscInt predict)
{
  enum { COUNT = 4000 };
  const TpDiffusionSettings settings  = {.num_times = NUM_TIMES, .sampler = 1, .num_steps = NUM_TIMES};
  const PetscBool           circle[1] = {PETSC_TRUE};
  static Wrong              wrong;
  static TpNumber           x[COUNT];
  const TpDenoiser denoiser = {.num_inputs = 1, .max_batch = COUNT, .context = &wrong, .predict = PredictWrong};
  TpSampler        sampler;
  double           sine = 0.0;

  PetscFunctionBeginUser;
  schedule->predict = predict;
  PetscCall(TpLensCreate(schedule, 1, circle, &wrong.lens));
  PetscCall(TpSamplerCreate(schedule, &settings, 1, COUNT, &sampler));
  PetscCall(TpSamplerRun(sampler, &denoiser, 5, 0, COUNT, NULL, x));
  for (int i = 0; i < COUNT; ++i) sine += sin((double)x[i]) / COUNT;
  /* four standard errors of 0.0112, and 0.02 for the steps: a false alarm in 16,000 seeds at most */
  if (predict == TP_PREDICT_VELOCITY)
    TpTestExpectClose(fabs(sine), 0.1, 0.045 + 0.02);
  else
    TpTestExpectThat(fabs(sine) > 0.9, "<sin> is %g", sine);
  PetscCall(TpSamplerDestroy(&sampler));
  PetscCall(TpLensDestroy(&wrong.lens));
  schedule->predict = TP_PREDICT_NOISE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpSchedule schedule;
  TpLens     lens;

  TpTestBegin(&argc, &argv);
  TpTestCall(TpScheduleCreate(1, NUM_TIMES, &schedule));
  TpTestCall(TpLensCreate(schedule, S, is_angle, &lens));
  TpTestExpectEqual(lens->num_inputs, N);
  TpTestCall(CheckTarget(lens, schedule));
  TpTestCall(CheckVelocity(lens, schedule));
  TpTestCall(CheckReverse(lens, schedule));
  TpTestCall(CheckSamples(schedule));
  TpTestCall(CheckError(schedule, TP_PREDICT_NOISE));
  TpTestCall(CheckError(schedule, TP_PREDICT_VELOCITY));
  for (int i = 0; i <= NUM_TIMES; ++i)
    TpTestExpectClose(TpScheduleSignal(schedule, (double)i / NUM_TIMES) / schedule->abar[i], 1.0, 1e-9);
  TpTestCall(TpLensDestroy(&lens));
  TpTestCall(TpScheduleDestroy(&schedule));
  return TpTestEnd();
}
