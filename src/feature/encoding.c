/* Raw features to the states that diffuse and back: periodic ones as sine and cosine or as they are, all scaled. */
#include "feature-impl.h"

#include <math.h>

const char *const tp_angles_words[]  = {"sincos", "wrapped", "raw", NULL};
const char *const tp_scaling_words[] = {"standard", "range", NULL};

/* States of a feature with this period. */
static PetscInt Width(TpEncoding encoding, PetscInt i)
{
  return encoding->period[i] > 0.0 && encoding->angles == TP_ANGLES_SINCOS ? 2 : 1;
}

PetscErrorCode TpEncodingCreate(PetscInt angles, PetscInt num_raw, const double period[], TpEncoding *encoding)
{
  TpEncoding e;
  PetscInt   k = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(encoding));
  e          = *encoding;
  e->angles  = angles;
  e->num_raw = num_raw;
  PetscCall(PetscMalloc1(num_raw, &e->period));
  PetscCall(PetscArraycpy(e->period, period, num_raw));
  for (PetscInt i = 0; i < num_raw; ++i) e->num_encoded += Width(e, i);
  PetscCall(PetscCalloc4(e->num_encoded, &e->mean, e->num_encoded, &e->scale, e->num_encoded, &e->is_angle,
                         e->num_encoded, &e->is_fixed));
  for (PetscInt i = 0; i < num_raw; k += Width(e, i), ++i) {
    if (!(period[i] > 0.0) || angles == TP_ANGLES_SINCOS) continue;
    e->is_angle[k] = angles == TP_ANGLES_WRAPPED ? PETSC_TRUE : PETSC_FALSE;
    e->is_fixed[k] = PETSC_TRUE;
  }
  for (PetscInt i = 0; i < e->num_encoded; ++i) e->scale[i] = 1.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEncodingDestroy(TpEncoding *encoding)
{
  PetscFunctionBeginUser;
  if (!*encoding) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpAtomsDestroy(&(*encoding)->turned));
  PetscCall(PetscFree((*encoding)->period));
  PetscCall(PetscFree4((*encoding)->mean, (*encoding)->scale, (*encoding)->is_angle, (*encoding)->is_fixed));
  PetscCall(PetscFree(*encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEncodingSetTurned(TpEncoding encoding, TpAtoms *atoms)
{
  PetscInt *place = (*atoms)->place, *first, k = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(encoding->num_raw, &first));
  for (PetscInt i = 0; i < encoding->num_raw; k += Width(encoding, i), ++i) first[i] = k;
  for (PetscInt i = 0; i < 3 * (*atoms)->count; ++i) place[i] = first[place[i]];
  PetscCall(PetscFree(first));
  encoding->turned = *atoms;
  *atoms           = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of a period's length: radian on a circle, or a line from -1 to 1. */
static double Turn(TpEncoding encoding)
{
  return encoding->angles == TP_ANGLES_RAW ? 2.0 : 2.0 * PETSC_PI;
}

void TpEncodingEncode(TpEncoding encoding, PetscInt count, const float raw[], float encoded[])
{
  for (PetscInt n = 0; n < count; ++n) {
    float *const frame = encoded;

    for (PetscInt i = 0; i < encoding->num_raw; ++i) {
      const double value  = (double)*raw++;
      const double period = encoding->period[i];

      if (!(period > 0.0)) {
        *encoded++ = (float)value;
        continue;
      }
      const double angle = value * (Turn(encoding) / period);

      if (encoding->angles == TP_ANGLES_SINCOS) {
        *encoded++ = (float)sin(angle);
        *encoded++ = (float)cos(angle);
      } else
        *encoded++ = TpGeometryWrap(angle, Turn(encoding));
    }
    if (encoding->turned) TpAtomsCentre(encoding->turned, frame);
  }
}

void TpEncodingScale(TpEncoding encoding, PetscInt count, float encoded[])
{
  for (PetscInt n = 0; n < count; ++n, encoded += encoding->num_encoded)
    for (PetscInt i = 0; i < encoding->num_encoded; ++i)
      encoded[i] = (float)(((double)encoded[i] - encoding->mean[i]) / encoding->scale[i]);
}

static double Unscale(TpEncoding encoding, PetscInt i, float scaled)
{
  return (double)scaled * encoding->scale[i] + encoding->mean[i];
}

void TpEncodingDecode(TpEncoding encoding, PetscInt count, const float scaled[], float raw[])
{
  for (PetscInt n = 0; n < count; ++n, scaled += encoding->num_encoded) {
    PetscInt k = 0;

    for (PetscInt i = 0; i < encoding->num_raw; ++i) {
      const double period = encoding->period[i];
      const double first  = Unscale(encoding, k, scaled[k]);

      ++k;
      if (!(period > 0.0))
        *raw++ = (float)first;
      else if (encoding->angles == TP_ANGLES_SINCOS) {
        const double angle = atan2(first, Unscale(encoding, k, scaled[k]));

        ++k;
        *raw++ = TpGeometryWrap(angle * (period / (2.0 * PETSC_PI)), period);
      } else
        *raw++ = TpGeometryWrap(first * (period / Turn(encoding)), period);
    }
  }
}

void TpEncodingAccumulate(TpEncoding encoding, PetscInt count, const float encoded[], double sums[])
{
  const PetscInt width = encoding->num_encoded;

  for (PetscInt n = 0; n < count; ++n, encoded += width) {
    for (PetscInt i = 0; i < width; ++i) {
      sums[i] += (double)encoded[i];
      sums[width + i] += (double)encoded[i] * (double)encoded[i];
    }
  }
  sums[2 * width] += (double)count;
}

static void Standardise(TpEncoding encoding, PetscInt i, double mean, double variance)
{
  const double deviation = variance > 0.0 ? sqrt(variance) : 0.0;

  encoding->mean[i]  = mean;
  encoding->scale[i] = deviation < 1e-6 ? 1.0 : deviation;
}

/* Turned at random, each coordinate of an atom has mean 0 and a third of its mean squared distance from the centre. */
static void StandardiseTurned(TpEncoding encoding, const double squares[], double count)
{
  for (PetscInt i = 0; i < encoding->turned->count; ++i) {
    const PetscInt *place = encoding->turned->place + 3 * i;
    const double    sum   = squares[place[0]] + squares[place[1]] + squares[place[2]];

    for (int j = 0; j < 3; ++j) Standardise(encoding, place[j], 0.0, sum / (3.0 * count));
  }
}

void TpEncodingStandardise(TpEncoding encoding, const double sums[])
{
  const PetscInt width = encoding->num_encoded;
  const double   count = sums[2 * width];

  if (!(count > 0.0)) return;
  for (PetscInt i = 0; i < width; ++i) {
    const double mean = sums[i] / count;

    if (!encoding->is_fixed[i]) Standardise(encoding, i, mean, sums[width + i] / count - mean * mean);
  }
  if (encoding->turned) StandardiseTurned(encoding, sums + width, count);
}

void TpEncodingWiden(TpEncoding encoding, const float encoded[], double low[], double high[])
{
  for (PetscInt i = 0; i < encoding->num_encoded; ++i) {
    low[i]  = PetscMin(low[i], (double)encoded[i]);
    high[i] = PetscMax(high[i], (double)encoded[i]);
  }
  for (PetscInt i = 0; encoding->turned && i < encoding->turned->count; ++i) {
    const PetscInt *place = encoding->turned->place + 3 * i;
    const double    distance =
        hypot(hypot((double)encoded[place[0]], (double)encoded[place[1]]), (double)encoded[place[2]]);

    for (int j = 0; j < 3; ++j) {
      low[place[j]]  = PetscMin(low[place[j]], -distance);
      high[place[j]] = PetscMax(high[place[j]], distance);
    }
  }
}

void TpEncodingSetRange(TpEncoding encoding, const double low[], const double high[])
{
  for (PetscInt i = 0; i < encoding->num_encoded; ++i) {
    const double half = 0.5 * (high[i] - low[i]);

    if (encoding->is_fixed[i]) continue;
    encoding->mean[i]  = 0.5 * (high[i] + low[i]);
    encoding->scale[i] = half > 0.0 ? half : 1.0;
  }
}
