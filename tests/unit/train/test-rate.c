/* The course of the learning rate at points where it is known. */
#include "tempera/train.h"
#include "test.h"

#include <math.h>

int main(int argc, char **argv)
{
  const TpTrainSettings constant = {.learning_rate = 0.1};
  const TpTrainSettings warm     = {.learning_rate = 0.1, .warmup_steps = 4};
  const TpTrainSettings cosine   = {
        .learning_rate = 0.1, .rate_schedule = TP_RATE_COSINE, .warmup_steps = 10, .decay_steps = 110, .final_rate = 0.2};
  static const double at_warm[] = {0.02, 0.04, 0.06, 0.08, 0.1, 0.1};

  TpTestBegin(&argc, &argv);
  TpTestExpectClose(TpLearningRate(&constant, 0), 0.1, 0.0);
  TpTestExpectClose(TpLearningRate(&constant, 1000000), 0.1, 0.0);
  for (int i = 0; i < 6; ++i) TpTestExpectClose(TpLearningRate(&warm, i), at_warm[i], 1e-15);
  TpTestExpectClose(TpLearningRate(&cosine, 4), 0.1 * 5.0 / 11.0, 1e-15);
  TpTestExpectClose(TpLearningRate(&cosine, 10), 0.1, 1e-15);
  TpTestExpectClose(TpLearningRate(&cosine, 60), 0.06, 1e-15);                                    /* half way */
  TpTestExpectClose(TpLearningRate(&cosine, 35), 0.1 * (0.2 + 0.8 * (0.5 + sqrt(0.125))), 1e-15); /* a quarter */
  TpTestExpectClose(TpLearningRate(&cosine, 110), 0.02, 1e-15);
  TpTestExpectClose(TpLearningRate(&cosine, 500), 0.02, 1e-15);
  return TpTestEnd();
}
