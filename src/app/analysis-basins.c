/* Basins and surfaces: from names in the input to features, and where a frame lies. */
#include "analysis.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------------- names */

static PetscInt FindFeature(const TpSamples *samples, const char *name)
{
  for (PetscInt i = 0; i < samples->num_features; ++i)
    if (!strcmp(samples->name[i], name)) return i;
  return -1;
}

/* Names may have blanks in them: try where the first one could end. */
PetscErrorCode TpSurfaceFind(TpConfig config, const char *text, const TpSamples *samples, PetscInt *first,
                             PetscInt *second)
{
  PetscFunctionBeginUser;
  *second = -1;
  *first  = FindFeature(samples, text);
  if (*first >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (*first = 0; *first < samples->num_features; ++*first) {
    const size_t length = strlen(samples->name[*first]);

    if (strncmp(samples->name[*first], text, length) || text[length] != ' ') continue;
    *second = FindFeature(samples, text + length + 1);
    if (*second >= 0) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscFunctionReturn(TpConfigError(config, "analysis.surfaces",
                                    "'%s' is neither a feature nor a pair of features; the first feature is '%s'", text,
                                    samples->name[0]));
}

/* ------------------------------------------------------------------------------------------------------------- boxes */

static TpDimension DimensionOf(const char *unit)
{
  if (!strcmp(unit, "rad")) return TP_DIMENSION_ANGLE;
  return !strcmp(unit, "nm") ? TP_DIMENSION_LENGTH : TP_DIMENSION_NONE;
}

/* "left.phi2: [0, 115 deg]" -> "left", "phi2" and the two numbers. */
static PetscErrorCode ReadBox(TpConfig config, const char *text, const TpSamples *samples, char basin[TP_NAME_LENGTH],
                              TpBox *box)
{
  char feature[TP_NAME_LENGTH], low[TP_NAME_LENGTH], high[TP_NAME_LENGTH], end = '\0', rest;

  PetscFunctionBeginUser;
  if (sscanf(text, "%63[^.].%63[^:]: [%63[^],], %63[^],]%c%c", basin, feature, low, high, &end, &rest) != 5 ||
      end != ']')
    PetscFunctionReturn(TpConfigError(config, "analysis.basins",
                                      "'%s' is no box; allowed are as in 'left: {phi2: [0, 115 deg]}'", text));
  box->feature = FindFeature(samples, feature);
  if (box->feature < 0)
    PetscFunctionReturn(
        TpConfigError(config, "analysis.basins", "'%s' is no feature; the first is '%s'", feature, samples->name[0]));
  const TpDimension dimension = DimensionOf(samples->unit[box->feature]);

  PetscCall(TpErrorAbout(TpQuantityParse(low, dimension, samples->units, &box->low), "analysis.basins"));
  PetscCall(TpErrorAbout(TpQuantityParse(high, dimension, samples->units, &box->high), "analysis.basins"));
  if (!(samples->period[box->feature] > 0.0) && !(box->low < box->high))
    PetscFunctionReturn(
        TpConfigError(config, "analysis.basins", "'%s': the first number must be the smaller one", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static TpBasin *FindBasin(PetscInt num, TpBasin *basins, const char *name)
{
  for (PetscInt b = 0; b < num; ++b)
    if (!strcmp(basins[b].name, name)) return &basins[b];
  return NULL;
}

PetscErrorCode TpBasinsCreate(TpConfig config, const TpTextList *texts, const TpSamples *samples, PetscInt *num,
                              TpBasin **basins)
{
  PetscFunctionBeginUser;
  *num = 0;
  PetscCall(PetscCalloc1(PetscMax(1, texts->size), basins));
  for (PetscInt i = 0; i < texts->size; ++i) {
    char     name[TP_NAME_LENGTH];
    TpBasin *basin;
    TpBox    box;

    PetscCall(ReadBox(config, texts->values[i], samples, name, &box));
    basin = FindBasin(*num, *basins, name);
    if (!basin) {
      basin = &(*basins)[(*num)++];
      snprintf(basin->name, sizeof(basin->name), "%s", name);
      PetscCall(PetscMalloc1(texts->size, &basin->box));
    }
    basin->box[basin->num_boxes++] = box;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpBasinsDestroy(PetscInt num, TpBasin **basins)
{
  PetscFunctionBeginUser;
  for (PetscInt b = 0; b < num; ++b) PetscCall(PetscFree((*basins)[b].box));
  PetscCall(PetscFree(*basins));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From `low` on, once around at most. */
static double Ahead(double value, double low, double period)
{
  return value - low - period * floor((value - low) / period);
}

PetscBool TpBasinHolds(const TpBasin *basin, const double period[], const float features[])
{
  for (PetscInt i = 0; i < basin->num_boxes; ++i) {
    const TpBox *box   = &basin->box[i];
    const double value = features[box->feature], around = period[box->feature];

    if (around > 0.0 && box->high - box->low >= around) continue;
    if (around > 0.0 ? Ahead(value, box->low, around) >= Ahead(box->high, box->low, around)
                     : value < box->low || value >= box->high)
      return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* --------------------------------------------------------------------------------------------------------------- bins */

PetscInt TpSurfaceBin(const TpSurface *surface, const double period[], const float features[])
{
  PetscInt index = 0;

  for (int i = 0; i < 2 && surface->feature[i] >= 0; ++i) {
    const PetscInt feature = surface->feature[i];
    const double   width   = surface->high[i] - surface->low[i];
    double         place   = (features[feature] - surface->low[i]) / width;

    if (period[feature] > 0.0) place -= floor(place);
    index = index * surface->bins +
            (PetscInt)PetscMin(PetscMax(place * (double)surface->bins, 0.0), (double)surface->bins - 1.0);
  }
  return index;
}
