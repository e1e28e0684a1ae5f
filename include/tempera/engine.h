/**
  Engine: what moves a configuration through time at a given temperature. A table of implementations, chosen by a word:

    model    model potentials, integrated here (Langevin, BAOAB splitting); reduced units
    openmm   OpenMM: a serialized System and positions from PDB files; nm, ps, kJ/mol, K, amu
    lammps   LAMMPS: an input script that sets the system up; nm, ps, kJ/mol, K, amu, or reduced units

  One engine per replica rank. An engine keeps no history: everything that a step depends on is in the TpState and in the
  (seed, rung, round) given to TpEngineAdvance(), so that runs restart bit for bit and configurations can change rungs.

  Order of calls: TpEngineCreate, TpEngineGetInfo, TpEngineStart, then TpEngineAdvance as often as wanted. No MPI here.
**/
#pragma once

#include "tempera/base.h"

/** What the input says about the engine. Lengths, times and energies in internal units. **/
typedef struct {
  PetscInt kind;     /* index into tp_engine_words */
  double   timestep; /* ps */
  double   friction; /* 1/ps */
  struct {
    PetscInt   potential;     /* index into tp_potential_words */
    PetscInt64 dimension;     /* of double-well, harmonic, gaussian-mixture */
    PetscInt64 num_particles; /* lj-cluster, lj-fluid */
    PetscInt64 num_residues;  /* chiral-chain */
    double     box_length;    /* lj-fluid: edge of the periodic cube, sigma */
    double     cutoff;        /* lj-fluid: 0: minimum image over all pairs, none cut off; else truncated there */
    double     radius;        /* lj-cluster: |r - r_com| < radius, sigma */
    double     mass;          /* of every coordinate */
    double     barrier;       /* double-well: height; harmonic: spring constant */
    TpRealList means;         /* gaussian-mixture: [components, dimension] */
    TpRealList sigmas;        /* gaussian-mixture: [components] standard deviations at T = 1 */
    TpRealList weights;       /* gaussian-mixture: [components] */
  } model;
  struct {
    char      *system;        /* serialized System, XML */
    TpTextList positions;     /* PDB files; walker w starts from file w modulo their number */
    char      *platform;      /* "Reference", "CPU", "CUDA", "OpenCL" or any that the library has */
    PetscInt64 threads;       /* of platform CPU */
    PetscBool  deterministic; /* ask the platform for deterministic forces */
    PetscBool  minimize;      /* relax the start positions before the first step */
  } openmm;
  struct {
    char    *script;     /* input script; sets the system up, runs nothing */
    PetscInt units;      /* index into tp_lammps_unit_words: what the script's `units` says */
    PetscInt thermostat; /* index into tp_lammps_thermostat_words: who keeps the temperature */
  } lammps;
} TpEngineSettings;

/** The words of the input for `kind` and `model.potential`; NULL-terminated. An engine not built in is in the list too. **/
extern const char *const tp_engine_words[];
extern const char *const tp_potential_words[];
extern const char *const tp_lammps_unit_words[];
extern const char *const tp_lammps_thermostat_words[];

/** What the rest of the program may know about the system. Belongs to the engine. **/
typedef struct {
  const char       *name; /* "model: asymmetric-double-well", "openmm 7.7 Reference", "lammps 29 Sep 2021" */
  TpUnitSystem      units;
  PetscInt          size;          /* coordinates */
  PetscInt          num_particles; /* size / 3, or size where a coordinate is no point in space */
  PetscInt          dimension;     /* coordinates per particle: 3 or 1 */
  const double     *mass;          /* [num_particles] amu; 0: fixed in space */
  double            period;        /* 2 pi if the coordinates are angles, else 0 */
  PetscBool         has_box;       /* periodic box vectors mean something */
  PetscInt          num_constraints;
  const PetscInt   *constraints;        /* [num_constraints, 2] particle pairs of fixed distance */
  PetscInt          degrees_of_freedom; /* moving coordinates less constraints (less a fixed centre of mass) */
  const TpTopology *topology;           /* names of atoms; NULL for model potentials */
  uint64_t          system_hash;        /* equal on all rungs, or they simulate different systems */
  PetscBool         deterministic;      /* the same input gives the same bits */
} TpEngineInfo;

typedef struct TpEngine_ *TpEngine;

/** Which numbers of the random sequence a stretch of dynamics uses. **/
typedef struct {
  uint64_t   seed;
  PetscInt   rung;
  PetscInt64 round; /* every (rung, round) is simulated once */
} TpMoment;

/** The unit system of the engine with this index in tp_engine_words; of LAMMPS, for scripts with these units. Pure. **/
TpUnitSystem TpEngineUnits(PetscInt kind, PetscInt lammps_units);

