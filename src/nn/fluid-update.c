/*
  Scalars and vectors of each particle mix:

    Uv = v u, Vv = v v (weights), D = sum over directions of Uv Vv, length = sqrt(sum of Vv^2 + softness)
    a1, a2, a3 = mix [s, length]
    s += a1 + a2 D;  v += a3 Uv
*/
#include "fluid-impl.h"

#include <math.h>
#include <string.h>

/* Keeps the length of a vector smooth at zero. */
static const TpNumber softness = (TpNumber)0.01;

/* One particle's rows. */
typedef struct {
  const TpNumber *Uv, *Vv, *a;
} Row;

static Row RowOf(const TpMixBuffers *buffers, PetscInt F, PetscInt i)
{
  return (Row){buffers->Uv + 3 * i * F, buffers->Vv + 3 * i * F, buffers->a + 3 * i * F};
}

static TpNumber Dot3(PetscInt F, PetscInt k, const TpNumber x[], const TpNumber y[])
{
  return x[k] * y[k] + x[F + k] * y[F + k] + x[2 * F + k] * y[2 * F + k];
}

void TpMixForward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                  const TpNumber s_in[], TpNumber s_out[], TpNumber v_out[])
{
  const PetscInt n = state->n, F = state->F;

  TpLinearForward(3 * n, F, F, buffers->v, p + round->u.w, NULL, buffers->Uv);
  TpLinearForward(3 * n, F, F, buffers->v, p + round->v.w, NULL, buffers->Vv);
  for (PetscInt i = 0; i < n; i++) {
    const Row row = RowOf(buffers, F, i);
    TpNumber *z   = buffers->z + 2 * i * F;

    memcpy(z, s_in + i * F, (size_t)F * sizeof *z);
    for (PetscInt k = 0; k < F; k++) z[F + k] = (TpNumber)sqrt((double)(Dot3(F, k, row.Vv, row.Vv) + softness));
  }
  TpDenseForward(&round->mix, p, n, buffers->z, buffers->y, buffers->h, buffers->a);
  for (PetscInt i = 0; i < n; i++) {
    const Row       row = RowOf(buffers, F, i);
    const TpNumber *v   = buffers->v + 3 * i * F;

    for (PetscInt k = 0; k < F; k++) {
      s_out[i * F + k] = s_in[i * F + k] + row.a[k] + row.a[F + k] * Dot3(F, k, row.Uv, row.Vv);
      for (PetscInt c = k; c < 3 * F; c += F) v_out[3 * i * F + c] = v[c] + row.a[2 * F + k] * row.Uv[c];
    }
  }
}

/* Adjoints of what the dense layers say, [n, 3 F]. */
static void AnswerAdjoints(const TpFluidState *state, TpMixBuffers *buffers)
{
  const PetscInt n = state->n, F = state->F;

  for (PetscInt i = 0; i < n; i++) {
    const Row row = RowOf(buffers, F, i);
    TpNumber *da  = buffers->da + 3 * i * F;

    for (PetscInt k = 0; k < F; k++) {
      da[k]         = buffers->ds[i * F + k];
      da[F + k]     = buffers->ds[i * F + k] * Dot3(F, k, row.Uv, row.Vv);
      da[2 * F + k] = Dot3(F, k, buffers->dv + 3 * i * F, row.Uv);
    }
  }
}

/* Adjoints of Uv and Vv. */
static void ProductAdjoints(const TpFluidState *state, TpMixBuffers *buffers)
{
  const PetscInt n = state->n, F = state->F;

  for (PetscInt i = 0; i < n; i++) {
    const Row       row = RowOf(buffers, F, i);
    const TpNumber *z = buffers->z + 2 * i * F, *dz = buffers->dz + 2 * i * F, *dv = buffers->dv + 3 * i * F;
    TpNumber       *dUv = buffers->dUv + 3 * i * F, *dVv = buffers->dVv + 3 * i * F;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber dD = buffers->ds[i * F + k] * row.a[F + k], w = dz[F + k] / z[F + k];

      for (PetscInt c = k; c < 3 * F; c += F) {
        dUv[c] = dv[c] * row.a[2 * F + k] + dD * row.Vv[c];
        dVv[c] = dD * row.Uv[c] + w * row.Vv[c];
      }
    }
  }
}

void TpMixBackward(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                   TpNumber ds[], TpNumber dv[])
{
  const PetscInt n = state->n, F = state->F;

  memcpy(buffers->ds, ds, (size_t)(n * F) * sizeof *ds);
  memcpy(buffers->dv, dv, (size_t)(3 * n * F) * sizeof *dv);
  AnswerAdjoints(state, buffers);
  TpDenseBackward(&round->mix, p, n, buffers->y, buffers->da, buffers->dh, buffers->dz, state->scratch.one);
  ProductAdjoints(state, buffers);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < F; k++) ds[i * F + k] += buffers->dz[2 * i * F + k];
  TpLinearAddInput(3 * n, F, F, p + round->u.w, buffers->dUv, dv);
  TpLinearAddInput(3 * n, F, F, p + round->v.w, buffers->dVv, dv);
}

