/* The chiral chain: what its forces (potential-chiral-chain.c) and its transfer matrix (chain-transfer.c) share. */
#pragma once

#include "potential-impl.h"

enum {
  CHAIN_NUM_WELLS   = 4,
  CHAIN_GRID_POINTS = 1024, /* cells of an angle: linear between them, densities at T = 1 are right to about 1e-4 */
  CHAIN_TABLE_SIZE  = CHAIN_GRID_POINTS + 1, /* both ends, which are the same angle */
};

/** One well of V(phi, psi) = - sum_w e_w exp(k_w (cos(phi - a_w) + cos(psi - b_w) - 2)). **/
typedef struct {
  double depth, width; /* e, k */
  double phi, psi;     /* a, b */
} TpChainWell;

extern const TpChainWell tp_chain_wells[CHAIN_NUM_WELLS];
extern const double      tp_chain_coupling; /* j of - j sum_i sin(phi_i) sin(phi_{i+1}) */

/** Messages along the chain at one temperature, on the grid of angles. **/
typedef struct {
  PetscInt num_residues;
  double   temperature; /* of the messages; 0: not made yet */
  double   log_partition;
  double   angle[CHAIN_TABLE_SIZE]; /* from -pi to pi */
  double   sine[CHAIN_TABLE_SIZE];
  double   psi_factor[CHAIN_NUM_WELLS][CHAIN_TABLE_SIZE]; /* exp(k_w (cos(psi - b_w) - 1)) */
  double   phi_weight[CHAIN_TABLE_SIZE];                  /* integral over psi of exp(-V / T), up to a factor */
  double  *messages; /* [num_residues, CHAIN_TABLE_SIZE] sum over all residues behind */
  double   density[CHAIN_TABLE_SIZE], cumulative[CHAIN_TABLE_SIZE]; /* scratch */
  double  *uniform;                                                 /* [2 num_residues] scratch */
} TpChainTransfer;

PetscErrorCode TpChainTransferCreate(PetscInt num_residues, TpChainTransfer **transfer);
PetscErrorCode TpChainTransferDestroy(TpChainTransfer **transfer);

/** Make the messages of this temperature, if they are not there already. Not collective. **/
void TpChainTransferPrepare(TpChainTransfer *transfer, double temperature);

/** Draw x [2 num_residues] at the temperature prepared. Not collective. **/
void TpChainTransferSample(TpChainTransfer *transfer, uint64_t seed, uint32_t sample, double x[]);
