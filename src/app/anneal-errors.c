/* What a population says at one temperature, with errors from drawing its founders anew, each with all its descendants. */
#include "anneal-impl.h"

#include <math.h>

/* What is added up for each family; energies are less the population's mean. */
enum { MEMBERS, ENERGY, SQUARE, WEIGHT, SUMS };

/* What is estimated from the sums. */
enum { MEAN, VARIANCE, LOG_RATIO, ESTIMATES };

static double MeanEnergy(TpAnneal anneal)
{
  double sum = 0.0;

  for (PetscInt i = 0; i < anneal->population; ++i) sum += anneal->energy[i];
  return sum / anneal->population;
}

static void AddUpFamilies(TpAnneal anneal, double mean, double sum[])
{
  for (PetscInt i = 0; i < anneal->population; ++i) {
    const double energy = anneal->energy[i] - mean;
    double      *family = sum + (size_t)SUMS * anneal->family[i];

    family[MEMBERS] += 1.0;
    family[ENERGY] += energy;
    family[SQUARE] += energy * energy;
    family[WEIGHT] += anneal->weight[i];
  }
}

/* NaN where the families drawn have no members left. */
static void Estimate(const double total[SUMS], double estimate[ESTIMATES])
{
  const double mean = total[ENERGY] / total[MEMBERS];

  estimate[MEAN]      = mean;
  estimate[VARIANCE]  = total[SQUARE] / total[MEMBERS] - mean * mean;
  estimate[LOG_RATIO] = log(total[WEIGHT] / total[MEMBERS]);
}

/* Estimates of all replicates, [replicates, ESTIMATES]: each rank works some of them out. */
static PetscErrorCode Replicates(TpAnneal anneal, const double sum[], double estimate[])
{
  const TpGroups groups = anneal->run->groups;
  const PetscInt num    = (PetscInt)anneal->run->settings.anneal.replicates;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(estimate, (size_t)num * ESTIMATES));
  for (PetscInt b = groups->world_rank; b < num; b += groups->num_replicas) {
    double total[SUMS];

    TpFamiliesDraw(anneal->seed, (uint32_t)b, anneal->population, SUMS, sum, total);
    Estimate(total, estimate + (size_t)b * ESTIMATES);
  }
  PetscCall(TpAllreduce(MPI_IN_PLACE, estimate, num * ESTIMATES, MPI_DOUBLE, MPI_SUM, groups->world, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Standard deviation of x [count], whose neighbours lie `stride` numbers apart. */
static double Deviation(PetscInt count, const double x[], PetscInt stride)
{
  double mean = 0.0, squares = 0.0;

  for (PetscInt i = 0; i < count; ++i) mean += x[i * stride] / count;
  for (PetscInt i = 0; i < count; ++i) squares += (x[i * stride] - mean) * (x[i * stride] - mean);
  return sqrt(squares / (count - 1));
}

static PetscErrorCode FillRow(TpAnneal anneal, double mean, double variance, const double estimate[], double row[])
{
  const TpLadder ladder = anneal->run->ladder;
  const PetscInt num    = (PetscInt)anneal->run->settings.anneal.replicates;
  const double   k = ladder->boltzmann, beta = anneal->beta, cv = k * beta * beta;
  PetscInt      *size, alive;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(anneal->population, &size));
  TpFamiliesCount(anneal->population, anneal->family, size, &alive, &row[TP_ANNEAL_FAMILY_SIZE]);
  PetscCall(PetscFree(size));
  row[TP_ANNEAL_TEMPERATURE]         = anneal->is_between ? 1.0 / (k * beta) : ladder->temperature[anneal->rung];
  row[TP_ANNEAL_RUNG]                = anneal->is_between ? -1.0 : anneal->rung;
  row[TP_ANNEAL_LOG_Z]               = anneal->log_z;
  row[TP_ANNEAL_LOG_Z_ERROR]         = Deviation(num, anneal->replicate, 1);
  row[TP_ANNEAL_FREE_ENERGY]         = -anneal->log_z / beta;
  row[TP_ANNEAL_FREE_ENERGY_ERROR]   = row[TP_ANNEAL_LOG_Z_ERROR] / beta;
  row[TP_ANNEAL_ENERGY]              = mean;
  row[TP_ANNEAL_ENERGY_ERROR]        = Deviation(num, estimate + MEAN, ESTIMATES);
  row[TP_ANNEAL_HEAT_CAPACITY]       = cv * variance;
  row[TP_ANNEAL_HEAT_CAPACITY_ERROR] = cv * Deviation(num, estimate + VARIANCE, ESTIMATES);
  row[TP_ANNEAL_EFFECTIVE]           = anneal->effective;
  row[TP_ANNEAL_FAMILIES]            = alive;
  row[TP_ANNEAL_MD_STEPS] =
      (double)anneal->sweep * (double)anneal->run->settings.anneal.steps * (double)anneal->population;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for one more row. */
static PetscErrorCode NextRow(TpAnneal anneal, double **row)
{
  PetscFunctionBeginUser;
  if (anneal->num_rows == anneal->max_rows) {
    anneal->max_rows = 2 * anneal->max_rows + 16;
    PetscCall(PetscRealloc((size_t)anneal->max_rows * sizeof(*anneal->row), &anneal->row));
  }
  *row = anneal->row[anneal->num_rows++];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpAnnealMeasure(TpAnneal anneal, double step)
{
  const PetscInt num  = (PetscInt)anneal->run->settings.anneal.replicates;
  const double   mean = MeanEnergy(anneal);
  double         effective, variance = 0.0, *sum, *estimate, *row = NULL;

  PetscFunctionBeginUser;
  const double log_ratio = TpPopulationWeigh(anneal->population, anneal->energy, step, anneal->weight, &effective);
  PetscCall(PetscCalloc2((size_t)anneal->population * SUMS, &sum, (size_t)num * ESTIMATES, &estimate));
  AddUpFamilies(anneal, mean, sum);
  for (PetscInt f = 0; f < anneal->population; ++f) variance += sum[(size_t)f * SUMS + SQUARE] / anneal->population;
  PetscCall(Replicates(anneal, sum, estimate));
  PetscCall(NextRow(anneal, &row));
  PetscCall(FillRow(anneal, mean, variance, estimate, row));
  anneal->effective = effective;
  anneal->log_z += log_ratio;
  for (PetscInt b = 0; b < num; ++b) anneal->replicate[b] += log_ratio + estimate[(size_t)b * ESTIMATES + LOG_RATIO];
  PetscCall(PetscFree2(sum, estimate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
