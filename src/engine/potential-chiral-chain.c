/*
  The chiral chain: residues i = 1..n with angles phi_i, psi_i,
    U = sum_i V(phi_i, psi_i) - j sum_i sin(phi_i) sin(phi_{i+1}),
    V = - sum_w e_w exp(k_w (cos(phi - a_w) + cos(psi - b_w) - 2)).

  Mirror pairs of wells make U(x) = U(-x): both helices are equally likely, and turning the whole chain round is a rare
  event.
*/
#include "chiral-chain-impl.h"

#include <math.h>

const TpChainWell tp_chain_wells[CHAIN_NUM_WELLS] = {
    {8.0, 3.0, 1.0, 0.8},   /* left helix */
    {8.0, 3.0, -1.0, -0.8}, /* right helix */
    {6.5, 3.0, -1.1, 2.7},  /* extended: across psi = pi */
    {6.5, 3.0, 1.1, -2.7},
};
const double tp_chain_coupling = 1.8;

enum { MAX_RESIDUES = 1000 };

typedef struct {
  double           sine_phi[CHAIN_NUM_WELLS], cosine_phi[CHAIN_NUM_WELLS]; /* of each well's place */
  double           sine_psi[CHAIN_NUM_WELLS], cosine_psi[CHAIN_NUM_WELLS];
  TpChainTransfer *transfer; /* made when the first exact sample is asked for */
} Chain;

static PetscErrorCode ChainCreate(TpPotential potential, const TpEngineSettings *settings)
{
  const PetscInt64 num_residues = settings->model.num_residues;
  Chain           *chain;

  PetscFunctionBeginUser;
  TpCheckInput(num_residues >= 1 && num_residues <= MAX_RESIDUES,
               "engine.model.num_residues: %" PetscInt64_FMT "; allowed: 1 to %d", num_residues, MAX_RESIDUES);
  potential->size   = 2 * (PetscInt)num_residues;
  potential->period = 2.0 * PETSC_PI;
  PetscCall(PetscNew(&chain));
  potential->data = chain;
  for (PetscInt w = 0; w < CHAIN_NUM_WELLS; ++w) {
    chain->sine_phi[w]   = sin(tp_chain_wells[w].phi);
    chain->cosine_phi[w] = cos(tp_chain_wells[w].phi);
    chain->sine_psi[w]   = sin(tp_chain_wells[w].psi);
    chain->cosine_psi[w] = cos(tp_chain_wells[w].psi);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChainDestroy(TpPotential potential)
{
  Chain *chain = potential->data;

  PetscFunctionBeginUser;
  PetscCall(TpChainTransferDestroy(&chain->transfer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* V of one residue and its forces; sines and cosines of differences by the addition theorem. */
static double Residue(const Chain *chain, const double sine[2], const double cosine[2], double f[2])
{
  double sum = 0;

  f[0] = f[1] = 0;
  for (PetscInt w = 0; w < CHAIN_NUM_WELLS; ++w) {
    const double width      = tp_chain_wells[w].width;
    const double cosine_phi = cosine[0] * chain->cosine_phi[w] + sine[0] * chain->sine_phi[w];
    const double cosine_psi = cosine[1] * chain->cosine_psi[w] + sine[1] * chain->sine_psi[w];
    const double well       = tp_chain_wells[w].depth * exp(width * (cosine_phi + cosine_psi - 2.0));

    sum -= well;
    f[0] -= width * well * (sine[0] * chain->cosine_phi[w] - cosine[0] * chain->sine_phi[w]);
    f[1] -= width * well * (sine[1] * chain->cosine_psi[w] - cosine[1] * chain->sine_psi[w]);
  }
  return sum;
}

static void ChainCompute(TpPotential potential, const double x[], double *energy, double f[])
{
  double sum = 0, before_sine = 0, before_cosine = 0;

  for (PetscInt i = 0; i < potential->size; i += 2) {
    const double sine[2]   = {sin(x[i]), sin(x[i + 1])};
    const double cosine[2] = {cos(x[i]), cos(x[i + 1])};

    sum += Residue(potential->data, sine, cosine, f + i);
    if (i > 0) {
      sum -= tp_chain_coupling * before_sine * sine[0];
      f[i - 2] += tp_chain_coupling * before_cosine * sine[0];
      f[i] += tp_chain_coupling * before_sine * cosine[0];
    }
    before_sine   = sine[0];
    before_cosine = cosine[0];
  }
  *energy = sum;
}

/* Into (-pi, pi]. Angles that are there already keep their bits. */
static void ChainFold(TpPotential potential, double x[])
{
  for (PetscInt i = 0; i < potential->size; ++i) {
    if (x[i] > -PETSC_PI && x[i] <= PETSC_PI) continue;
    x[i] -= 2.0 * PETSC_PI * ceil((x[i] - PETSC_PI) / (2.0 * PETSC_PI));
    if (x[i] <= -PETSC_PI) x[i] = PETSC_PI; /* rounding at the edge */
  }
}

/* Even walkers start as a right helix, odd ones as a left helix. */
static void ChainStart(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[])
{
  const TpChainWell *well = &tp_chain_wells[walker % 2 == 0 ? 1 : 0];

  for (PetscInt i = 0; i < potential->size; i += 2) {
    x[i]     = well->phi;
    x[i + 1] = well->psi;
  }
}

static PetscErrorCode ChainPrepare(TpPotential potential, double temperature)
{
  Chain *chain = potential->data;

  PetscFunctionBeginUser;
  if (!chain->transfer) PetscCall(TpChainTransferCreate(potential->size / 2, &chain->transfer));
  TpChainTransferPrepare(chain->transfer, temperature);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChainSample(TpPotential potential, uint64_t seed, uint32_t sample, double temperature,
                                  PetscBool *possible, double x[])
{
  Chain *chain = potential->data;

  PetscFunctionBeginUser;
  *possible = PETSC_TRUE;
  PetscCall(ChainPrepare(potential, temperature));
  TpChainTransferSample(chain->transfer, seed, sample, x);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpPotentialChiralChainLogPartition(TpPotential potential, double temperature, double *log_partition)
{
  Chain *chain = potential->data;

  PetscFunctionBeginUser;
  PetscCall(ChainPrepare(potential, temperature));
  *log_partition = chain->transfer->log_partition;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpPotentialOps TpPotentialChiralChain = {
    .name    = "chiral-chain",
    .create  = ChainCreate,
    .compute = ChainCompute,
    .start   = ChainStart,
    .fold    = ChainFold,
    .sample  = ChainSample,
    .destroy = ChainDestroy,
};
