/**
  Diffusion: noise schedules, the denoising loss, samplers. It knows denoisers only as functions, so that a closed-form score can
  stand in for a network (tests do this). No MPI, no files.

  Forward process: x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps, t = 1..T. A denoiser predicts eps; the score is -eps / sqrt(1 - abar_t).
  Sources: Ho, Jain and Abbeel, NeurIPS 2020 (DDPM); Song, Meng and Ermon, ICLR 2021 (DDIM); Nichol and Dhariwal, ICML 2021 (cosine); Lu et al.,
  arXiv 2211.01095 (DPM-Solver++); Xue et al., arXiv 2309.05019 (SA-Solver); Song et al., ICLR 2021 (probability flow, likelihood).
**/
#pragma once

#include "tempera/base.h"
#include "tempera/nn.h"

typedef struct {
  PetscInt   schedule;  /* index into tp_schedule_words */
  PetscInt64 num_times; /* T */
  PetscInt   predict;   /* TpPredict */
  PetscInt   sampler;   /* index into tp_sampler_words */
  PetscInt64 num_steps; /* of the sampler, <= T; ddpm takes every time, ode chooses by itself */
  double     tolerance; /* of ode: local error of a step; 0: TP_FLOW_TOLERANCE */
  PetscBool  is_quiet;  /* dpmpp without its noise: for scores that are not those of one diffusion, as with guidance */
} TpDiffusionSettings;

extern const char *const tp_schedule_words[]; /* "linear", "cosine", NULL */
extern const char *const tp_sampler_words[];  /* "ddpm", "ddim", "dpmpp", "ode", "sde", NULL */

typedef enum { TP_SAMPLER_DDPM, TP_SAMPLER_DDIM, TP_SAMPLER_DPMPP, TP_SAMPLER_ODE, TP_SAMPLER_SDE } TpSamplerKind;

#define TP_FLOW_TOLERANCE 1e-4 /* of samples; the features have variance 1 */

/** What a network answers with for a state; of an angle see TpLens. **/
typedef enum {
  TP_PREDICT_NOISE,    /* eps */
  TP_PREDICT_VELOCITY, /* v = sqrt(abar) eps - sqrt(1 - abar) x_0 (Salimans and Ho, ICLR 2022): its errors are not amplified where there is little signal */
} TpPredict;
extern const char *const tp_predict_words[]; /* "noise", "velocity", NULL */

/* ---------------------------------------------------------------------------------------------------------- schedule */

typedef struct TpSchedule_ {
  PetscInt num_times;
  PetscInt predict; /* TpPredict; TP_PREDICT_NOISE to begin with, the caller may set it */
  double  *abar;    /* [num_times + 1] abar_0 = 1, decreasing; abar of time i */
  double  *beta;    /* [num_times + 1] beta_i = 1 - abar_i / abar_{i-1}; beta_0 = 0 */
} * TpSchedule;

/** linear: beta from 1e-4 to 0.02 at T = 1000, scaled by 1000 / T; cosine: s = 0.008, beta <= 0.999. Not collective. **/
PetscErrorCode TpScheduleCreate(PetscInt kind, PetscInt num_times, TpSchedule *schedule);
PetscErrorCode TpScheduleDestroy(TpSchedule *schedule);

/** abar at t in [0, 1]: that of time t T, geometrically between times. Pure. **/
double TpScheduleSignal(TpSchedule schedule, double t);

/** The t in [0, 1] with this abar: the reverse of TpScheduleSignal(). Pure. **/
double TpScheduleTime(TpSchedule schedule, double abar);

/* -------------------------------------------------------------------------------------------------------------- loss */

/**
  Noise a batch. Row i is slot first_slot + i of optimiser step `step`: its time (uniform in 1..T) and its noise are functions of
  (seed, slot, step), so that any split of the batch over ranks gives the same numbers. Not collective.

  @param[in]  x0   [B, D] scaled data
  @param[out] x    [B, D] x_t
  @param[out] t    [B] t / T, what the network is given
  @param[out] eps  [B, D] the noise, what it should answer
**/
PetscErrorCode TpDiffusionNoise(TpSchedule schedule, uint64_t seed, uint64_t step, uint32_t first_slot, PetscInt B,
                                PetscInt D, const TpNumber x0[], TpNumber x[], TpNumber t[], TpNumber eps[]);

/** Sum over rows of the mean squared error over D, and its gradient dy [B, D] times `weight`. Summed in double precision in row order. **/
double TpDiffusionLoss(PetscInt B, PetscInt D, const TpNumber y[], const TpNumber eps[], double weight, TpNumber dy[]);

/* -------------------------------------------------------------------------------------------------------------- lens */

