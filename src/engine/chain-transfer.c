/*
  Exact samples and the partition function of the chiral chain, by its transfer matrix.

  The coupling sees phi only, so psi integrates out residue by residue. Backward messages
    m_i(phi) = integral of exp(j sin(phi) sin(phi') / T) w(phi') m_{i+1}(phi') dphi',   m of the last residue = 1,
  come from the trapezoidal rule on the circle, which converges exponentially. Then phi_1 is drawn from w m_1, and
  phi_{i+1} from exp(j sin(phi_i) sin(.) / T) w m_{i+1} with phi_i as it was drawn, between the grid points; psi_i at
  last, given phi_i.
*/
#include "chiral-chain-impl.h"

#include <math.h>

/* exp(-V / T) times exp(-depth_bound / T): V is nowhere much below, so that no temperature overflows. */
static const double depth_bound = 8.0;

PetscErrorCode TpChainTransferCreate(PetscInt num_residues, TpChainTransfer **transfer)
{
  TpChainTransfer *made;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&made));
  PetscCall(PetscMalloc2(num_residues * CHAIN_TABLE_SIZE, &made->messages, 2 * num_residues, &made->uniform));
  made->num_residues = num_residues;
  for (PetscInt i = 0; i < CHAIN_TABLE_SIZE; ++i) {
    made->angle[i] = PETSC_PI * (2.0 * i / CHAIN_GRID_POINTS - 1.0);
    made->sine[i]  = sin(made->angle[i]);
    for (PetscInt w = 0; w < CHAIN_NUM_WELLS; ++w)
      made->psi_factor[w][i] = exp(tp_chain_wells[w].width * (cos(made->angle[i] - tp_chain_wells[w].psi) - 1.0));
  }
  *transfer = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpChainTransferDestroy(TpChainTransfer **transfer)
{
  PetscFunctionBeginUser;
  if (*transfer) PetscCall(PetscFree2((*transfer)->messages, (*transfer)->uniform));
  PetscCall(PetscFree(*transfer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* exp(-V(phi, .) / T) on the grid of psi, up to the factor of depth_bound. */
static void PsiDensity(const TpChainTransfer *transfer, double temperature, double phi, double density[])
{
  double factor[CHAIN_NUM_WELLS];

  for (PetscInt w = 0; w < CHAIN_NUM_WELLS; ++w)
    factor[w] = tp_chain_wells[w].depth * exp(tp_chain_wells[w].width * (cos(phi - tp_chain_wells[w].phi) - 1.0));
  for (PetscInt i = 0; i < CHAIN_TABLE_SIZE; ++i) {
    double depth = 0;

    for (PetscInt w = 0; w < CHAIN_NUM_WELLS; ++w) depth += factor[w] * transfer->psi_factor[w][i];
    density[i] = exp((depth - depth_bound) / temperature);
  }
}

/* One message from the one behind it, `next`, normalised to the largest value 1; returns ln of what was divided out. */
static double PassMessage(const TpChainTransfer *transfer, double temperature, const double next[], double message[])
{
  const double coupling = tp_chain_coupling / temperature, spacing = 2.0 * PETSC_PI / CHAIN_GRID_POINTS;
  double       largest = 0;

  for (PetscInt i = 0; i < CHAIN_TABLE_SIZE; ++i) {
    double sum = 0;

    for (PetscInt k = 0; k < CHAIN_GRID_POINTS; ++k)
      sum += exp(coupling * (transfer->sine[i] * transfer->sine[k] - 1.0)) * transfer->phi_weight[k] * next[k];
    message[i] = spacing * sum;
    largest    = fmax(largest, message[i]);
  }
  for (PetscInt i = 0; i < CHAIN_TABLE_SIZE; ++i) message[i] /= largest;
  return log(largest) + coupling;
}

void TpChainTransferPrepare(TpChainTransfer *transfer, double temperature)
{
  const double spacing = 2.0 * PETSC_PI / CHAIN_GRID_POINTS;
  double      *message = transfer->messages + (transfer->num_residues - 1) * CHAIN_TABLE_SIZE;
  double       sum     = 0;

  if (transfer->temperature == temperature) return;
  for (PetscInt i = 0; i < CHAIN_TABLE_SIZE; ++i) {
    PsiDensity(transfer, temperature, transfer->angle[i], transfer->density);
    TpTableSum(CHAIN_TABLE_SIZE, transfer->density, transfer->cumulative);
    transfer->phi_weight[i] = spacing * transfer->cumulative[CHAIN_GRID_POINTS];
    message[i]              = 1.0;
  }
  transfer->log_partition = transfer->num_residues * depth_bound / temperature;
  for (PetscInt residue = transfer->num_residues - 2; residue >= 0; --residue) {
    message -= CHAIN_TABLE_SIZE;
    transfer->log_partition += PassMessage(transfer, temperature, message + CHAIN_TABLE_SIZE, message);
  }
  for (PetscInt i = 0; i < CHAIN_GRID_POINTS; ++i) sum += spacing * transfer->phi_weight[i] * message[i];
  transfer->log_partition += log(sum);
  transfer->temperature = temperature;
}

static double DrawAngle(TpChainTransfer *transfer, double u)
{
  TpTableSum(CHAIN_TABLE_SIZE, transfer->density, transfer->cumulative);
  return PETSC_PI *
         (2.0 * TpTableDraw(CHAIN_TABLE_SIZE, transfer->density, transfer->cumulative, u) / CHAIN_GRID_POINTS - 1.0);
}

void TpChainTransferSample(TpChainTransfer *transfer, uint64_t seed, uint32_t sample, double x[])
{
  const double temperature = transfer->temperature;

  TpRandomUniform(seed, TP_RANDOM_EXACT_SAMPLE, sample, 0, 2 * transfer->num_residues, transfer->uniform);
  for (PetscInt residue = 0; residue < transfer->num_residues; ++residue) {
    const double *message  = transfer->messages + residue * CHAIN_TABLE_SIZE;
    const double  coupling = residue > 0 ? tp_chain_coupling / temperature * sin(x[2 * residue - 2]) : 0;

    for (PetscInt i = 0; i < CHAIN_TABLE_SIZE; ++i)
      transfer->density[i] = exp(coupling * transfer->sine[i] - fabs(coupling)) * transfer->phi_weight[i] * message[i];
    x[2 * residue] = DrawAngle(transfer, transfer->uniform[2 * residue]);
    PsiDensity(transfer, temperature, x[2 * residue], transfer->density);
    x[2 * residue + 1] = DrawAngle(transfer, transfer->uniform[2 * residue + 1]);
  }
}
