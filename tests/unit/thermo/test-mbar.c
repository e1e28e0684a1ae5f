/* MBAR on harmonic oscillators with known free energies: estimates and the calibration of their errors. */
#include "mbar-samples.h"
#include "test.h"

enum { REPEATS = 200 };

typedef struct {
  PetscInt   num_states;
  int        half_freedom;
  double     ratio;
  PetscInt64 count;
  double     least, most; /* neighbours' overlap */
} Case;

/* Neighbours' differences are nearly independent of each other; f of the last rung is their sum. */
static void AddScores(const Oscillators *system, const TpMbarResult *result, Scores *neighbours, Scores *last)
{
  const PetscInt num = system->num_states;

  for (PetscInt k = 1; k < num; ++k) {
    const double *c        = result->covariance;
    const double  variance = c[k * num + k] + c[(k - 1) * num + k - 1] - 2.0 * c[k * num + k - 1];
    const double  exact    = OscillatorsFreeEnergy(system, k) - OscillatorsFreeEnergy(system, k - 1);

    ScoresAdd(neighbours, (result->f[k] - result->f[k - 1] - exact) / sqrt(variance));
  }
  ScoresAdd(last, (result->f[num - 1] - OscillatorsFreeEnergy(system, num - 1)) / result->error[num - 1]);
}

static PetscErrorCode Calibration(Case test)
{
  Oscillators system;
  Scores      neighbours = {0}, last = {0};
  double      overlap = 0.0;

  PetscFunctionBeginUser;
  PetscCall(OscillatorsCreate(test.num_states, test.half_freedom, test.ratio, test.count, &system));
  for (int repeat = 0; repeat < REPEATS; ++repeat) {
    TpMbarResult result;
    TpMbar       mbar;

    PetscCall(OscillatorsDraw(&system, (uint64_t)repeat));
    PetscCall(OscillatorsMbar(&system, PETSC_COMM_SELF, NULL, &mbar));
    PetscCall(TpMbarSolve(mbar, &result));
    AddScores(&system, &result, &neighbours, &last);
    overlap += result.least_overlap / REPEATS;
    TpTestExpectThat(!(result.warnings & TP_MBAR_NOT_CONVERGED), "gradient %g weights %g", result.gradient,
                     result.weight_error);
    if(!repeat) fprintf(stderr,"evals %d grad %g\n",(int)result.evaluations,result.gradient);
    PetscCall(TpMbarDestroy(&mbar));
  }
  PetscCall(OscillatorsDestroy(&system));
  fprintf(stderr, "K %d m %d r %g n %d: overlap %g, neigh mean %g var %g out %d/%d  last mean %g var %g out %d\n", (int)test.num_states,test.half_freedom, test.ratio, (int)test.count, overlap, neighbours.sum/neighbours.count, neighbours.square/neighbours.count,(int)neighbours.outside,(int)neighbours.count,last.sum/REPEATS,last.square/REPEATS,(int)last.outside);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(Calibration((Case){2, 4, 1.05, 200}));
  TpTestCall(Calibration((Case){2, 4, 2.0, 200}));
  TpTestCall(Calibration((Case){2, 8, 3.0, 1000}));
  TpTestCall(Calibration((Case){8, 8, 1.3, 300}));
  TpTestCall(Calibration((Case){8, 30, 1.6, 1000}));
  TpTestCall(Calibration((Case){32, 10, 1.1, 200}));
  TpTestCall(Calibration((Case){32, 30, 1.6, 500}));
  return TpTestEnd();
}