/**
  How the states that diffuse are shown to a network, and how its answer is read.

  A state that is an angle lives on a circle: with x_t = sqrt(abar) theta_t, theta_t = theta_0 + sigma eps modulo 2 pi, sigma^2 = (1 - abar) / abar,
  which has the wrapped normal kernel, and is uniform where sigma is large. The network sees (sin theta_t, cos theta_t) and answers with a vector of
  two, whose part along the circle is the answer: eps, or, where velocities are predicted, eps / g with the size of eps g = 1 for sigma < 1 and
  sigma exp((1 - sigma^2) / 2) beyond, so that the angle stays uniform while it is, whatever the answer. Schedules, samplers and start are those
  of other states.

  With a row's `scale` s, the states are those of noise of size s divided by s: the network sees s x and answers s eps.
**/
typedef struct TpLens_ {
  TpSchedule schedule;   /* kept, the caller's */
  PetscInt   num_states; /* S */
  PetscInt   num_inputs; /* of the network, N: two for an angle */
  PetscInt   num_angles;
  PetscBool *is_angle; /* [S] */
} * TpLens;

/** `is_angle` [num_states], NULL: none is. Not collective. **/
PetscErrorCode TpLensCreate(TpSchedule schedule, PetscInt num_states, const PetscBool is_angle[], TpLens *lens);
PetscErrorCode TpLensDestroy(TpLens *lens);

/** States x [B, S] at times t [B] -> inputs [B, N]; scale [B], NULL: 1. **/
void TpLensShow(TpLens lens, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber scale[],
                TpNumber inputs[]);

/** The network's y [B, N] to these inputs -> its answer [B, S]. **/
void TpLensRead(TpLens lens, PetscInt B, const TpNumber inputs[], const TpNumber scale[], const TpNumber y[],
                TpNumber answer[]);

/** The reverse of TpLensRead(): danswer [B, S] -> dy [B, N]. **/
void TpLensReverse(TpLens lens, PetscInt B, const TpNumber inputs[], const TpNumber scale[], const TpNumber danswer[],
                   TpNumber dy[]);

/** d eps / d answer of state i at time t. Pure. **/
double TpLensGain(TpLens lens, PetscInt i, double t);

/** From an answer [B, S] to noise, in place: eps = sqrt(abar) v + sqrt(1 - abar) x where the network predicts v, of an angle g v. **/
void TpLensNoise(TpLens lens, PetscInt B, const TpNumber x[], const TpNumber t[], TpNumber answer[]);

/**
  Make of the noise eps [B, S], in place, what the answer is compared with. Of angles it is the mean of eps over the windings that can't be told
  apart: -sigma times the score of the wrapped normal kernel; and that over g where velocities are predicted.
**/
void TpLensTarget(TpLens lens, PetscInt B, const TpNumber x0[], const TpNumber x[], const TpNumber t[], TpNumber eps[]);

/**
  From a gradient of the inputs to one of the states, dx [B, S]: dinputs [B, N], and what an angle's answer owes to its inputs beside the network's
  y [B, N]. `danswer` [B, S] is what dinputs was made from.
**/
void TpLensPull(TpLens lens, PetscInt B, const TpNumber t[], const TpNumber scale[], const TpNumber inputs[],
                const TpNumber y[], const TpNumber danswer[], const TpNumber dinputs[], TpNumber dx[]);

/* ---------------------------------------------------------------------------------------------------------- samplers */

/** A denoiser: eps [B, D] predicted for x [B, D] at times t [B] (t / T) under conditions c [B, C]. **/
typedef struct {
  PetscInt num_inputs;     /* D */
  PetscInt num_conditions; /* C */
  PetscInt max_batch;
  void    *context;
  PetscErrorCode (*predict)(void *context, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber c[],
                            TpNumber eps[]);

  /** After predict() with B rows: deps [B, D] -> dx [B, D], the product with the Jacobian d eps / d x from the left. NULL: it can't. **/
  PetscErrorCode (*reverse)(void *context, PetscInt B, const TpNumber deps[], TpNumber dx[]);
} TpDenoiser;

/**
  How far the denoiser's answer is from a gradient, and with it the score, -eps / sqrt(1 - abar): TpAsymmetryNorms() at one state x [D] at time t under
  conditions c [C], by as many random vectors as the denoiser takes rows. Not collective.

  @param[in]  denoiser  with `reverse`, max_batch >= 2
  @param[in]  step      with seed and id, of the random vectors
  @param[out] squares   [2]
**/
PetscErrorCode TpDenoiserAsymmetry(const TpDenoiser *denoiser, uint64_t seed, uint32_t id, uint64_t step,
                                   const TpNumber x[], TpNumber t, const TpNumber c[], double squares[]);

