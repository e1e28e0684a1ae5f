/* The probability flow between data and noise, by PETSc's TS. Private to diffusion. */
#pragma once

#include "tempera/diffusion.h"

#include <petscts.h>

enum { TP_FLOW_CHOOSERS = 64 }; /* samples that choose the steps of a batch */

/**
  The flow of x_t = cos(phi) x_0 + sin(phi) eps, abar = cos^2(phi), from phi = 0 (data) to almost pi / 2 (noise):

    d x / d phi = (eps - sin(phi) x) / cos(phi),

  the velocity of Salimans and Ho (ICLR 2022): bounded, and the states have variance 1 on the way. Source of the flow: Song et al., ICLR 2021.
  Below the first time, which denoisers have not seen, the score of the data with so little noise is taken to be constant.
**/
typedef struct {
  double   sine;
  double   cosine;
  TpNumber time;   /* t that the denoiser is asked at */
  double   shrink; /* x of the denoiser = shrink x */
  double   gain;   /* eps = gain eps of the denoiser */
} TpFlowPoint;

TpFlowPoint TpFlowAt(TpSchedule schedule, double phi);

/** phi at which sampling starts, TpSamplerStart(). **/
double TpFlowEnd(TpSchedule schedule);

/** A TS by the Dormand-Prince pair over a time of this length. The caller sets its right-hand side. **/
PetscErrorCode TpFlowIntegrator(double length, double tolerance, TS *ts);

/** Integrate x from time 0, beginning with this step. Errors: TP_ERR_STOPPED if it does not get to the end. **/
PetscErrorCode TpFlowSolve(TS ts, double step, Vec x);

/** Batches of samples along the flow, by steps that a few of them have chosen. **/
typedef struct TpFlow_ *TpFlow;

PetscErrorCode TpFlowCreate(TpSchedule schedule, PetscInt num_inputs, PetscInt max_batch, double tolerance,
                            TpFlow *flow);
PetscErrorCode TpFlowDestroy(TpFlow *flow);

/** Choose the steps for these B rows of noise x [B, D]; all have the conditions c [C]. **/
PetscErrorCode TpFlowChoose(TpFlow flow, const TpDenoiser *denoiser, PetscInt B, const TpNumber c[],
                            const TpNumber x[]);

/** From noise x [B, D] to data, in place. **/
PetscErrorCode TpFlowRun(TpFlow flow, const TpDenoiser *denoiser, PetscInt B, const TpNumber c[], TpNumber x[]);

/** Evaluations of the denoiser in TpFlowRun(). **/
PetscInt TpFlowEvaluations(TpFlow flow);
