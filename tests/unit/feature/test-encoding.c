/* Encoding: there and back, standardisation, sums that do not depend on the order. */
#include "test.h"

#include "tempera/feature.h"

#include <math.h>
#include <string.h>

#define SEED 31415

enum { NUM_RAW = 4, WIDTH = 6, COUNT = 1000 };

static const double periods[NUM_RAW] = {2.0 * PETSC_PI, 0.0, 360.0, 0.0};

/* Angles over the whole circle, its ends included; lengths far from 0. */
static void MakeRaw(float raw[])
{
  for (int n = 0; n < COUNT; ++n) {
    const double turn = (n + 1.0) / COUNT - 0.5;
    double       normal[2];

    TpRandomNormal(SEED, TP_RANDOM_TEST, (uint32_t)n, 0, 2, normal);
    raw[NUM_RAW * n]     = (float)(turn * 2.0 * PETSC_PI);
    raw[NUM_RAW * n + 1] = (float)(0.35 + 0.01 * normal[0]);
    raw[NUM_RAW * n + 2] = (float)(-turn * 360.0);
    raw[NUM_RAW * n + 3] = (float)(-12.0 + 30.0 * normal[1]);
  }
}

/* Single precision has 24 bits: numbers are rounded about the mean and again about zero, an angle in sine and cosine. */
static PetscErrorCode TestRoundTrip(void)
{
  TpEncoding   encoding;
  static float raw[COUNT * NUM_RAW], encoded[COUNT * WIDTH], back[COUNT * NUM_RAW];
  double       sums[2 * WIDTH + 1] = {0.0}, centre[NUM_RAW] = {0.0, 0.35, 0.0, -12.0};

  PetscFunctionBeginUser;
  MakeRaw(raw);
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, periods, &encoding));
  TpTestExpectEqual(encoding->num_encoded, WIDTH);
  for (int standardised = 0; standardised < 2; ++standardised) {
    TpEncodingEncode(encoding, COUNT, raw, encoded);
    TpEncodingAccumulate(encoding, COUNT, encoded, sums);
    TpEncodingScale(encoding, COUNT, encoded);
    TpEncodingDecode(encoding, COUNT, encoded, back);
    for (int i = 0; i < COUNT * NUM_RAW; ++i) {
      const double period     = periods[i % NUM_RAW];
      const double difference = (double)back[i] - (double)raw[i];
      const double size       = fabs((double)raw[i]) + fabs((double)raw[i] - centre[i % NUM_RAW]);
      const double error      = period > 0.0 ? remainder(difference, period) / period : difference / size;

      TpTestExpectThat(fabs(error) < 1.5e-7, "feature %d: %.9g came back as %.9g", i % NUM_RAW, (double)raw[i],
                       (double)back[i]);
      TpTestExpectThat(!(period > 0.0) || ((double)back[i] > -0.5 * period && (double)back[i] <= 0.5 * period),
                       "%.9g is outside its period", (double)back[i]);
    }
    TpEncodingStandardise(encoding, sums);
  }
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestValues(void)
{
  const float raw[NUM_RAW] = {(float)(PETSC_PI / 6.0), 0.25f, -90.0f, 3.0f};
  TpEncoding  encoding;
  float       encoded[WIDTH];

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, periods, &encoding));
  TpEncodingEncode(encoding, 1, raw, encoded);
  TpTestExpectClose(encoded[0], 0.5, 1e-7);
  TpTestExpectClose(encoded[1], sqrt(0.75), 1e-7);
  TpTestExpectClose(encoded[2], 0.25, 0.0);
  TpTestExpectClose(encoded[3], -1.0, 1e-7);
  TpTestExpectClose(encoded[4], 0.0, 1e-7);
  TpTestExpectClose(encoded[5], 3.0, 0.0);
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestStandardise(void)
{
  TpEncoding   encoding;
  static float raw[COUNT * NUM_RAW], encoded[COUNT * WIDTH];
  double       sums[2 * WIDTH + 1] = {0.0}, scaled_sums[2 * WIDTH + 1] = {0.0};

  PetscFunctionBeginUser;
  MakeRaw(raw);
  for (int n = 0; n < COUNT; ++n) raw[NUM_RAW * n + 3] = 5.5f; /* a feature that never changes keeps scale 1 */
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, periods, &encoding));
  TpEncodingEncode(encoding, COUNT, raw, encoded);
  TpEncodingAccumulate(encoding, COUNT, encoded, sums);
  TpTestExpectClose(sums[2 * WIDTH], COUNT, 0.0);
  TpEncodingStandardise(encoding, sums);
  TpEncodingScale(encoding, COUNT, encoded);
  TpEncodingAccumulate(encoding, COUNT, encoded, scaled_sums);
  for (int i = 0; i < WIDTH - 1; ++i) {
    TpTestExpectClose(scaled_sums[i] / COUNT, 0.0, 1e-6);
    TpTestExpectClose(scaled_sums[WIDTH + i] / COUNT, 1.0, 1e-5);
  }
  TpTestExpectClose(encoding->scale[WIDTH - 1], 1.0, 0.0);
  TpTestExpectClose(encoding->mean[WIDTH - 1], 5.5, 0.0);
  /* sine and cosine of a uniform angle: mean 0, variance 1/2 */
  TpTestExpectClose(encoding->mean[0], 0.0, 1e-6);
  TpTestExpectClose(encoding->scale[1], sqrt(0.5), 1e-6);
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Parts added one after another, backwards, or all at once give the same sums to the rounding of double precision. */
static PetscErrorCode TestOrder(void)
{
  TpEncoding   encoding;
  static float raw[COUNT * NUM_RAW], encoded[COUNT * WIDTH];
  double       whole[2 * WIDTH + 1] = {0.0}, parts[2 * WIDTH + 1] = {0.0};

  PetscFunctionBeginUser;
  MakeRaw(raw);
  PetscCall(TpEncodingCreate(TP_ANGLES_SINCOS, NUM_RAW, periods, &encoding));
  TpEncodingEncode(encoding, COUNT, raw, encoded);
  TpEncodingAccumulate(encoding, COUNT, encoded, whole);
  for (int n = COUNT - 1; n >= 0; --n) TpEncodingAccumulate(encoding, 1, encoded + WIDTH * n, parts);
  for (int i = 0; i <= 2 * WIDTH; ++i) TpTestExpectClose(parts[i], whole[i], 1e-12 * COUNT * 900.0);
  TpEncodingStandardise(encoding, (double[2 * WIDTH + 1]){0.0});
  TpTestExpectThat(encoding->scale[0] == 1.0 && encoding->mean[0] == 0.0, "no data changed the scaling: %g %g",
                   encoding->mean[0], encoding->scale[0]);
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One state for an angle: in radian on a circle, or from -1 to 1; scaled by nobody. Others as ever; a range goes to [-1, 1], and nothing is clipped. */
static PetscErrorCode TestOneState(PetscInt angles)
{
  const float  values[NUM_RAW] = {(float)(PETSC_PI / 6.0), 0.25f, -90.0f, 3.0f};
  const double turn            = angles == TP_ANGLES_RAW ? 2.0 : 2.0 * PETSC_PI;
  TpEncoding   encoding;
  static float raw[COUNT * NUM_RAW], encoded[COUNT * NUM_RAW], back[COUNT * NUM_RAW];
  double       sums[2 * NUM_RAW + 1] = {0.0};
  const double low[NUM_RAW] = {-9.0, 0.0, -9.0, 2.0}, high[NUM_RAW] = {9.0, 1.0, 9.0, 4.0};

  PetscFunctionBeginUser;
  PetscCall(TpEncodingCreate(angles, NUM_RAW, periods, &encoding));
  TpTestExpectEqual(encoding->num_encoded, NUM_RAW);
  TpEncodingEncode(encoding, 1, values, encoded);
  for (int i = 0; i < NUM_RAW; ++i) {
    const double period = periods[i];

    TpTestExpectClose(encoded[i], period > 0.0 ? (double)values[i] / period * turn : (double)values[i], 1e-6);
    TpTestExpectEqual(encoding->is_angle[i], period > 0.0 && angles == TP_ANGLES_WRAPPED);
  }
  MakeRaw(raw);
  TpEncodingEncode(encoding, COUNT, raw, encoded);
  TpEncodingAccumulate(encoding, COUNT, encoded, sums);
  TpEncodingStandardise(encoding, sums);
  for (int i = 0; i < NUM_RAW; ++i)
    TpTestExpect(!(periods[i] > 0.0) || (encoding->mean[i] == 0.0 && encoding->scale[i] == 1.0));
  TpEncodingScale(encoding, COUNT, encoded);
  TpEncodingDecode(encoding, COUNT, encoded, back);
  for (int i = 0; i < COUNT * NUM_RAW; ++i) {
    const double period     = periods[i % NUM_RAW];
    const double difference = (double)back[i] - (double)raw[i];

    TpTestExpectThat(fabs(period > 0.0 ? remainder(difference, period) / period : difference) < 1e-5,
                     "feature %d: %.9g came back as %.9g", i % NUM_RAW, (double)raw[i], (double)back[i]);
  }
  TpEncodingSetRange(encoding, low, high);
  TpTestExpectClose(encoding->mean[3], 3.0, 0.0);
  TpTestExpectClose(encoding->scale[3], 1.0, 0.0);
  TpTestExpectClose(encoding->mean[1], 0.5, 0.0);
  TpTestExpectClose(encoding->scale[1], 0.5, 0.0);
  TpTestExpectClose(encoding->scale[0], 1.0, 0.0);
  encoded[1] = 1.5f;
  TpEncodingScale(encoding, 1, encoded);
  TpTestExpectClose(encoded[1], 2.0, 1e-7);
  PetscCall(TpEncodingDestroy(&encoding));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(TestValues());
  TpTestCall(TestRoundTrip());
  TpTestCall(TestStandardise());
  TpTestCall(TestOrder());
  TpTestCall(TestOneState(TP_ANGLES_WRAPPED));
  TpTestCall(TestOneState(TP_ANGLES_RAW));
  return TpTestEnd();
}