void TpMixTangent(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                  const TpNumber ts_in[], TpNumber ts_out[], TpNumber tv_out[])
{
  const PetscInt n = state->n, F = state->F;

  TpLinearTangent(3 * n, F, F, buffers->tv, p + round->u.w, buffers->tUv);
  TpLinearTangent(3 * n, F, F, buffers->tv, p + round->v.w, buffers->tVv);
  for (PetscInt i = 0; i < n; i++) {
    const Row       row = RowOf(buffers, F, i);
    const TpNumber *z = buffers->z + 2 * i * F, *tVv = buffers->tVv + 3 * i * F;
    TpNumber       *tz = buffers->tz + 2 * i * F;

    memcpy(tz, ts_in + i * F, (size_t)F * sizeof *tz);
    for (PetscInt k = 0; k < F; k++) tz[F + k] = Dot3(F, k, row.Vv, tVv) / z[F + k];
  }
  TpDenseTangent(&round->mix, p, n, buffers->y, buffers->tz, buffers->ty, buffers->ta, state->scratch.one);
  for (PetscInt i = 0; i < n; i++) {
    const Row       row = RowOf(buffers, F, i);
    const TpNumber *ta = buffers->ta + 3 * i * F, *tUv = buffers->tUv + 3 * i * F, *tVv = buffers->tVv + 3 * i * F;
    const TpNumber *tv = buffers->tv + 3 * i * F;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber D = Dot3(F, k, row.Uv, row.Vv), tD = Dot3(F, k, tUv, row.Vv) + Dot3(F, k, row.Uv, tVv);

      ts_out[i * F + k] = ts_in[i * F + k] + ta[k] + ta[F + k] * D + row.a[F + k] * tD;
      for (PetscInt c = k; c < 3 * F; c += F)
        tv_out[3 * i * F + c] = tv[c] + ta[2 * F + k] * row.Uv[c] + row.a[2 * F + k] * tUv[c];
    }
  }
}

/* Tangents of AnswerAdjoints(). */
static void AnswerDirections(const TpFluidState *state, const TpMixBuffers *buffers, const TpNumber qs[],
                             const TpNumber qv[], TpNumber qa[])
{
  const PetscInt n = state->n, F = state->F;

  for (PetscInt i = 0; i < n; i++) {
    const Row       row = RowOf(buffers, F, i);
    const TpNumber *tUv = buffers->tUv + 3 * i * F, *tVv = buffers->tVv + 3 * i * F;
    const TpNumber *dv = buffers->dv + 3 * i * F;
    TpNumber       *q  = qa + 3 * i * F;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber tD = Dot3(F, k, tUv, row.Vv) + Dot3(F, k, row.Uv, tVv);

      q[k]         = qs[i * F + k];
      q[F + k]     = qs[i * F + k] * Dot3(F, k, row.Uv, row.Vv) + buffers->ds[i * F + k] * tD;
      q[2 * F + k] = Dot3(F, k, qv + 3 * i * F, row.Uv) + Dot3(F, k, dv, tUv);
    }
  }
}

/* Tangents of ProductAdjoints(), in place of two arrays [n, 3, F]. */
static void ProductDirections(const TpFluidState *state, const TpMixBuffers *buffers, const TpNumber qs[],
                              const TpNumber qv[], const TpNumber qz[], TpNumber qUv[], TpNumber qVv[])
{
  const PetscInt n = state->n, F = state->F;

  for (PetscInt i = 0; i < n; i++) {
    const Row       row = RowOf(buffers, F, i);
    const TpNumber *z = buffers->z + 2 * i * F, *dz = buffers->dz + 2 * i * F, *tz = buffers->tz + 2 * i * F;
    const TpNumber *tUv = buffers->tUv + 3 * i * F, *tVv = buffers->tVv + 3 * i * F, *ta = buffers->ta + 3 * i * F;
    const TpNumber *dv = buffers->dv + 3 * i * F;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber ds = buffers->ds[i * F + k], length = z[F + k], w = dz[F + k] / length;
      const TpNumber dD = ds * row.a[F + k], qD = qs[i * F + k] * row.a[F + k] + ds * ta[F + k];
      const TpNumber qw = (qz[2 * i * F + F + k] - w * tz[F + k]) / length;

      for (PetscInt c = k; c < 3 * F; c += F) {
        qUv[3 * i * F + c] =
            qv[3 * i * F + c] * row.a[2 * F + k] + dv[c] * ta[2 * F + k] + qD * row.Vv[c] + dD * tVv[c];
        qVv[3 * i * F + c] = qD * row.Uv[c] + dD * tUv[c] + qw * row.Vv[c] + w * tVv[c];
      }
    }
  }
}

void TpMixDirection(const TpFluidRound *round, const TpNumber p[], TpFluidState *state, TpMixBuffers *buffers,
                    TpNumber qs[], TpNumber qv[], TpNumber gradient[])
{
  const PetscInt n = state->n, F = state->F;
  TpNumber      *qUv = state->scratch.wide, *qVv = state->scratch.wide + 3 * n * F, *qz = state->scratch.four;

  AnswerDirections(state, buffers, qs, qv, qUv);
  TpDenseDirection(&round->mix, p, n, buffers->z, buffers->tz, buffers->y, buffers->ty, buffers->h, buffers->da, qUv,
                   buffers->dh, qz, gradient, &state->scratch);
  ProductDirections(state, buffers, qs, qv, qz, qUv, qVv);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < F; k++) qs[i * F + k] += qz[2 * i * F + k];
  TpLayerAddDirection(&round->u, 3 * n, buffers->v, buffers->tv, buffers->dUv, qUv, gradient);
  TpLayerAddDirection(&round->v, 3 * n, buffers->v, buffers->tv, buffers->dVv, qVv, gradient);
  TpLinearAddInput(3 * n, F, F, p + round->u.w, qUv, qv);
  TpLinearAddInput(3 * n, F, F, p + round->v.w, qVv, qv);
}
