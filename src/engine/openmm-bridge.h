/* OpenMM's C++ library behind a C header: no exception crosses it. No PETSc here, no policy: that is openmm.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TpOpenMM_ *TpOpenMM;

/* What every call returns. TP_OPENMM_NOT_FINITE: OpenMM met a coordinate that is NaN. */
typedef enum { TP_OPENMM_OK, TP_OPENMM_FAILED, TP_OPENMM_NOT_FINITE } TpOpenMMCode;

/* What OpenMM said when the last call failed. Ours. */
const char *TpOpenMMError(void);

/* Version of the library, its platforms as "Reference, CPU", and where it looks for the others. Ours. */
TpOpenMMCode TpOpenMMLibrary(const char **version, const char **platforms, const char **plugin_folder);

/* Read a serialized System: the text must be one, which the caller has to check. Free with TpOpenMMDestroy(). */
TpOpenMMCode TpOpenMMCreate(const char *xml, TpOpenMM *openmm);
void         TpOpenMMDestroy(TpOpenMM *openmm);

typedef struct {
  int         num_particles;
  int         num_constraints;
  int         has_box;
  int         removes_motion; /* of the centre of mass */
  double      box[9];         /* [3, 3] default box vectors, nm */
  const char *not_canonical;  /* type of a force that changes velocities or the box by itself, NULL: none; OpenMM's */
} TpOpenMMSystem;

TpOpenMMCode TpOpenMMDescribe(TpOpenMM openmm, TpOpenMMSystem *system);

/* mass [num_particles], constraints [num_constraints, 2] */
TpOpenMMCode TpOpenMMGetParticles(TpOpenMM openmm, double mass[], int constraints[]);

typedef struct {
  const char *platform;
  long        threads; /* where the platform has such a property; so for the next two */
  int         deterministic;
  int         device;
  double      timestep;  /* ps */
  double      friction;  /* 1/ps */
  double      tolerance; /* relative, of constraints */
} TpOpenMMSettings;

/* Make the Context. May be called again. `has_devices` tells whether `device` meant something, also on failure. */
TpOpenMMCode TpOpenMMOpen(TpOpenMM openmm, const TpOpenMMSettings *settings, int *has_devices);

/* Forget everything but the parameters, and begin a sequence of random numbers: `seed` > 0. */
TpOpenMMCode TpOpenMMRestart(TpOpenMM openmm, int seed);

TpOpenMMCode TpOpenMMSetTemperature(TpOpenMM openmm, double temperature);
TpOpenMMCode TpOpenMMSetBox(TpOpenMM openmm, const double box[]);

/* Arrays are [num_particles, 3], nm and nm/ps. */
TpOpenMMCode TpOpenMMSetPositions(TpOpenMM openmm, const double x[]);
TpOpenMMCode TpOpenMMSetVelocities(TpOpenMM openmm, const double v[]);
TpOpenMMCode TpOpenMMConstrainPositions(TpOpenMM openmm, double tolerance);
TpOpenMMCode TpOpenMMConstrainVelocities(TpOpenMM openmm, double tolerance);
TpOpenMMCode TpOpenMMMinimize(TpOpenMM openmm, double tolerance, int max_iterations);
TpOpenMMCode TpOpenMMStep(TpOpenMM openmm, int64_t num_steps);

/* What is not wanted is NULL. */
TpOpenMMCode TpOpenMMGet(TpOpenMM openmm, double x[], double v[], double forces[], double *energy);

#ifdef __cplusplus
}
#endif
