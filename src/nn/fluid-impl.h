/*
  The parts of the fluid's energy. Sizes: n particles, E edges, F channels, R functions of the distance, K functions of time.

    s_0, v_0 = start of time and conditions, the same for every particle; 0
    a round:   messages from neighbours, weighted by their distance; then scalars and vectors of each particle mix
    E        = sum over particles of read_2 silu(read_1 s)

  All functions of a distance are smooth functions of r^2 = |x_j - x_i|^2, by rho = sqrt(r^2 + delta^2): also where particles overlap, as they do in
  the ideal gas, there is no kink. Names: t tangent, d adjoint, q tangent of the adjoint.
*/
#pragma once

#include "kernel.h"
#include "network-impl.h"

/** Two linear layers with a SiLU between them. **/
typedef struct {
  TpLayer one, two;
} TpDense;

typedef struct {
  TpDense send;   /* F -> F -> 3 F */
  TpLayer filter; /* R -> 3 F, no bias: it vanishes at the cutoff */
  TpLayer u, v;   /* F -> F on vectors */
  TpDense mix;    /* 2 F -> F -> 3 F */
} TpFluidRound;

typedef struct {
  TpLayer       time, condition, start;
  PetscInt      bias; /* of the embedding */
  TpFluidRound *rounds;
  TpDense       read; /* F -> F -> 1 */
} TpFluid;

/** What one round of messages remembers; [n, ...] but for the filters. **/
typedef struct {
  TpNumber *s, *v, *y, *h, *P; /* scalars and vectors before, the dense layers' inside, what is sent */
  TpNumber *W, *tW;            /* [E, 3 F] */
  TpNumber *ds, *dv;           /* adjoints of scalars and vectors after */
  TpNumber *dP, *dh;
  TpNumber *ts, *tv, *ty, *tP;
} TpMessageBuffers;

/** What one mixing remembers. **/
typedef struct {
  TpNumber *z, *v;        /* [n, 2 F] scalars and lengths, [n, 3, F] vectors before */
  TpNumber *Uv, *Vv;      /* [n, 3, F] */
  TpNumber *y, *h, *a;    /* dense layers' inside, [n, 3 F] what they say */
  TpNumber *ds, *dv;      /* adjoints of scalars and vectors after */
  TpNumber *da, *dh, *dz; /* [n, 3 F], [n, F], [n, 2 F] */
  TpNumber *dUv, *dVv;    /* [n, 3, F] */
  TpNumber *tz, *tv, *tUv, *tVv, *ty, *ta;
} TpMixBuffers;

/** Neighbours, and functions of their distance. **/
typedef struct {
  PetscInt  num_edges;
  PetscInt *to, *from;           /* [E] */
  TpNumber *r, *u, *tu, *du;     /* [E, 3] from `to` to `from`; r / rho, its tangent and adjoint */
  TpNumber *qu;                  /* [E, 3] tangent of du */
  TpNumber *inverse;             /* [E] 1 / rho */
  TpNumber *g, *slope, *tg, *dg; /* [E, R] functions; their gradient is slope r; tangent; adjoint */
  TpNumber *qg;                  /* [E, R] tangent of dg */
  TpNumber *dW, *qW;             /* [E, 3 F] scratch */
} TpEdges;

/** Scratch of one particle, [n, ...]. **/
typedef struct {
  TpNumber *one, *two, *three; /* [n, F], of the dense layers */
  TpNumber *four;              /* [n, 2 F] */
  TpNumber *wide;              /* [2, n, 3, F] */
} TpFluidScratch;

typedef struct {
  PetscInt       n, F;
  TpEdges        edges;
  TpFluidScratch scratch;
} TpFluidState;

/* ------------------------------------------------------------------------------------------------------------- edges */

/** Neighbours within the cutoff of particles x [n, 3], by nearest image; r, u, inverse, g, slope. **/
void TpEdgesFind(const TpEnergySettings *settings, PetscInt n, const TpNumber x[], TpEdges *edges);

/** tu, tg of displacements tx [n, 3]. **/
void TpEdgesTangent(const TpEnergySettings *settings, const TpNumber tx[], TpEdges *edges);

/** dx [n, 3] from du and dg. **/
void TpEdgesBackward(const TpEnergySettings *settings, PetscInt n, const TpEdges *edges, TpNumber dx[]);

/** Its tangent along displacements tx [n, 3]: tdx [n, 3] from du, dg and their tangents. **/
void TpEdgesCurve(const TpEnergySettings *settings, PetscInt n, const TpNumber tx[], const TpEdges *edges,
                  TpNumber tdx[]);

/* ------------------------------------------------------------------------------------------------------ dense layers */

void TpDenseForward(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber x[], TpNumber y[],
                    TpNumber h[], TpNumber out[]);

/** dh, kept for the direction, and dx. `scratch` [B, hidden]. **/
void TpDenseBackward(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber y[], const TpNumber dout[],
                     TpNumber dh[], TpNumber dx[], TpNumber scratch[]);
void TpDenseTangent(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber y[], const TpNumber tx[],
                    TpNumber ty[], TpNumber tout[], TpNumber scratch[]);

/** qx from qout, and the parameters' gradient. **/
void TpDenseDirection(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber x[], const TpNumber tx[],
                      const TpNumber y[], const TpNumber ty[], const TpNumber h[], const TpNumber dout[],
                      const TpNumber qout[], const TpNumber dh[], TpNumber qx[], TpNumber gradient[],
                      const TpFluidScratch *scratch);

/* ------------------------------------------------------------------------------------------------ messages and mixing */

/** From buffers->s, v to s_out [n, F], v_out [n, 3, F]. **/
void TpMessageForward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                      TpNumber s_out[], TpNumber v_out[]);

/** buffers->ds, dv are the adjoints of the output; ds, dv become those of the input; du, dg of the edges are added to. **/
void TpMessageBackward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                       TpNumber ds[], TpNumber dv[]);
void TpMessageTangent(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                      TpNumber ts_out[], TpNumber tv_out[]);

/** qs, qv of the output become those of the input; the parameters' gradient is added to. **/
void TpMessageDirection(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                        TpNumber qs[], TpNumber qv[], TpNumber gradient[]);

/** The edges' qu, qg += the tangents of what TpMessageBackward() adds to du, dg. Right after TpMessageDirection(), whose scratch it reads. **/
void TpMessageCurve(const TpFluidRound *round, const TpNumber p[], TpFluidState *state,
                    const TpMessageBuffers *buffers);

/** As the four of a round of messages; the input's scalars are the first F of each row of buffers->z. **/
void TpMixForward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                  const TpNumber s_in[], TpNumber s_out[], TpNumber v_out[]);
void TpMixBackward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                   TpNumber ds[], TpNumber dv[]);
void TpMixTangent(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                  const TpNumber ts_in[], TpNumber ts_out[], TpNumber tv_out[]);
void TpMixDirection(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                    TpNumber qs[], TpNumber qv[], TpNumber gradient[]);
