/* The condition is the inverse temperature, of mean zero and deviation one over the ladder. */
#include "tempera/train.h"
#include "test.h"

#include <math.h>

enum { NUM_RUNGS = 5 };

/* beta 1 and 1/2: mean 3/4, deviation 1/4; temperature 4/3 lies in the middle, and 4 beyond the end. */
static void CheckByHand(void)
{
  const double      ladder[]  = {1.0, 2.0};
  const TpCondition condition = TpConditionCreate(1.0, 2, ladder);

  TpTestExpectClose(condition.mean, 0.75, 1e-15);
  TpTestExpectClose(condition.scale, 0.25, 1e-15);
  TpTestExpectClose(TpConditionOf(&condition, 1.0), 1.0, 1e-7);
  TpTestExpectClose(TpConditionOf(&condition, 2.0), -1.0, 1e-7);
  TpTestExpectClose(TpConditionOf(&condition, 4.0 / 3.0), 0.0, 1e-7);
  TpTestExpectClose(TpConditionOf(&condition, 4.0), -2.0, 1e-7);
}

static void CheckStandardised(void)
{
  const double      boltzmann = 0.0083144626, ladder[NUM_RUNGS] = {300.0, 347.0, 402.0, 465.0, 700.0};
  const TpCondition condition = TpConditionCreate(boltzmann, NUM_RUNGS, ladder);
  double            sum = 0.0, sum_squares = 0.0;

  for (PetscInt k = 0; k < NUM_RUNGS; ++k) {
    const double c = TpConditionOf(&condition, ladder[k]);

    sum += c;
    sum_squares += c * c;
    if (k) TpTestExpect(c < TpConditionOf(&condition, ladder[k - 1]));
  }
  TpTestExpectClose(sum / NUM_RUNGS, 0.0, 1e-6);
  TpTestExpectClose(sum_squares / NUM_RUNGS, 1.0, 1e-6);
}

/* One temperature has no spread: it is condition zero, and others can still be told from it. */
static void CheckOneRung(void)
{
  const double      ladder[]  = {2.0};
  const TpCondition condition = TpConditionCreate(1.0, 1, ladder);

  TpTestExpectClose(TpConditionOf(&condition, 2.0), 0.0, 0.0);
  TpTestExpectClose(TpConditionOf(&condition, 1.0), 0.5, 1e-7);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckByHand();
  CheckStandardised();
  CheckOneRung();
  return TpTestEnd();
}