/** A denoiser that evaluates `network` with `parameters`; all kept by the caller, who also keeps `binding`. **/
typedef struct {
  TpNetwork       network;
  TpWorkspace     workspace;
  const TpNumber *parameters;
} TpNetworkBinding;
PetscErrorCode TpDenoiserFromNetwork(TpNetworkBinding *binding, PetscInt max_batch, TpDenoiser *denoiser);

typedef struct TpSampler_ *TpSampler;

/**
  A sampler over `schedule` (kept). Not collective. Free with TpSamplerDestroy().

  ddpm: ancestral, posterior variance; every time (num_steps is ignored). ddim: deterministic, num_steps evenly spaced times.
  dpmpp: DPM-Solver++(2M) whose steps are corrected and have a little noise, as in SA-Solver, at num_steps times that lie closest where data of
  variance 1 take their shape. sde: the same with all the noise of the reverse diffusion. ode: the probability flow by an adaptive Runge-Kutta method.
  All start from N(0, 1) at the last time with abar >= 4e-5, where the linear schedule of 1000 times ends: later times of the cosine
  schedule hold no signal, and a step there would multiply the denoiser's error by up to 30.

  Errors: TP_ERR_INPUT for num_steps < 1 or > T.
**/
PetscErrorCode TpSamplerCreate(TpSchedule schedule, const TpDiffusionSettings *settings, PetscInt num_inputs,
                               PetscInt max_batch, TpSampler *sampler);
PetscErrorCode TpSamplerDestroy(TpSampler *sampler);

/**
  Choose the steps of `ode`, which has to be done before TpSamplerRun() and whenever the denoiser changes; nothing with other kinds. Not collective.

  Samples 0 to 63 are integrated together (the denoiser takes as many), each step so that the root mean square of their errors is below the tolerance; all samples
  then take these steps. So a sample depends on the first ones of its sequence, but never on those beside it.

  @param[in]  c  [C] conditions of the samples, the same for all

  Errors: TP_ERR_STOPPED if more than 10000 steps are needed.
**/
PetscErrorCode TpSamplerPrepare(TpSampler sampler, const TpDenoiser *denoiser, uint64_t seed, const TpNumber c[]);

/** Network evaluations per sample; of ode, after TpSamplerPrepare(). **/
PetscInt TpSamplerEvaluations(TpSampler sampler);

/**
  Generate B <= max_batch samples. Sample first_sample + i is a function of (seed, first_sample + i) and its condition alone. Not collective.

  @param[in]  c  [B, C]
  @param[out] x  [B, D] scaled features
**/
PetscErrorCode TpSamplerRun(TpSampler sampler, const TpDenoiser *denoiser, uint64_t seed, uint32_t first_sample,
                            PetscInt B, const TpNumber c[], TpNumber x[]);

/* -------------------------------------------------------------------------------------------------------- likelihood */

typedef struct TpLikelihood_ *TpLikelihood;

/**
  Log densities of states x_0, by the probability flow to noise: ln p(x_0) = ln p(x_T) + the integral of the flow's divergence, with p(x_T) what samplers
  start from: N(0, 1), and uniform on the circle for angles. It is the density of the samples of `ode`. Not collective. Free with
  TpLikelihoodDestroy().

  @param[in] schedule    kept, the caller's
  @param[in] is_angle    [num_inputs], NULL: none is
  @param[in] num_probes  0: the trace of the denoiser's Jacobian is exact, which takes num_inputs rows for each sample and step; else it is Hutchinson's
                         estimate by so many random vectors of +-1
  @param[in] tolerance   local error of a step, in states and in nats

  Source: Song et al., ICLR 2021; Grathwohl et al., ICLR 2019 (trace).
**/
PetscErrorCode TpLikelihoodCreate(TpSchedule schedule, PetscInt num_inputs, const PetscBool is_angle[],
                                  PetscInt num_probes, double tolerance, TpLikelihood *likelihood);
PetscErrorCode TpLikelihoodDestroy(TpLikelihood *likelihood);

/**
  The log density of one sample, with an error control of its own. Not collective.

  @param[in]  denoiser  with `reverse`; its rows all belong to this sample
  @param[in]  seed      with `sample`, of the random vectors
  @param[in]  c         [C]
  @param[in]  x         [D]
  @param[out] log_density  nats
  @param[out] error        standard error by the random vectors, nats; 0 with the exact trace

  Errors: TP_ERR_STOPPED if the flow can't be integrated.
**/
PetscErrorCode TpLikelihoodOf(TpLikelihood likelihood, const TpDenoiser *denoiser, uint64_t seed, uint32_t sample,
                              const TpNumber c[], const TpNumber x[], double *log_density, double *error);
