/* MBAR's kernels of every instruction set against the C library. */
#include "../../../src/thermo/mbar-kernel.h"
#include "test.h"

#include <math.h>

enum { NUM_STATES = 5, SEED = 88 };

/* Relative error of a few rounding errors; the floor at exp(-300) and its neighbourhood too. */
static void Exponentials(const TpMbarKernels *kernels)
{
  const double low[3]  = {-300.0, -1.0, 0.0};
  const double high[3] = {-1.0, 1.0, 700.0};

  for (int range = 0; range < 3; ++range) {
    double x[TP_MBAR_BLOCK], y[TP_MBAR_BLOCK];

    TpRandomUniform(SEED, TP_RANDOM_TEST, (uint32_t)range, 0, TP_MBAR_BLOCK, x);
    for (int n = 0; n < TP_MBAR_BLOCK; ++n) y[n] = x[n] = low[range] + (high[range] - low[range]) * x[n];
    kernels->exponential(y);
    for (int n = 0; n < TP_MBAR_BLOCK; ++n)
      TpTestExpectThat(fabs(y[n] / exp(x[n]) - 1.0) < 1e-15, "%s: exp(%.17g) is %.17g", kernels->name, x[n], y[n]);
  }
}

static void SpecialValues(const TpMbarKernels *kernels)
{
  double x[TP_MBAR_BLOCK] = {0.0, -300.0, -301.0, -1e300, -INFINITY, NAN, -5e-324};

  kernels->exponential(x);
  TpTestExpectClose(x[0], 1.0, 0.0);
  TpTestExpectClose(x[1] / exp(-300.0), 1.0, 1e-15);
  for (int n = 2; n < 5; ++n) TpTestExpectClose(x[n], x[1], 0.0);
  TpTestExpect(isnan(x[5]));
  TpTestExpectClose(x[6], 1.0, 0.0);
}

/* Exponents of up to 1e5 must neither overflow nor lose the small differences among the largest of them. */
static void Softmax(const TpMbarKernels *kernels, double scale)
{
  const double offset[NUM_STATES] = {0.3, -2.0, 1e-3, 4.0, 0.0};
  double p[NUM_STATES * TP_MBAR_BLOCK], u[NUM_STATES * TP_MBAR_BLOCK], weight[TP_MBAR_BLOCK], log_sum[TP_MBAR_BLOCK];
  double gradient[NUM_STATES] = {0.0}, expected[NUM_STATES] = {0.0};

  TpRandomNormal(SEED, TP_RANDOM_TEST, 10, 0, NUM_STATES * TP_MBAR_BLOCK, u);
  TpRandomUniform(SEED, TP_RANDOM_TEST, 11, 0, TP_MBAR_BLOCK, weight);
  for (int i = 0; i < NUM_STATES * TP_MBAR_BLOCK; ++i) p[i] = u[i] *= scale;
  kernels->softmax(NUM_STATES, offset, weight, p, log_sum, gradient);
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) {
    double largest = -INFINITY, sum = 0.0;

    for (int k = 0; k < NUM_STATES; ++k) largest = fmax(largest, offset[k] - u[k * TP_MBAR_BLOCK + n]);
    for (int k = 0; k < NUM_STATES; ++k) sum += exp(offset[k] - u[k * TP_MBAR_BLOCK + n] - largest);
    TpTestExpectClose(log_sum[n], largest + log(sum), 1e-15 * (4.0 + fabs(largest)));
    for (int k = 0; k < NUM_STATES; ++k) {
      const double exact = weight[n] * exp(offset[k] - u[k * TP_MBAR_BLOCK + n] - largest) / sum;

      TpTestExpectClose(p[k * TP_MBAR_BLOCK + n], exact, 3e-15);
      expected[k] += weight[n] * exact;
    }
  }
  for (int k = 0; k < NUM_STATES; ++k) TpTestExpectClose(gradient[k], expected[k], 1e-13);
}

/* The logarithm is the kernel's own: one state, then equal ones, and all sums in between. */
static void LogarithmOfSum(const TpMbarKernels *kernels)
{
  for (int step = 0; step <= 1000; ++step) {
    const double x              = 1e-3 * step;
    const double offset[2]      = {0.0, log(x > 0.0 ? x : 1e-30)};
    double p[2 * TP_MBAR_BLOCK] = {0.0}, weight[TP_MBAR_BLOCK] = {0.0}, log_sum[TP_MBAR_BLOCK], gradient[2] = {0.0};

    kernels->softmax(2, offset, weight, p, log_sum, gradient);
    TpTestExpectClose(log_sum[0], log1p(x), 4e-16);
  }
}

static void Logistic(const TpMbarKernels *kernels)
{
  double x[TP_MBAR_BLOCK], weight[TP_MBAR_BLOCK], sums[2] = {1.0, 2.0}, value = 1.0, slope = 2.0;

  TpRandomNormal(SEED, TP_RANDOM_TEST, 20, 0, TP_MBAR_BLOCK, x);
  TpRandomUniform(SEED, TP_RANDOM_TEST, 21, 0, TP_MBAR_BLOCK, weight);
  for (int n = 0; n < TP_MBAR_BLOCK; ++n) {
    x[n] *= n % 3 ? 1.0 : 100.0;
    value += weight[n] / (1.0 + exp(-x[n]));
    slope += weight[n] / (2.0 + exp(-x[n]) + exp(x[n]));
  }
  kernels->logistic(weight, x, sums);
  TpTestExpectClose(sums[0], value, 1e-13);
  TpTestExpectClose(sums[1], slope, 1e-13);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  for (int i = 0; tp_mbar_kernels[i]; ++i) {
    if (!TpMbarKernelsUsable(tp_mbar_kernels[i])) continue;
    Exponentials(tp_mbar_kernels[i]);
    SpecialValues(tp_mbar_kernels[i]);
    Softmax(tp_mbar_kernels[i], 1.0);
    Softmax(tp_mbar_kernels[i], 100.0);
    Softmax(tp_mbar_kernels[i], 1e5);
    LogarithmOfSum(tp_mbar_kernels[i]);
    Logistic(tp_mbar_kernels[i]);
  }
  return TpTestEnd();
}
