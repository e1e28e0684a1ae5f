/* Messages between particles, for one instruction set (suffix TP_KERNEL_ISA): loops over channels inside loops over edges. */
#include "kernel.h"

TP_KERNEL_DECLARE(TP_KERNEL_ISA);

/* Places of one edge: what the sender has (at j), what the receiver gets (at i), what the edge has (at e). */
#define EDGE(e)                                                                                                        \
  const PetscInt F = messages->F, three = 3 * F;                                                                       \
  const size_t   i = (size_t)messages->to[e], j = (size_t)messages->from[e], at = (size_t)(e) * (size_t)three;         \
  (void)F, (void)i, (void)at

void TP_KERNEL_JOIN(TpMessageForward, TP_KERNEL_ISA)(const TpMessages *messages, TpNumber s[], TpNumber v[])
{
  for (PetscInt e = 0; e < messages->num_edges; e++) {
    EDGE(e);
    const TpNumber *restrict P = messages->P + j * (size_t)three, *restrict W = messages->W + at;
    const TpNumber *restrict vj = messages->v + j * (size_t)three, *u = messages->u + 3 * e;
    TpNumber *restrict si = s + i * (size_t)F, *restrict vi = v + i * (size_t)three;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber m2 = P[F + k] * W[F + k], m3 = P[2 * F + k] * W[2 * F + k];

      si[k] += P[k] * W[k];
      vi[k] += m2 * vj[k] + m3 * u[0];
      vi[F + k] += m2 * vj[F + k] + m3 * u[1];
      vi[2 * F + k] += m2 * vj[2 * F + k] + m3 * u[2];
    }
  }
}

void TP_KERNEL_JOIN(TpMessageTangent, TP_KERNEL_ISA)(const TpMessages *messages, TpNumber ts[], TpNumber tv[])
{
  for (PetscInt e = 0; e < messages->num_edges; e++) {
    EDGE(e);
    const TpNumber *restrict P = messages->P + j * (size_t)three, *restrict W = messages->W + at;
    const TpNumber *restrict tP = messages->tP + j * (size_t)three, *restrict tW = messages->tW + at;
    const TpNumber *restrict vj = messages->v + j * (size_t)three, *restrict tvj = messages->tv + j * (size_t)three;
    const TpNumber *u = messages->u + 3 * e, *tu = messages->tu + 3 * e;
    TpNumber *restrict tsi = ts + i * (size_t)F, *restrict tvi = tv + i * (size_t)three;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber m2 = P[F + k] * W[F + k], m3 = P[2 * F + k] * W[2 * F + k];
      const TpNumber tm2 = tP[F + k] * W[F + k] + P[F + k] * tW[F + k];
      const TpNumber tm3 = tP[2 * F + k] * W[2 * F + k] + P[2 * F + k] * tW[2 * F + k];

      tsi[k] += tP[k] * W[k] + P[k] * tW[k];
      tvi[k] += tm2 * vj[k] + m2 * tvj[k] + tm3 * u[0] + m3 * tu[0];
      tvi[F + k] += tm2 * vj[F + k] + m2 * tvj[F + k] + tm3 * u[1] + m3 * tu[1];
      tvi[2 * F + k] += tm2 * vj[2 * F + k] + m2 * tvj[2 * F + k] + tm3 * u[2] + m3 * tu[2];
    }
  }
}

/* Lanes of partial sums over channels, added up in one order by every instruction set. */
enum { NUM_LANES = 16 };

static inline TpNumber SumLanes(const TpNumber lane[NUM_LANES])
{
  TpNumber sum = 0;

  for (int l = 0; l < NUM_LANES; l++) sum += lane[l];
  return sum;
}

/* du += the sum over channels of dv m3, for each direction. */
static inline void AddDirection(PetscInt F, const TpNumber dvi[], const TpNumber P3[], const TpNumber W3[],
                                TpNumber du[3])
{
  for (int a = 0; a < 3; a++) {
    TpNumber lane[NUM_LANES] = {0};
    PetscInt k               = 0;

    for (; k + NUM_LANES <= F; k += NUM_LANES)
      for (int l = 0; l < NUM_LANES; l++) lane[l] += dvi[a * F + k + l] * P3[k + l] * W3[k + l];
    for (int l = 0; k < F; k++, l++) lane[l] += dvi[a * F + k] * P3[k] * W3[k];
    du[a] += SumLanes(lane);
  }
}

