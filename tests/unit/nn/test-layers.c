/* Every layer's backward pass, tangent and tangent's reverse against central differences, in double precision. */
#include "tempera/nn.h"
#include "test.h"

#include <math.h>

#define B         3
#define N         5
#define M         4
#define STEP      1e-5 /* central differences err by about STEP^2 and rounding / STEP: 1e-10 */
#define TOLERANCE 1e-8 /* relative to 1 + |derivative| */

/* All arrays a linear layer touches; the scalar whose gradient is taken is the sum of r * y. */
typedef struct {
  TpNumber x[B * N], w[M * N], b[M], r[B * M], tx[B * N];
} Linear;

static void FillNormal(uint32_t id, PetscInt n, TpNumber x[])
{
  for (PetscInt i = 0; i < n; i++) {
    double number;

    TpRandomNormal(7, TP_RANDOM_TEST, id, (uint64_t)i, 1, &number);
    x[i] = (TpNumber)number;
  }
}

static Linear LinearCreate(void)
{
  Linear linear;

  FillNormal(1, B * N, linear.x);
  FillNormal(2, M * N, linear.w);
  FillNormal(3, M, linear.b);
  FillNormal(4, B * M, linear.r);
  FillNormal(5, B * N, linear.tx);
  return linear;
}

static double Dot(PetscInt n, const TpNumber a[], const TpNumber b[])
{
  double sum = 0;

  for (PetscInt i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static double LinearScalar(const Linear *linear)
{
  TpNumber y[B * M];

  TpLinearForward(B, N, M, linear->x, linear->w, linear->b, y);
  return Dot(B * M, linear->r, y);
}

static double LinearTangentScalar(const Linear *linear)
{
  TpNumber ty[B * M];

  TpLinearTangent(B, N, M, linear->tx, linear->w, ty);
  return Dot(B * M, linear->r, ty);
}

/* d scalar / d numbers[i] against expected[i]; `numbers` lies inside `linear`. */
static void ExpectGradient(const char *what, double (*scalar)(const Linear *), Linear *linear, PetscInt n,
                           TpNumber numbers[], const TpNumber expected[], double offset)
{
  for (PetscInt i = 0; i < n; i++) {
    const TpNumber kept = numbers[i];
    double         up, down, difference;

    numbers[i] = kept + (TpNumber)STEP;
    up         = scalar(linear);
    numbers[i] = kept - (TpNumber)STEP;
    down       = scalar(linear);
    numbers[i] = kept;
    difference = (up - down) / (2 * STEP) + offset;
    TpTestExpectThat(fabs((double)expected[i] - difference) <= TOLERANCE * (1 + fabs(difference)),
                     "%s[%d] = %.12g, differences say %.12g", what, (int)i, (double)expected[i], difference);
  }
}

/* Parameter gradients are added to what is there, input gradients overwrite. */
static void TestLinearBackward(void)
{
  Linear   linear = LinearCreate();
  TpNumber dx[B * N], dw[M * N], db[M];

  for (PetscInt i = 0; i < B * N; i++) dx[i] = NAN;
  for (PetscInt i = 0; i < M * N; i++) dw[i] = 0.25;
  for (PetscInt i = 0; i < M; i++) db[i] = 0.25;
  TpLinearBackward(B, N, M, linear.x, linear.w, linear.r, dx, dw, db);
  ExpectGradient("dx", LinearScalar, &linear, B * N, linear.x, dx, 0);
  ExpectGradient("dw", LinearScalar, &linear, M * N, linear.w, dw, 0.25);
  ExpectGradient("db", LinearScalar, &linear, M, linear.b, db, 0.25);
  TpLinearBackward(B, N, M, linear.x, linear.w, linear.r, NULL, dw, NULL);
  ExpectGradient("db kept", LinearScalar, &linear, M, linear.b, db, 0.25);
}

static void TestLinearTangent(void)
{
  Linear   linear = LinearCreate(), up = linear, down = linear;
  TpNumber ty[B * M], y_up[B * M], y_down[B * M], dtx[B * N], dw[M * N] = {0};

  TpLinearTangent(B, N, M, linear.tx, linear.w, ty);
  for (PetscInt i = 0; i < B * N; i++) {
    up.x[i] += (TpNumber)STEP * linear.tx[i];
    down.x[i] -= (TpNumber)STEP * linear.tx[i];
  }
  TpLinearForward(B, N, M, up.x, up.w, up.b, y_up);
  TpLinearForward(B, N, M, down.x, down.w, down.b, y_down);
  for (PetscInt i = 0; i < B * M; i++)
    TpTestExpectClose(ty[i], (y_up[i] - y_down[i]) / (2 * STEP), TOLERANCE * (1 + fabs((double)ty[i])));

  TpLinearBackward(B, N, M, linear.tx, linear.w, linear.r, dtx, dw, NULL);
  ExpectGradient("dtx", LinearTangentScalar, &linear, B * N, linear.tx, dtx, 0);
  ExpectGradient("dw of the tangent", LinearTangentScalar, &linear, M * N, linear.w, dw, 0);
}

static double Silu(double x)
{
  TpNumber in = (TpNumber)x, out;

  TpSiluForward(1, &in, &out);
  return (double)out;
}

static double SiluTangent(double x, double tx)
{
  TpNumber in = (TpNumber)x, tangent = (TpNumber)tx, out;

  TpSiluTangent(1, &in, &tangent, &out);
  return (double)out;
}

static void TestSilu(void)
{
  for (int i = -40; i <= 40; i++) {
    TpNumber x = (TpNumber)(0.37 * i), tx = (TpNumber)(1.3 - 0.05 * i), dy = (TpNumber)0.7, dx, ty, dtx,
             dx_sum    = (TpNumber)0.5;
    const double slope = (Silu((double)x + STEP) - Silu((double)x - STEP)) / (2 * STEP);
    double       slope_x, slope_tx;

    TpTestExpectClose(Silu((double)x), (double)x / (1 + exp(-(double)x)), 1e-14);
    TpSiluBackward(1, &x, &dy, &dx);
    TpTestExpectClose(dx, 0.7 * slope, TOLERANCE);
    TpSiluTangent(1, &x, &tx, &ty);
    TpTestExpectClose(ty, (double)tx * slope, TOLERANCE * (1 + fabs((double)tx)));

    TpSiluTangentBackward(1, &x, &tx, &dy, &dtx, &dx_sum);
    slope_x  = (SiluTangent((double)x + STEP, (double)tx) - SiluTangent((double)x - STEP, (double)tx)) / (2 * STEP);
    slope_tx = (SiluTangent((double)x, (double)tx + STEP) - SiluTangent((double)x, (double)tx - STEP)) / (2 * STEP);
    TpTestExpectClose(dtx, 0.7 * slope_tx, TOLERANCE);
    TpTestExpectClose(dx_sum, 0.5 + 0.7 * slope_x, TOLERANCE * (1 + fabs((double)tx)));
  }
}

/* Against its definition, written out; repeated times take another path and must give the same bits. */
static void TestEmbedding(void)
{
  const TpNumber t[4] = {(TpNumber)0.001, (TpNumber)0.35, (TpNumber)0.35, 1};
  TpNumber       e[4 * 8];

  TpTimeEmbedding(4, 8, t, e);
  for (PetscInt i = 0; i < 4; i++) {
    for (PetscInt j = 0; j < 4; j++) {
      const double angle = 1000 * (double)t[i] * pow(10000, -(double)j / 3);

      TpTestExpectClose(e[i * 8 + j], sin(angle), 1e-11);
      TpTestExpectClose(e[i * 8 + 4 + j], cos(angle), 1e-11);
    }
  }
  for (PetscInt j = 0; j < 8; j++) TpTestExpect(e[8 + j] == e[16 + j]);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TestLinearBackward();
  TestLinearTangent();
  TestSilu();
  TestEmbedding();
  return TpTestEnd();
}
