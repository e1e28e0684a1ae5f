/* The temperatures of a ladder, and what is refused. */
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

static void CheckList(void)
{
  double           values[] = {0.25, 0.5, 2, 2.5};
  TpLadderSettings settings = {.temperatures = {.size = 4, .values = values}, .scheme = TP_SCHEME_SEO};
  TpLadder         ladder;

  TpTestCall(TpLadderCreate(&settings, 0.5, 77, &ladder));
  TpTestExpectEqual(ladder->num_rungs, 4);
  TpTestExpectEqual(ladder->scheme, TP_SCHEME_SEO);
  TpTestExpectEqual(ladder->seed, 77);
  for (PetscInt i = 0; i < 4; ++i) {
    TpTestExpectClose(ladder->temperature[i], values[i], 0);
    TpTestExpectClose(ladder->beta[i], 2 / values[i], 1e-15);
    TpTestExpectEqual(TpLadderFind(ladder, values[i]), i);
  }
  TpTestExpectEqual(TpLadderFind(ladder, 2 * (1 + 0.9e-6)), 2);
  TpTestExpectEqual(TpLadderFind(ladder, 2 * (1 - 0.9e-6)), 2);
  TpTestExpectEqual(TpLadderFind(ladder, 2 * (1 + 1.1e-6)), -1);
  TpTestExpectEqual(TpLadderFind(ladder, 0.3), -1);
  TpTestExpectEqual(TpLadderFind(ladder, -0.25), -1);
  TpTestExpectEqual(TpLadderFind(ladder, NAN), -1);
  TpTestCall(TpLadderDestroy(&ladder));
  TpTestExpect(ladder == NULL);
  TpTestCall(TpLadderDestroy(&ladder));
}

/* 300 K to 600 K in 5 rungs: each is 2^(1/4) times the one below, and the ends are the user's own numbers. */
static void CheckGeometric(void)
{
  TpLadderSettings settings = {.minimum = 300, .maximum = 600, .num_rungs = 5};
  TpLadder         ladder;

  TpTestCall(TpLadderCreate(&settings, 0.00831446261815324, 1, &ladder));
  TpTestExpectEqual(ladder->num_rungs, 5);
  TpTestExpectClose(ladder->temperature[0], 300, 0);
  TpTestExpectClose(ladder->temperature[1], 356.7621345008163, 1e-10);
  TpTestExpectClose(ladder->temperature[2], 424.264068711928515, 1e-10);
  TpTestExpectClose(ladder->temperature[3], 504.5378491522287, 1e-10);
  TpTestExpectClose(ladder->temperature[4], 600, 0);
  TpTestExpectClose(ladder->beta[0], 0.4009078501424201, 1e-15); /* 1 / (k_B 300 K) in mol/kJ */
  TpTestCall(TpLadderDestroy(&ladder));
}

static void CheckOneRung(void)
{
  TpLadderSettings settings = {.minimum = 1.5, .maximum = 1.5, .num_rungs = 1};
  TpLadder         ladder;

  TpTestCall(TpLadderCreate(&settings, 1, 1, &ladder));
  TpTestExpectEqual(ladder->num_rungs, 1);
  TpTestExpectClose(ladder->temperature[0], 1.5, 0);
  TpTestExpectEqual(TpLadderPartner(ladder, 0, 0), -1);
  TpTestExpectEqual(TpLadderPartner(ladder, 1, 0), -1);
  TpTestCall(TpLadderDestroy(&ladder));
}

static void ExpectRefusedList(double a, double b, double c, const char *part)
{
  double           values[] = {a, b, c};
  TpLadderSettings settings = {.temperatures = {.size = 3, .values = values}};
  TpLadder         ladder;
  PetscErrorCode   code;

  TpInputErrorClear();
  code = TpLadderCreate(&settings, 1, 1, &ladder);
  TpTestExpectEqual(code, TP_ERR_INPUT);
  TpTestExpectText(TpInputErrorMessage(), part);
  TpTestExpect(ladder == NULL);
  TpInputErrorClear();
}

static void ExpectRefused(PetscInt list_size, double minimum, double maximum, PetscInt64 num_rungs, const char *part)
{
  double           values[] = {1, 2};
  TpLadderSettings settings = {.temperatures = {.size = list_size, .values = values},
                               .minimum      = minimum,
                               .maximum      = maximum,
                               .num_rungs    = num_rungs};
  TpLadder         ladder;
  PetscErrorCode   code;

  TpInputErrorClear();
  code = TpLadderCreate(&settings, 1, 1, &ladder);
  TpTestExpectEqual(code, TP_ERR_INPUT);
  TpTestExpectText(TpInputErrorMessage(), part);
  TpInputErrorClear();
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckList();
  CheckGeometric();
  CheckOneRung();
  ExpectRefusedList(300, 290, 310, "number 1 is 290 after 300");
  ExpectRefusedList(300, 310, 310, "number 2 is 310 after 310");
  ExpectRefusedList(-300, 290, 310, "temperature 0 of the ladder is -300");
  ExpectRefusedList(0, 290, 310, "temperature 0 of the ladder is 0");
  ExpectRefusedList(300, NAN, 310, "temperature 1 of the ladder is nan");
  ExpectRefusedList(300, 310, INFINITY, "temperature 2 of the ladder is inf");
  ExpectRefused(2, 300, 600, 4, "both");
  ExpectRefused(2, 0, 0, 4, "both");
  ExpectRefused(2, 0, 600, 0, "both");
  ExpectRefused(0, 0, 0, 0, "no temperatures");
  ExpectRefused(0, 300, 600, 0, "num_rungs is 0");
  ExpectRefused(0, 300, 600, -3, "num_rungs is -3");
  ExpectRefused(0, 0, 600, 4, "minimum is 0");
  ExpectRefused(0, -1, 600, 4, "minimum is -1");
  ExpectRefused(0, 300, 0, 4, "maximum is 0");
  ExpectRefused(0, 300, 300, 4, "maximum is 300");
  ExpectRefused(0, 300, NAN, 4, "maximum is nan");
  ExpectRefused(0, 300, 600, 1, "maximum is 600");
  return TpTestEnd();
}
