/* What is asked of recorded trajectories that have been read. */
#include "data-impl.h"

#include <math.h>

const TpRealList *TpDataTemperatures(TpData data)
{
  return &data->temperatures;
}

PetscBool TpDataIsContinuous(TpData data)
{
  return data->is_continuous;
}

PetscInt64 TpDataCount(TpData data, PetscInt rung)
{
  return data->is_continuous ? data->num_rows / 2 : data->count[rung];
}

PetscInt64 TpDataSize(TpData data)
{
  return data->num_rows;
}

uint64_t TpDataHash(TpData data)
{
  return data->hash;
}

/* The relative variance of a kinetic temperature is 2 / N_f. */
double TpDataDegreesOfFreedom(TpData data)
{
  const double variance = data->label_squares / (double)data->num_rows;

  return variance > 1e-12 ? 2.0 / variance : 0.0;
}

PetscInt TpDataNumFeatures(TpData data)
{
  return data->num_features;
}

const char *TpDataName(TpData data, PetscInt i)
{
  return data->name[i];
}

const char *TpDataUnit(TpData data, PetscInt i)
{
  return data->unit[i];
}

const double *TpDataPeriods(TpData data)
{
  return data->period;
}

TpUnitSystem TpDataUnits(TpData data)
{
  return (TpUnitSystem)data->settings->data.units;
}

void TpDataSetFurther(TpData data, TpCondition *condition)
{
  const double rows = (double)data->num_rows;

  condition->num_further = data->num_further;
  for (PetscInt i = 0; i < data->num_further; ++i) {
    const double mean     = data->further_sum[i] / rows;
    const double variance = data->further_squares[i] / rows - mean * mean;

    condition->further_mean[i]  = mean;
    condition->further_scale[i] = variance > 1e-12 * (1.0 + mean * mean) ? sqrt(variance) : 1.0;
  }
}

const char *TpDataFurtherName(TpData data, PetscInt i)
{
  return data->further_name[i];
}

PetscInt64 TpDataNumKept(TpData data)
{
  return data->num_kept;
}

/* The rung of a temperature: the nearest one, as those in the list came from the rows themselves. */
static PetscInt RungOf(TpData data, double bath)
{
  const double *t    = data->temperatures.values;
  PetscInt      rung = 0;

  for (PetscInt k = 1; k < data->temperatures.size && !data->is_continuous; ++k)
    if (fabs(t[k] - bath) < fabs(t[rung] - bath)) rung = k;
  return rung;
}

TpDataRow TpDataKept(TpData data, PetscInt64 i)
{
  const TpDataKeptRow *kept = &data->kept[i];
  const PetscInt       rung = RungOf(data, kept->bath);

  return (TpDataRow){.row         = kept->row,
                     .number      = kept->number,
                     .second_half = 2 * kept->order >= TpDataCount(data, rung) ? PETSC_TRUE : PETSC_FALSE,
                     .rung        = rung,
                     .label       = kept->label,
                     .features    = data->features + i * data->num_features,
                     .further     = data->further + i * data->num_further};
}
