/* Dense layers, and one round of messages between neighbours: forward, backward, tangent, direction. */
#include "fluid-impl.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------------ dense layers */

static void InputGradient(const TpLayer *layer, const TpNumber p[], PetscInt B, const TpNumber dy[], TpNumber dx[])
{
  memset(dx, 0, (size_t)(B * layer->N) * sizeof *dx);
  TpLinearAddInput(B, layer->N, layer->M, p + layer->w, dy, dx);
}

void TpDenseForward(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber x[], TpNumber y[],
                    TpNumber h[], TpNumber out[])
{
  const TpLayer *one = &dense->one, *two = &dense->two;

  TpLinearForward(B, one->N, one->M, x, p + one->w, p + one->b, y);
  TpSiluForward(B * one->M, y, h);
  TpLinearForward(B, two->N, two->M, h, p + two->w, two->b < 0 ? NULL : p + two->b, out);
}

void TpDenseBackward(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber y[], const TpNumber dout[],
                     TpNumber dh[], TpNumber dx[], TpNumber scratch[])
{
  InputGradient(&dense->two, p, B, dout, dh);
  TpSiluBackward(B * dense->one.M, y, dh, scratch);
  InputGradient(&dense->one, p, B, scratch, dx);
}

void TpDenseTangent(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber y[], const TpNumber tx[],
                    TpNumber ty[], TpNumber tout[], TpNumber scratch[])
{
  const TpLayer *one = &dense->one, *two = &dense->two;

  TpLinearTangent(B, one->N, one->M, tx, p + one->w, ty);
  TpSiluTangent(B * one->M, y, ty, scratch);
  TpLinearTangent(B, two->N, two->M, scratch, p + two->w, tout);
}

void TpDenseDirection(const TpDense *dense, const TpNumber p[], PetscInt B, const TpNumber x[], const TpNumber tx[],
                      const TpNumber y[], const TpNumber ty[], const TpNumber h[], const TpNumber dout[],
                      const TpNumber qout[], const TpNumber dh[], TpNumber qx[], TpNumber gradient[],
                      const TpFluidScratch *scratch)
{
  const PetscInt M  = dense->one.M;
  TpNumber      *th = scratch->one, *dy = scratch->two, *qy = scratch->three;

  TpSiluTangent(B * M, y, ty, th);
  TpLayerAddDirection(&dense->two, B, h, th, dout, qout, gradient);
  InputGradient(&dense->two, p, B, qout, qy);
  TpSiluBackwardTangent(B * M, y, ty, dh, qy, dy, qy);
  TpLayerAddDirection(&dense->one, B, x, tx, dy, qy, gradient);
  InputGradient(&dense->one, p, B, qy, qx);
}

/* ---------------------------------------------------------------------------------------------------------- messages */

static TpMessages Messages(const TpFluidState *state, const TpMessageBuffers *buffers)
{
  const TpEdges *edges = &state->edges;

  return (TpMessages){.num_edges = edges->num_edges,
                      .F         = state->F,
                      .to        = edges->to,
                      .from      = edges->from,
                      .u         = edges->u,
                      .tu        = edges->tu,
                      .P         = buffers->P,
                      .tP        = buffers->tP,
                      .W         = buffers->W,
                      .tW        = buffers->tW,
                      .v         = buffers->v,
                      .tv        = buffers->tv,
                      .ds        = buffers->ds,
                      .dv        = buffers->dv};
}

void TpMessageForward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                      TpNumber s_out[], TpNumber v_out[])
{
  const PetscInt   n = state->n, F = state->F, E = state->edges.num_edges;
  const TpMessages messages = Messages(state, buffers);

  TpDenseForward(&round->send, p, n, buffers->s, buffers->y, buffers->h, buffers->P);
  TpLinearForward(E, round->filter.N, 3 * F, state->edges.g, p + round->filter.w, NULL, buffers->W);
  memcpy(s_out, buffers->s, (size_t)(n * F) * sizeof *s_out);
  memcpy(v_out, buffers->v, (size_t)(3 * n * F) * sizeof *v_out);
  TpKernelsBest()->message_forward(&messages, s_out, v_out);
}

