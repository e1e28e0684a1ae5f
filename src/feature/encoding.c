/* Raw features to network inputs and back: periodic ones as sine and cosine, all standardised. */
#include "feature-impl.h"

#include <math.h>

PetscErrorCode TpEncodingCreate(PetscInt num_raw, const double period[], TpEncoding *encoding)
{
  PetscInt num_encoded = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < num_raw; ++i) num_encoded += period[i] > 0.0 ? 2 : 1;
  PetscCall(PetscNew(encoding));
  (*encoding)->num_raw     = num_raw;
  (*encoding)->num_encoded = num_encoded;
  PetscCall(
      PetscMalloc3(num_raw, &(*encoding)->period, num_encoded, &(*encoding)->mean, num_encoded, &(*encoding)->scale));
  PetscCall(PetscArraycpy((*encoding)->period, period, num_raw));
  for (PetscInt i = 0; i < num_encoded; ++i) {
    (*encoding)->mean[i]  = 0.0;
    (*encoding)->scale[i] = 1.0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpEncodingDestroy(TpEncoding *encoding)
{
  PetscFunctionBeginUser;
  if (!*encoding) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*encoding)->period, (*encoding)->mean, (*encoding)->scale));
  PetscCall(PetscFree(*encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpEncodingEncode(TpEncoding encoding, PetscInt count, const float raw[], float encoded[])
{
  for (PetscInt n = 0; n < count; ++n) {
    for (PetscInt i = 0; i < encoding->num_raw; ++i) {
      const double value = (double)*raw++;

      if (encoding->period[i] > 0.0) {
        const double angle = value * (2.0 * PETSC_PI / encoding->period[i]);

        *encoded++ = (float)sin(angle);
        *encoded++ = (float)cos(angle);
      } else {
        *encoded++ = (float)value;
      }
    }
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
      if (period > 0.0) {
        const double angle = atan2(first, Unscale(encoding, k, scaled[k]));

        ++k;
        *raw++ = TpGeometryWrap(angle * (period / (2.0 * PETSC_PI)), period);
      } else {
        *raw++ = (float)first;
      }
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

void TpEncodingStandardise(TpEncoding encoding, const double sums[])
{
  const PetscInt width = encoding->num_encoded;
  const double   count = sums[2 * width];

  if (!(count > 0.0)) return;
  for (PetscInt i = 0; i < width; ++i) {
    const double mean      = sums[i] / count;
    const double variance  = sums[width + i] / count - mean * mean;
    const double deviation = variance > 0.0 ? sqrt(variance) : 0.0;

    encoding->mean[i]  = mean;
    encoding->scale[i] = deviation < 1e-6 ? 1.0 : deviation;
  }
}
