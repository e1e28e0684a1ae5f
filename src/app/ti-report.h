/*
  What a run of `tempera ti` has found, and who writes it: the screen, tables, ti.h5, report.html. All ranks have the same TpTiResults.
*/
#pragma once

#include "ti-impl.h"

/** All estimates of one target; not numbers where there is none. **/
typedef struct {
  TpTiEstimate mode[TP_TI_NUM_MODES];
  TpTiEstimate weights; /* of the plain trajectories */
  double       effective;
  TpTiEstimate best; /* the answer */
  const char  *method;
  TpTiEstimate windows, insertion;
  double       mbar, mbar_error; /* of ln Z, less that of the first temperature */
} TpTiRow;

/** How far the learned score is from a gradient at time t: ||J - J^T|| / ||J|| of its Jacobian, with the standard error. **/
typedef struct {
  double t, ratio, error;
} TpTiAsymmetry;

/** Where g(r) is from. **/
enum { TP_TI_PAIRS_SIMULATED, TP_TI_PAIRS_PLAIN, TP_TI_PAIRS_CORRECTED, TP_TI_NUM_PAIRS };

enum { TP_TI_ASYMMETRY_TIMES = 5, TP_TI_ISOTHERM_POINTS = 401 };

typedef struct {
  TpTi          ti;
  TpTiRow      *rows;    /* [targets] */
  double       *windows; /* [2, members, windows] mean integrand, its error */
  PetscInt      num_losses;
  double        loss[2][TP_TI_LOSS_POINTS]; /* step, mean loss of the steps since the point before */
  TpTiAsymmetry asymmetry[TP_TI_ASYMMETRY_TIMES];
  /* of the fluid */
  PetscInt largest;                            /* N */
  double  *curve;                              /* [largest + 1] beta F_ex of every number of particles */
  double   isotherm[2][TP_TI_ISOTHERM_POINTS]; /* beta mu in units of the box, mean N */
  double  *pairs;                              /* [members, TP_TI_NUM_PAIRS, TP_TI_PAIR_BINS] g(r) */
} TpTiResults;

/** The member that a target is, or -1. Pure. **/
PetscInt TpTiMemberOf(TpTi ti, PetscInt target);

/** What the targets differ by: their number of particles, or their temperature. Pure. **/
double TpTiVariable(TpTi ti, PetscInt target);

/** Statistics and grid together. Pure. **/
double TpTiWholeError(const TpTiEstimate *estimate);

/** beta mu_ex of adding a particle to n; at the largest n, of the last one. Pure. **/
double TpTiExcessPotential(const TpTiResults *results, PetscInt n);

/** Distance in the middle of bin b. Pure. **/
double TpTiPairDistance(TpTi ti, PetscInt b);

/** Share of the trajectories' moves that were accepted; not a number without moves. Pure. **/
double TpTiAcceptance(TpTi ti, PetscInt target);

/** Evaluations of energy and gradient that a number stands on. Pure. **/
double TpTiNeuralCost(TpTi ti);
double TpTiWindowCost(TpTi ti);

/** Configurations of all members by turns, with noise on them. Collective on world. **/
PetscErrorCode TpTiMeasureAsymmetry(TpTi ti, TpTiAsymmetry times[]);

/** The writers. Collective on world. **/
PetscErrorCode TpTiWriteTables(const TpTiResults *results);
PetscErrorCode TpTiWriteFile(const TpTiResults *results);
PetscErrorCode TpTiWritePage(const TpTiResults *results);
