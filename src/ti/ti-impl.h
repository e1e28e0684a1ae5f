/* What the files of this module share: a path's two kinds. */
#pragma once

#include "tempera/ti.h"

/** The part of beta U_t that is no network's: base + coupling E; and how the network sees y. **/
typedef struct {
  double coupling;       /* what E is multiplied by */
  double coupling_slope; /* its derivative in t */
} TpCoupling;

typedef struct {
  void (*coupling)(TpPath path, double t, TpCoupling *coupling);
  /* beta U_t, gradient [size], d/dt without the network */
  PetscErrorCode (*base)(TpPath path, double t, const double y[], double *u, double g[], double *d);
  /* E of B rows and its derivatives in y and t; in the path's buffers e, dx, dt */
  PetscErrorCode (*network)(TpPath path, PetscInt B, const double y[], const double t[]);
} TpPathOps;

struct TpPath_ {
  const TpPathOps *ops;
  TpPathSettings   settings;
  PetscInt         size;
  PetscInt         max_rows;
  double          *mean, *scale;               /* [size] */
  double          *x, *gradient;               /* [settings.size] */
  double          *work;                       /* [12, particles] fluid: pairs */
  double          *y, *v, *g, *z;              /* [max_rows, size] of learning and moves */
  double          *u, *d, *t, *step, *kinetic; /* [max_rows] likewise */
  TpNetwork        net;
  TpWorkspace      workspace;
  const TpNumber  *parameters;
  TpNumber         condition;
  TpNumber        *net_x, *net_t, *net_c, *e, *dx, *dt, *net_v; /* as the network wants them */
};

extern const TpPathOps tp_path_gaussian;
extern const TpPathOps tp_path_fluid;
