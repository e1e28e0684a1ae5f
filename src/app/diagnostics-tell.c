/* Diagnostics as tables for people. */
#include "diagnostics.h"

#include <math.h>

enum { WIDEST = 16 }; /* rungs that fit into a line; larger matrices are in run.h5 alone */

/* "3.5", or "-" for what does not exist yet. */
static const char *Format(double value, int digits, char text[24])
{
  if (isnan(value))
    snprintf(text, 24, "-");
  else
    snprintf(text, 24, "%.*f", digits, value);
  return text;
}

static void TellRungs(TpDiagnostics diagnostics)
{
  const TpLadderStatistics statistics = diagnostics->statistics;
  char                     accepted[24], rejection[24], correlation[24];

  TpLog(TP_LOG_PRODUCTION, "  %4s  %11s  %16s  %9s  %9s  %18s", "rung", "temperature", "swaps with next", "accepted",
        "rejection", "energy correlation");
  for (PetscInt i = 0; i < diagnostics->num_rungs; ++i) {
    const PetscBool  top      = i + 1 == diagnostics->num_rungs ? PETSC_TRUE : PETSC_FALSE;
    const PetscInt64 attempts = top ? 0 : statistics->attempts[i];

    Format(attempts ? 100.0 * (double)statistics->acceptances[i] / (double)attempts : NAN, 1, accepted);
    Format(top ? NAN : diagnostics->rejection[i], 4, rejection);
    Format(diagnostics->rung_correlation[i], 2, correlation);
    TpLog(TP_LOG_PRODUCTION, "  %4d  %11.5g  %16lld  %7s %%  %9s  %11s rounds", (int)i, diagnostics->temperature[i],
          (long long)attempts, accepted, rejection, correlation);
  }
}

static void TellWalkers(TpDiagnostics diagnostics)
{
  const TpLadderStatistics statistics = diagnostics->statistics;
  const PetscInt           n          = diagnostics->num_rungs;
  const double             rounds     = (double)statistics->rounds;
  char                     mean[24], correlation[24], shares[8 * WIDEST + 1];

  TpLog(TP_LOG_PRODUCTION, "  %6s  %11s  %11s  %9s  %9s  %18s  %s", "walker", "round trips", "mean rounds", "shortest",
        "longest", "energy correlation", n <= WIDEST ? "% of the time at each rung" : "% at the bottom, at the top");
  for (PetscInt w = 0; w < n; ++w) {
    size_t length = 0;

    for (PetscInt k = 0; k < n; k += n <= WIDEST ? 1 : n - 1)
      length += (size_t)snprintf(shares + length, sizeof(shares) - length, " %5.1f",
                                 100.0 * (double)statistics->visits[w * n + k] / rounds);
    Format(diagnostics->mean_trip[w], 1, mean);
    Format(diagnostics->walker_correlation[w], 2, correlation);
    TpLog(TP_LOG_PRODUCTION, "  %6d  %11lld  %11s  %9lld  %9lld  %11s rounds %s", (int)w,
          (long long)statistics->round_trips[w], mean, (long long)statistics->shortest[w],
          (long long)statistics->longest[w], correlation, shares);
  }
}

static void TellTransitions(TpDiagnostics diagnostics)
{
  const TpLadderStatistics statistics = diagnostics->statistics;
  const PetscInt           n          = diagnostics->num_rungs;

  if (n > WIDEST || statistics->rounds < 2) return;
  TpLog(TP_LOG_PRODUCTION, "  transitions of walkers from rung (line) to rung in a round, %%");
  for (PetscInt i = 0; i < n; ++i) {
    char   line[8 * WIDEST + 1];
    size_t length = 0;

    for (PetscInt j = 0; j < n; ++j)
      length += (size_t)snprintf(line + length, sizeof(line) - length, " %6.2f",
                                 100.0 * (double)statistics->transitions[i * n + j] / (double)(statistics->rounds - 1));
    TpLog(TP_LOG_PRODUCTION, "  %4d %s", (int)i, line);
  }
}

static void TellMixing(TpDiagnostics diagnostics)
{
  const TpLadderStatistics statistics = diagnostics->statistics;
  const double             second     = diagnostics->second_eigenvalue;
  char                     text[3][24];

  if (!isnan(second))
    TpLog(TP_LOG_PRODUCTION, "  second eigenvalue of the symmetric transition matrix %.5f: relaxation in %s rounds",
          second, second < 1.0 ? Format(1.0 / (1.0 - second), 1, text[0]) : "infinitely many");
  TpLog(TP_LOG_PRODUCTION, "  round trips of walkers, bottom to top to bottom: %lld; communication barrier %s",
        (long long)TpLadderRoundTrips(statistics),
        Format(TpBarrierSum(diagnostics->num_rungs - 1, diagnostics->rejection), 3, text[0]));
  TpLog(TP_LOG_PRODUCTION, "  round trips per round and walker: observed %s, predicted %s, ratio %s",
        Format(diagnostics->observed_rate, 6, text[0]), Format(diagnostics->predicted_rate, 6, text[1]),
        Format(diagnostics->observed_rate / diagnostics->predicted_rate, 2, text[2]));
}

PetscErrorCode TpDiagnosticsTell(TpDiagnostics diagnostics)
{
  PetscFunctionBeginUser;
  TpLog(TP_LOG_PRODUCTION, "  diagnostics of %lld rounds; energies from round %lld on",
        (long long)diagnostics->statistics->rounds, (long long)diagnostics->start_round + 1);
  if (diagnostics->statistics->rounds == 0) PetscFunctionReturn(PETSC_SUCCESS);
  TellRungs(diagnostics);
  if (diagnostics->num_rungs == 1) PetscFunctionReturn(PETSC_SUCCESS);
  TellWalkers(diagnostics);
  TellTransitions(diagnostics);
  TellMixing(diagnostics);
  PetscFunctionReturn(PETSC_SUCCESS);
}