void TP_KERNEL_JOIN(TpMessageBackward, TP_KERNEL_ISA)(const TpMessages *messages, TpNumber dv[], TpNumber dP[],
                                                      TpNumber dW[], TpNumber du[])
{
  for (PetscInt e = 0; e < messages->num_edges; e++) {
    EDGE(e);
    const TpNumber *restrict P = messages->P + j * (size_t)three, *restrict W = messages->W + at;
    const TpNumber *restrict vj = messages->v + j * (size_t)three, *u = messages->u + 3 * e;
    const TpNumber *restrict dsi = messages->ds + i * (size_t)F, *restrict dvi = messages->dv + i * (size_t)three;
    TpNumber *restrict dvj = dv + j * (size_t)three, *restrict dPj = dP + j * (size_t)three, *restrict dWe = dW + at;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber dx = dvi[k], dy = dvi[F + k], dz = dvi[2 * F + k];
      const TpNumber m2  = P[F + k] * W[F + k];
      const TpNumber dm1 = dsi[k];
      const TpNumber dm2 = dx * vj[k] + dy * vj[F + k] + dz * vj[2 * F + k];
      const TpNumber dm3 = dx * u[0] + dy * u[1] + dz * u[2];

      dvj[k] += dx * m2;
      dvj[F + k] += dy * m2;
      dvj[2 * F + k] += dz * m2;
      dPj[k] += dm1 * W[k];
      dPj[F + k] += dm2 * W[F + k];
      dPj[2 * F + k] += dm3 * W[2 * F + k];
      dWe[k]         = dm1 * P[k];
      dWe[F + k]     = dm2 * P[F + k];
      dWe[2 * F + k] = dm3 * P[2 * F + k];
    }
    AddDirection(F, dvi, P + 2 * F, W + 2 * F, du + 3 * e);
  }
}

void TP_KERNEL_JOIN(TpMessageDirection, TP_KERNEL_ISA)(const TpMessages *messages, TpNumber qv[], TpNumber qP[],
                                                       TpNumber dW[], TpNumber qW[])
{
  for (PetscInt e = 0; e < messages->num_edges; e++) {
    EDGE(e);
    const TpNumber *restrict P = messages->P + j * (size_t)three, *restrict W = messages->W + at;
    const TpNumber *restrict tP = messages->tP + j * (size_t)three, *restrict tW = messages->tW + at;
    const TpNumber *restrict vj = messages->v + j * (size_t)three, *restrict tvj = messages->tv + j * (size_t)three;
    const TpNumber *u = messages->u + 3 * e, *tu = messages->tu + 3 * e;
    const TpNumber *restrict dsi = messages->ds + i * (size_t)F, *restrict dvi = messages->dv + i * (size_t)three;
    const TpNumber *restrict qsi = messages->qs + i * (size_t)F, *restrict qvi = messages->qv + i * (size_t)three;
    TpNumber *restrict qvj = qv + j * (size_t)three, *restrict qPj = qP + j * (size_t)three;
    TpNumber *restrict dWe = dW + at, *restrict qWe = qW + at;

    for (PetscInt k = 0; k < F; k++) {
      const TpNumber dx = dvi[k], dy = dvi[F + k], dz = dvi[2 * F + k];
      const TpNumber qx = qvi[k], qy = qvi[F + k], qz = qvi[2 * F + k];
      const TpNumber m2 = P[F + k] * W[F + k], tm2 = tP[F + k] * W[F + k] + P[F + k] * tW[F + k];
      const TpNumber dm1 = dsi[k], qm1 = qsi[k];
      const TpNumber dm2 = dx * vj[k] + dy * vj[F + k] + dz * vj[2 * F + k];
      const TpNumber qm2 =
          qx * vj[k] + qy * vj[F + k] + qz * vj[2 * F + k] + dx * tvj[k] + dy * tvj[F + k] + dz * tvj[2 * F + k];
      const TpNumber dm3 = dx * u[0] + dy * u[1] + dz * u[2];
      const TpNumber qm3 = qx * u[0] + qy * u[1] + qz * u[2] + dx * tu[0] + dy * tu[1] + dz * tu[2];

      qvj[k] += qx * m2 + dx * tm2;
      qvj[F + k] += qy * m2 + dy * tm2;
      qvj[2 * F + k] += qz * m2 + dz * tm2;
      qPj[k] += qm1 * W[k] + dm1 * tW[k];
      qPj[F + k] += qm2 * W[F + k] + dm2 * tW[F + k];
      qPj[2 * F + k] += qm3 * W[2 * F + k] + dm3 * tW[2 * F + k];
      dWe[k]         = dm1 * P[k];
      dWe[F + k]     = dm2 * P[F + k];
      dWe[2 * F + k] = dm3 * P[2 * F + k];
      qWe[k]         = qm1 * P[k] + dm1 * tP[k];
      qWe[F + k]     = qm2 * P[F + k] + dm2 * tP[F + k];
      qWe[2 * F + k] = qm3 * P[2 * F + k] + dm3 * tP[2 * F + k];
    }
  }
}
