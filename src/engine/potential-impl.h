/* Model potentials: the table of functions that each one fills, and what they share. Reduced units, k_B = 1. */
#pragma once

#include "tempera/engine.h"

typedef struct TpPotential_ *TpPotential;

/** One potential. Every function is a pure function of its arguments and the settings. **/
typedef struct {
  /* required */
  const char *name; /* the word in the input */

  /* Check the settings; set size, dimension, period, box_length, data. If it fails, destroy is called on what it has
     made. */
  PetscErrorCode (*create)(TpPotential potential, const TpEngineSettings *settings);

  /* Energy and forces [size] of x [size]; numbers that are not finite go through and come out not finite. */
  void (*compute)(TpPotential potential, const double x[], double *energy, double f[]);

  /* Start positions of a walker, a pure function of (seed, walker). f [size] is scratch. */
  void (*start)(TpPotential potential, uint64_t seed, PetscInt64 walker, double x[], double f[]);

  /* optional */
  void (*fold)(TpPotential potential, double x[]); /* x to its standard image of equal energy; NULL: x has only one */
  PetscErrorCode (*sample)(TpPotential potential, uint64_t seed, uint32_t sample, double temperature,
                           PetscBool *possible, double x[]); /* NULL: never possible */
  PetscErrorCode (*destroy)(TpPotential potential);          /* NULL: data is NULL, or is freed by PetscFree() alone */
} TpPotentialOps;

struct TpPotential_ {
  const TpPotentialOps   *ops;
  const TpEngineSettings *settings;
  PetscInt                size;       /* coordinates */
  PetscInt                dimension;  /* coordinates per particle: 3, or 1 where a coordinate is no point in space */
  double                  period;     /* of every coordinate, 0: none */
  double                  box_length; /* of the periodic cube, 0: none */
  void                   *data;
};

/** The potential that settings->model.potential names. Not collective. Free with TpPotentialDestroy(). **/
PetscErrorCode TpPotentialCreate(const TpEngineSettings *settings, TpPotential *potential);
PetscErrorCode TpPotentialDestroy(TpPotential *potential);

/** Most coordinates that a model potential may have. **/
#define TP_POTENTIAL_MAX_SIZE 100000

/** Take the size from engine.model.dimension. Errors: TP_ERR_INPUT unless it is 1 to TP_POTENTIAL_MAX_SIZE. Not
    collective. **/
PetscErrorCode TpPotentialSizeFromDimension(TpPotential potential);

/** Particles in space: size from engine.model.num_particles, dimension 3. Errors: TP_ERR_INPUT if out of range. Not
    collective. **/
PetscErrorCode TpPotentialSizeFromParticles(TpPotential potential);

extern const TpPotentialOps TpPotentialHarmonic;
extern const TpPotentialOps TpPotentialDoubleWell;
extern const TpPotentialOps TpPotentialAsymmetricDoubleWell;
extern const TpPotentialOps TpPotentialMuellerBrown;
extern const TpPotentialOps TpPotentialGaussianMixture;
extern const TpPotentialOps TpPotentialLJCluster;
extern const TpPotentialOps TpPotentialLJFluid;
extern const TpPotentialOps TpPotentialChiralChain;

/** ln of the integral of exp(-U/T) of a chiral-chain, by its transfer matrix. Not collective. **/
PetscErrorCode TpPotentialChiralChainLogPartition(TpPotential potential, double temperature, double *log_partition);

/* --------------------------------------------------------------------------------------------------------- dynamics */

/** Langevin dynamics of a potential in which every coordinate has the same mass. **/
typedef struct {
  TpPotential potential;
  double      mass;
  double      timestep;
  double      friction;
  double     *f;     /* [size] work space */
  double     *noise; /* [size] work space */
} TpLangevin;

/** num_steps steps of BAOAB; x comes back folded, with its energy. Not collective. **/
void TpLangevinAdvance(const TpLangevin *langevin, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                       TpState *state);

/**
  Walk down the forces for num_steps steps of x += rate f, no coordinate further than `longest` at once: takes the
  overlaps out of random start positions. f [size] is scratch. Not collective.
**/
void TpPotentialRelax(TpPotential potential, PetscInt num_steps, double rate, double longest, double x[], double f[]);

/* ---------------------------------------------------------------------------------------------- tabulated densities */

/** Sums of a density given at `count` points, linear between them: cumulative [count], from 0 to the total. Not
    collective. **/
void TpTableSum(PetscInt count, const double density[], double cumulative[]);

/** Where the share u of the total is reached, in units of the points' distance, in [0, count - 1]. Not collective. **/
double TpTableDraw(PetscInt count, const double density[], const double cumulative[], double u);

/* ---------------------------------------------------------------------------------------------- Lennard-Jones pairs */

/** All pairs of particles with 4 (r^-12 - r^-6). **/
typedef struct {
  PetscInt num_particles;
  double   box_length;     /* minimum image in this cube; 0: free */
  double   cutoff_squared; /* pairs beyond it count nothing; infinite: all count */
  double  *work;           /* [6, num_particles] x y z and forces, one after the other, as vector units want them */
} TpLennardJones;

PetscErrorCode TpLennardJonesCreate(PetscInt num_particles, double box_length, double cutoff, TpLennardJones *pairs);
PetscErrorCode TpLennardJonesDestroy(TpLennardJones *pairs);
void           TpLennardJonesCompute(const TpLennardJones *pairs, const double x[], double *energy, double f[]);