void TpMessageBackward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                       TpNumber ds[], TpNumber dv[])
{
  const PetscInt   n = state->n, F = state->F, E = state->edges.num_edges;
  const TpMessages messages = Messages(state, buffers);

  memcpy(buffers->ds, ds, (size_t)(n * F) * sizeof *ds);
  memcpy(buffers->dv, dv, (size_t)(3 * n * F) * sizeof *dv);
  memset(buffers->dP, 0, (size_t)(3 * n * F) * sizeof *dv);
  TpKernelsBest()->message_backward(&messages, dv, buffers->dP, state->edges.dW, state->edges.du);
  TpLinearAddInput(E, round->filter.N, 3 * F, p + round->filter.w, state->edges.dW, state->edges.dg);
  TpDenseBackward(&round->send, p, n, buffers->y, buffers->dP, buffers->dh, state->scratch.one, state->scratch.two);
  for (PetscInt i = 0; i < n * F; i++) ds[i] += state->scratch.one[i];
}

void TpMessageTangent(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                      TpNumber ts_out[], TpNumber tv_out[])
{
  const PetscInt   n = state->n, F = state->F, E = state->edges.num_edges;
  const TpMessages messages = Messages(state, buffers);

  TpDenseTangent(&round->send, p, n, buffers->y, buffers->ts, buffers->ty, buffers->tP, state->scratch.one);
  TpLinearTangent(E, round->filter.N, 3 * F, state->edges.tg, p + round->filter.w, buffers->tW);
  memcpy(ts_out, buffers->ts, (size_t)(n * F) * sizeof *ts_out);
  memcpy(tv_out, buffers->tv, (size_t)(3 * n * F) * sizeof *tv_out);
  TpKernelsBest()->message_tangent(&messages, ts_out, tv_out);
}

void TpMessageDirection(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMessageBuffers *buffers,
                        TpNumber qs[], TpNumber qv[], TpNumber gradient[])
{
  const PetscInt n = state->n, F = state->F, E = state->edges.num_edges;
  TpNumber      *qP = state->scratch.wide, *qv_out = state->scratch.wide + 3 * n * F, *qx = state->scratch.four;
  TpMessages     messages = Messages(state, buffers);

  memcpy(qv_out, qv, (size_t)(3 * n * F) * sizeof *qv);
  memset(qP, 0, (size_t)(3 * n * F) * sizeof *qP);
  messages.qs = qs;
  messages.qv = qv_out;
  TpKernelsBest()->message_direction(&messages, qv, qP, state->edges.dW, state->edges.qW);
  TpLayerAddDirection(&round->filter, E, state->edges.g, state->edges.tg, state->edges.dW, state->edges.qW, gradient);
  TpDenseDirection(&round->send, p, n, buffers->s, buffers->ts, buffers->y, buffers->ty, buffers->h, buffers->dP, qP,
                   buffers->dh, qx, gradient, &state->scratch);
  for (PetscInt i = 0; i < n * F; i++) qs[i] += qx[i];
}

void TpMessageCurve(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, const TpMessageBuffers *buffers)
{
  const PetscInt  n = state->n, F = state->F;
  const TpNumber *qv    = state->scratch.wide + 3 * n * F; /* of the output */
  TpEdges        *edges = &state->edges;

  for (PetscInt e = 0; e < edges->num_edges; e++) {
    const PetscInt  i = edges->to[e], j = edges->from[e];
    const TpNumber *P = buffers->P + (3 * j + 2) * F, *tP = buffers->tP + (3 * j + 2) * F;
    const TpNumber *W = buffers->W + (3 * e + 2) * F, *tW = buffers->tW + (3 * e + 2) * F;

    for (PetscInt a = 0; a < 3; a++) {
      const TpNumber *dvi = buffers->dv + (3 * i + a) * F, *qvi = qv + (3 * i + a) * F;
      TpNumber        sum = 0;

      for (PetscInt k = 0; k < F; k++) sum += qvi[k] * P[k] * W[k] + dvi[k] * (tP[k] * W[k] + P[k] * tW[k]);
      edges->qu[3 * e + a] += sum;
    }
  }
  TpLinearAddInput(edges->num_edges, round->filter.N, 3 * F, p + round->filter.w, edges->qW, edges->qg);
}