/**
  Create the engine. Not collective. Free with TpEngineDestroy().

  @param[in]  settings    kept by the caller; must outlive the engine
  @param[in]  local_rank  index among the replicas of this node: GPU local_rank mod (number of GPUs) is used where the platform has GPUs
  @param[out] engine

  Errors: TP_ERR_INPUT for an engine that is not built in, a potential's impossible parameters, a file that can't be read or parsed,
  a System whose number of particles is not the PDB's, a platform the library does not have (the line lists those it has), a script that
  LAMMPS refuses or that does what is Tempera's (the line names file and line).
**/
PetscErrorCode TpEngineCreate(const TpEngineSettings *settings, PetscInt local_rank, TpEngine *engine);
PetscErrorCode TpEngineDestroy(TpEngine *engine);

PetscErrorCode TpEngineGetInfo(TpEngine engine, const TpEngineInfo **info);

/**
  The configuration that walker `walker` begins with: start positions, velocities of `temperature` (drawn from
  TP_RANDOM_INITIAL_VELOCITY, constraints satisfied), energy. Not collective.

  @param[in,out] state  made by TpStateCreate() with info->size
**/
PetscErrorCode TpEngineStart(TpEngine engine, uint64_t seed, PetscInt64 walker, double temperature, TpState *state);

/**
  Simulate `num_steps` steps at `temperature`; x, v, box and energy of `state` are replaced. Not collective.

  A configuration that goes bad (not finite, or atoms lost) is no error: the state is returned as it is, its energy not a number, and
  TpStateIsFinite() tells.

  TpEngineHasLostAtoms() says why, where there is more to say.

  Source of BAOAB: Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34.
**/
PetscErrorCode TpEngineAdvance(TpEngine engine, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                               TpState *state);

/** Whether the last TpEngineAdvance() ended because atoms or their bonds left where the engine looks for them: a time step that is too long, or a box that
    does not hold them. Pure. **/
PetscBool TpEngineHasLostAtoms(TpEngine engine);

/** Potential energy and forces (NULL: not wanted) [size] of positions x [size] in `box` [3, 3] (NULL: the start's). Not collective. **/
PetscErrorCode TpEngineEnergy(TpEngine engine, const double x[], const double box[], double *energy, double forces[]);

/** An exact sample of the Boltzmann distribution at `temperature`, for potentials that allow it. Not collective.
    Sample `sample` is a pure function of (seed, sample). `*possible` tells whether this engine can. **/
PetscErrorCode TpEngineSampleExact(TpEngine engine, uint64_t seed, uint32_t sample, double temperature,
                                   PetscBool *possible, double x[]);

/* ------------------------------------------------------------------------------------------ configurational temperature */

/**
  In any canonical ensemble <|grad U|^2> = k_B T <laplacian of U>: positions and forces alone tell the temperature.

  Both are taken along translations of each group of particles that constraints tie together (a particle alone where there are none): these change
  no constrained distance, so that the equation holds with constraints, too. The laplacian is estimated along one random direction, whose mean over directions
  is exact (Hutchinson), by a central difference of the forces. Volumes never change, so the box is the start's.

  Sources: Rugh, Phys. Rev. Lett. 78 (1997) 772; Butler, Ayton, Jepps & Evans, J. Chem. Phys. 109 (1998) 6519.
**/
typedef struct TpCurvature_ *TpCurvature;

/** Not collective. `engine` is kept. Free with TpCurvatureDestroy(), before the engine. Errors: TP_ERR_INPUT for particles without mass. **/
PetscErrorCode TpCurvatureCreate(TpEngine engine, TpCurvature *curvature);
PetscErrorCode TpCurvatureDestroy(TpCurvature *curvature);

/** How many coordinates the groups have: what a laplacian is summed over. Pure. **/
PetscInt TpCurvatureDirections(TpCurvature curvature);

/** |grad U|^2 at x [size]. Costs one evaluation of the forces. Not collective. **/
PetscErrorCode TpCurvatureGradient(TpCurvature curvature, const double x[], double *square);

/** An estimate of the laplacian of U at x [size], along a direction that is a function of (seed, id, step), at `distance` to either side in each coordinate.
    Exact but for the difference where coordinates are independent. Costs two evaluations of the forces. Not collective. **/
PetscErrorCode TpCurvatureProbe(TpCurvature curvature, uint64_t seed, uint32_t id, uint64_t step, double distance,
                                const double x[], double *laplacian);

/** Words about what was built in, for --version: "OpenMM 7.7 (platforms Reference, CPU)" or "openmm: not built in". Not collective. **/
PetscErrorCode TpEngineDescribeBuild(char text[], size_t length);
