/* The energy of particles in a periodic cube: its tensors, its workspace, and the order of its parts. Sizes as in fluid-impl.h. */
#include "fluid-impl.h"

#include <string.h>

/* A particle in a dense liquid has some 30 neighbours, whose messages add up. */
static const double message_scale = 0.3;

/* ---------------------------------------------------------------------------------------------------------- creation */

static PetscErrorCode AddDense(TpNetwork network, PetscInt l, const char *name, PetscInt N, PetscInt M,
                               PetscInt outputs, double scale, PetscBool has_bias, TpDense *dense)
{
  char layer[40];

  PetscFunctionBeginUser;
  (void)snprintf(layer, sizeof layer, "round_%d.%s_1", (int)l, name);
  PetscCall(TpNetworkAddLayer(network, layer, N, M, 1, PETSC_TRUE, &dense->one));
  (void)snprintf(layer, sizeof layer, "round_%d.%s_2", (int)l, name);
  PetscCall(TpNetworkAddLayer(network, layer, M, outputs, scale, has_bias, &dense->two));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddRound(TpNetwork network, PetscInt l, TpFluidRound *round)
{
  const PetscInt F = (PetscInt)network->energy.width, R = (PetscInt)network->energy.radial;
  char           name[40];

  PetscFunctionBeginUser;
  PetscCall(AddDense(network, l, "send", F, F, 3 * F, TP_SILU_GAIN, PETSC_TRUE, &round->send));
  (void)snprintf(name, sizeof name, "round_%d.filter", (int)l);
  PetscCall(TpNetworkAddLayer(network, name, R, 3 * F, message_scale, PETSC_FALSE, &round->filter));
  (void)snprintf(name, sizeof name, "round_%d.u", (int)l);
  PetscCall(TpNetworkAddLayer(network, name, F, F, 1, PETSC_FALSE, &round->u));
  (void)snprintf(name, sizeof name, "round_%d.v", (int)l);
  PetscCall(TpNetworkAddLayer(network, name, F, F, 1, PETSC_FALSE, &round->v));
  PetscCall(AddDense(network, l, "mix", 2 * F, F, 3 * F, TP_SILU_GAIN, PETSC_TRUE, &round->mix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(TpNetwork network)
{
  const PetscInt F = (PetscInt)network->energy.width, K = (PetscInt)network->energy.embedding;
  TpFluid       *fluid;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&fluid));
  network->data = fluid;
  PetscCall(PetscMalloc1(network->energy.depth, &fluid->rounds));
  PetscCall(TpNetworkAddLayer(network, "time", K, K, 2, PETSC_FALSE, &fluid->time));
  if (network->num_conditions)
    PetscCall(TpNetworkAddLayer(network, "condition", network->num_conditions, K, 1, PETSC_FALSE, &fluid->condition));
  PetscCall(TpNetworkAddTensor(network, K, 1, 1, &fluid->bias, "embedding.bias"));
  PetscCall(TpNetworkAddLayer(network, "start", K, F, TP_SILU_GAIN, PETSC_TRUE, &fluid->start));
  for (PetscInt l = 0; l < network->energy.depth; l++) PetscCall(AddRound(network, l, &fluid->rounds[l]));
  PetscCall(AddDense(network, (PetscInt)network->energy.depth, "read", F, F, 1, 0, PETSC_FALSE, &fluid->read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(TpNetwork network)
{
  TpFluid *fluid = network->data;

  PetscFunctionBeginUser;
  if (fluid) PetscCall(PetscFree(fluid->rounds));
  PetscCall(PetscFree(network->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of an evaluation with gradient, per particle with 30 neighbours. */
static double Operations(TpNetwork network)
{
  const double F = (double)network->energy.width, R = (double)network->energy.radial;

  return 4 * (double)network->energy.depth * (4 * F * F + 6 * F * F + 5 * F * F + 30 * 3 * F * (R + 4)) + 4 * F * F;
}

/* ---------------------------------------------------------------------------------------------------------- workspace */

typedef struct {
  TpFluidState state;
  TpNumber    *c, *f, *df, *sum, *m, *dm, *row; /* of the embedding; row [F] */
  TpNumber    *s, *v, *y, *h, *each, *one;      /* of the last round's output; energy and ones of each particle */
  TpNumber    *ts, *tv, *ty, *dh;
  TpNumber    *ds, *dv, *qs, *qv;
  TpNumber    *rounds;
} Buffers;

typedef struct {
  TpMessageBuffers message;
  TpMixBuffers     mix;
} RoundBuffers;

static size_t RoundSize(TpNetwork network, size_t n)
{
  const size_t F = (size_t)network->energy.width, E = n * (n > 1 ? n - 1 : 1);

  return E * 6 * F + n * F * (7 + 5 + 18 * 3 + 3 * 2);
}

/* Energies always need both ways: their gradient is what is wanted. */
static size_t WorkspaceSize(TpNetwork network, PetscInt max_batch, PetscBool both_ways)
{
  (void)both_ways;
  const size_t n = (size_t)max_batch, E = n * (n > 1 ? n - 1 : 1);
  const size_t F = (size_t)network->energy.width, R = (size_t)network->energy.radial;
  const size_t K = (size_t)network->energy.embedding;

  return E * (4 + 15 + 1 + 5 * R + 6 * F) + n * F * (11 + 6 + 6 + 8) + n * 2 + (size_t)network->num_conditions + 6 * K +
         F + (size_t)network->energy.depth * RoundSize(network, n);
}

static TpNumber *Take(TpNumber **next, size_t size)
{
  TpNumber *here = *next;

  *next += size;
  return here;
}

/* Room for indices among the numbers, which are not shorter than those. */
static PetscInt *TakeIndices(TpNumber **next, size_t size)
{
  return (PetscInt *)(void *)Take(next, size * ((sizeof(PetscInt) + sizeof(TpNumber) - 1) / sizeof(TpNumber)));
}

static void LayEdges(TpNetwork network, size_t n, TpNumber **next, TpEdges *edges)
{
  const size_t E = n * (n > 1 ? n - 1 : 1), F = (size_t)network->energy.width, R = (size_t)network->energy.radial;

  edges->to      = TakeIndices(next, E);
  edges->from    = TakeIndices(next, E);
  edges->r       = Take(next, 3 * E);
  edges->u       = Take(next, 3 * E);
  edges->tu      = Take(next, 3 * E);
  edges->du      = Take(next, 3 * E);
  edges->qu      = Take(next, 3 * E);
  edges->inverse = Take(next, E);
  edges->g       = Take(next, R * E);
  edges->slope   = Take(next, R * E);
  edges->tg      = Take(next, R * E);
  edges->dg      = Take(next, R * E);
  edges->qg      = Take(next, R * E);
  edges->dW      = Take(next, 3 * F * E);
  edges->qW      = Take(next, 3 * F * E);
}

static Buffers Lay(TpNetwork network, TpWorkspace workspace, PetscInt num_particles)
{
  const size_t n = (size_t)workspace->max_batch, F = (size_t)network->energy.width, nF = n * F;
  const size_t K    = (size_t)network->energy.embedding;
  TpNumber    *next = workspace->numbers;
  Buffers      buffers;

  buffers.state.n = num_particles;
  buffers.state.F = (PetscInt)F;
  LayEdges(network, n, &next, &buffers.state.edges);
  buffers.state.scratch.one   = Take(&next, nF);
  buffers.state.scratch.two   = Take(&next, nF);
  buffers.state.scratch.three = Take(&next, nF);
  buffers.state.scratch.four  = Take(&next, 2 * nF);
  buffers.state.scratch.wide  = Take(&next, 6 * nF);
  buffers.c                   = Take(&next, (size_t)network->num_conditions);
  buffers.f                   = Take(&next, K);
  buffers.df                  = Take(&next, K);
  buffers.sum                 = Take(&next, K);
  buffers.m                   = Take(&next, K);
  buffers.dm                  = Take(&next, 2 * K);
  buffers.row                 = Take(&next, F);
  buffers.each                = Take(&next, n);
  buffers.one                 = Take(&next, n);
  buffers.s                   = Take(&next, nF);
  buffers.v                   = Take(&next, 3 * nF);
  buffers.y                   = Take(&next, nF);
  buffers.h                   = Take(&next, nF);
  buffers.ts                  = Take(&next, nF);
  buffers.tv                  = Take(&next, 3 * nF);
  buffers.ty                  = Take(&next, nF);
  buffers.dh                  = Take(&next, nF);
  buffers.ds                  = Take(&next, nF);
  buffers.dv                  = Take(&next, 3 * nF);
  buffers.qs                  = Take(&next, nF);
  buffers.qv                  = Take(&next, 3 * nF);
  buffers.rounds              = next;
  return buffers;
}

static RoundBuffers RoundOf(TpNetwork network, TpWorkspace workspace, const Buffers *buffers, PetscInt l)
{
  const size_t n = (size_t)workspace->max_batch, F = (size_t)network->energy.width, nF = n * F;
  const size_t E    = n * (n > 1 ? n - 1 : 1);
  TpNumber    *next = buffers->rounds + (size_t)l * RoundSize(network, n);
  RoundBuffers here;

  here.message               = (TpMessageBuffers){.W = Take(&next, 3 * F * E), .tW = Take(&next, 3 * F * E)};
  TpNumber **const message[] = {&here.message.s,  &here.message.y,  &here.message.h, &here.message.ds,
                                &here.message.dh, &here.message.ts, &here.message.ty};
  TpNumber **const wide[]    = {&here.message.v,  &here.message.P, &here.message.dv, &here.message.dP, &here.message.tv,
                                &here.message.tP, &here.mix.v,     &here.mix.Uv,     &here.mix.Vv,     &here.mix.a,
                                &here.mix.dv,     &here.mix.da,    &here.mix.dUv,    &here.mix.dVv,    &here.mix.tv,
                                &here.mix.tUv,    &here.mix.tVv,   &here.mix.ta};
  TpNumber **const mix[]     = {&here.mix.y, &here.mix.h, &here.mix.ds, &here.mix.dh, &here.mix.ty};
  TpNumber **const pair[]    = {&here.mix.z, &here.mix.dz, &here.mix.tz};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(message); i++) *message[i] = Take(&next, nF);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(wide); i++) *wide[i] = Take(&next, 3 * nF);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(mix); i++) *mix[i] = Take(&next, nF);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(pair); i++) *pair[i] = Take(&next, 2 * nF);
  return here;
}

/* ----------------------------------------------------------------------------------------------------------- forward */

static void Embed(TpNetwork network, const TpNumber p[], const Buffers *buffers, const TpNumber t[])
{
  const TpFluid *fluid = network->data;
  const PetscInt K     = (PetscInt)network->energy.embedding;

  TpSlowEmbedding(1, K, t, buffers->f, buffers->df);
  memcpy(buffers->sum, p + fluid->bias, (size_t)K * sizeof *p);
  TpLinearAdd(1, K, K, buffers->f, p + fluid->time.w, buffers->sum);
  if (network->num_conditions)
    TpLinearAdd(1, network->num_conditions, K, buffers->c, p + fluid->condition.w, buffers->sum);
  TpSiluForward(K, buffers->sum, buffers->m);
  TpLinearForward(1, K, buffers->state.F, buffers->m, p + fluid->start.w, p + fluid->start.b, buffers->row);
}

static void Forward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, Buffers *buffers, TpNumber e[])
{
  const TpFluid *fluid = network->data;
  const PetscInt n = buffers->state.n, F = buffers->state.F;

  for (PetscInt i = 0; i < n; i++) memcpy(buffers->s + i * F, buffers->row, (size_t)F * sizeof *p);
  memset(buffers->v, 0, (size_t)(3 * n * F) * sizeof *p);
  for (PetscInt l = 0; l < network->energy.depth; l++) {
    RoundBuffers here = RoundOf(network, workspace, buffers, l);

    memcpy(here.message.s, buffers->s, (size_t)(n * F) * sizeof *p);
    memcpy(here.message.v, buffers->v, (size_t)(3 * n * F) * sizeof *p);
    TpMessageForward(&fluid->rounds[l], p, &buffers->state, &here.message, buffers->ds, here.mix.v);
    TpMixForward(&fluid->rounds[l], p, &buffers->state, &here.mix, buffers->ds, buffers->s, buffers->v);
  }
  TpDenseForward(&fluid->read, p, n, buffers->s, buffers->y, buffers->h, buffers->each);
  *e = 0;
  for (PetscInt i = 0; i < n; i++) *e += buffers->each[i];
}

/* Adjoints down to ds of the first scalars, and dx. */
static void Backward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, Buffers *buffers, TpNumber dx[])
{
  const TpFluid *fluid = network->data;
  TpEdges       *edges = &buffers->state.edges;
  const PetscInt n = buffers->state.n, F = buffers->state.F;

  memset(edges->du, 0, (size_t)(3 * edges->num_edges) * sizeof *p);
  memset(edges->dg, 0, (size_t)edges->num_edges * (size_t)network->energy.radial * sizeof *p);
  memset(buffers->dv, 0, (size_t)(3 * n * F) * sizeof *p);
  for (PetscInt i = 0; i < n; i++) buffers->one[i] = 1;
  TpDenseBackward(&fluid->read, p, n, buffers->y, buffers->one, buffers->dh, buffers->ds, buffers->state.scratch.one);
  for (PetscInt l = (PetscInt)network->energy.depth - 1; l >= 0; l--) {
    RoundBuffers here = RoundOf(network, workspace, buffers, l);

    TpMixBackward(&fluid->rounds[l], p, &buffers->state, &here.mix, buffers->ds, buffers->dv);
    TpMessageBackward(&fluid->rounds[l], p, &buffers->state, &here.message, buffers->ds, buffers->dv);
  }
  TpEdgesBackward(&network->energy, n, edges, dx);
}

/* The sum over particles: they all begin with the same scalars. */
static void SumParticles(PetscInt n, PetscInt F, const TpNumber rows[], TpNumber sum[])
{
  memset(sum, 0, (size_t)F * sizeof *sum);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < F; k++) sum[k] += rows[i * F + k];
}

static TpNumber TimeDerivative(TpNetwork network, const TpNumber p[], const Buffers *buffers)
{
  const TpFluid *fluid = network->data;
  const PetscInt K = (PetscInt)network->energy.embedding, F = buffers->state.F;
  TpNumber      *dm = buffers->dm, *tm = buffers->dm + K, sum = 0;

  SumParticles(buffers->state.n, F, buffers->ds, buffers->row);
  memset(dm, 0, (size_t)K * sizeof *dm);
  TpLinearAddInput(1, K, F, p + fluid->start.w, buffers->row, dm);
  TpLinearTangent(1, K, K, buffers->df, p + fluid->time.w, tm);
  TpSiluBackward(K, buffers->sum, tm, tm); /* the tangent of an elementwise function is its reverse */
  for (PetscInt j = 0; j < K; j++) sum += tm[j] * dm[j];
  return sum;
}

static void Evaluate(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B, const TpNumber x[],
                     const TpNumber t[], const TpNumber c[], TpNumber e[], TpNumber dx[], TpNumber dt[])
{
  Buffers buffers = Lay(network, workspace, B);

  if (network->num_conditions) memcpy(buffers.c, c, (size_t)network->num_conditions * sizeof *c);
  TpEdgesFind(&network->energy, B, x, &buffers.state.edges);
  workspace->edges = buffers.state.edges.num_edges;
  Embed(network, p, &buffers, t);
  Forward(network, p, workspace, &buffers, e);
  Backward(network, p, workspace, &buffers, dx);
  if (dt) *dt = TimeDerivative(network, p, &buffers);
}

/* --------------------------------------------------------------------------------------------------------- direction */

static void TangentForward(TpNetwork network, const TpNumber p[], TpWorkspace workspace, Buffers *buffers)
{
  const TpFluid *fluid = network->data;
  const PetscInt n = buffers->state.n, F = buffers->state.F;

  memset(buffers->ts, 0, (size_t)(n * F) * sizeof *p);
  memset(buffers->tv, 0, (size_t)(3 * n * F) * sizeof *p);
  for (PetscInt l = 0; l < network->energy.depth; l++) {
    RoundBuffers here = RoundOf(network, workspace, buffers, l);

    memcpy(here.message.ts, buffers->ts, (size_t)(n * F) * sizeof *p);
    memcpy(here.message.tv, buffers->tv, (size_t)(3 * n * F) * sizeof *p);
    TpMessageTangent(&fluid->rounds[l], p, &buffers->state, &here.message, buffers->qs, here.mix.tv);
    TpMixTangent(&fluid->rounds[l], p, &buffers->state, &here.mix, buffers->qs, buffers->ts, buffers->tv);
  }
  TpLinearTangent(n, F, F, buffers->ts, p + fluid->read.one.w, buffers->ty);
}

/* From qs of the first scalars to the parameters of the embedding. */
static void EmbeddingDirection(TpNetwork network, const TpNumber p[], const Buffers *buffers, TpNumber gradient[])
{
  const TpFluid *fluid = network->data;
  const PetscInt K = (PetscInt)network->energy.embedding, F = buffers->state.F;
  TpNumber      *qm = buffers->dm;

  SumParticles(buffers->state.n, F, buffers->qs, buffers->row);
  TpLayerAddDirection(&fluid->start, 1, buffers->m, NULL, NULL, buffers->row, gradient);
  memset(qm, 0, (size_t)K * sizeof *qm);
  TpLinearAddInput(1, K, F, p + fluid->start.w, buffers->row, qm);
  TpSiluBackward(K, buffers->sum, qm, qm);
  TpLayerAddDirection(&fluid->time, 1, buffers->f, NULL, NULL, qm, gradient);
  if (network->num_conditions) TpLayerAddDirection(&fluid->condition, 1, buffers->c, NULL, NULL, qm, gradient);
  for (PetscInt j = 0; j < K; j++) gradient[fluid->bias + j] += qm[j];
}

static void Direction(TpNetwork network, const TpNumber p[], TpWorkspace workspace, PetscInt B, const TpNumber v[],
                      TpNumber gradient[], TpNumber tdx[])
{
  const TpFluid *fluid   = network->data;
  Buffers        buffers = Lay(network, workspace, B);
  TpEdges       *edges   = &buffers.state.edges;
  const PetscInt F       = buffers.state.F;

  edges->num_edges = workspace->edges;
  if (tdx) memset(edges->qu, 0, (size_t)(3 * edges->num_edges) * sizeof *v);
  if (tdx) memset(edges->qg, 0, (size_t)edges->num_edges * (size_t)network->energy.radial * sizeof *v);
  TpEdgesTangent(&network->energy, v, edges);
  TangentForward(network, p, workspace, &buffers);
  memset(buffers.each, 0, (size_t)B * sizeof *v);
  memset(buffers.qv, 0, (size_t)(3 * B * F) * sizeof *v);
  TpDenseDirection(&fluid->read, p, B, buffers.s, buffers.ts, buffers.y, buffers.ty, buffers.h, buffers.one,
                   buffers.each, buffers.dh, buffers.qs, gradient, &buffers.state.scratch);
  for (PetscInt l = (PetscInt)network->energy.depth - 1; l >= 0; l--) {
    RoundBuffers here = RoundOf(network, workspace, &buffers, l);

    TpMixDirection(&fluid->rounds[l], p, &buffers.state, &here.mix, buffers.qs, buffers.qv, gradient);
    TpMessageDirection(&fluid->rounds[l], p, &buffers.state, &here.message, buffers.qs, buffers.qv, gradient);
    if (tdx) TpMessageCurve(&fluid->rounds[l], p, &buffers.state, &here.message);
  }
  EmbeddingDirection(network, p, &buffers, gradient);
  if (tdx) TpEdgesCurve(&network->energy, B, v, edges, tdx);
}

const TpNetworkOps tp_energy_fluid = {
    .create         = Create,
    .destroy        = Destroy,
    .operations     = Operations,
    .workspace_size = WorkspaceSize,
    .evaluate       = Evaluate,
    .direction      = Direction,
};
