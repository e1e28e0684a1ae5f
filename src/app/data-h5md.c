/* Positions of an H5MD file (nongnu.org/h5md, version 1.1), and the features computed from them. */
#include "data-impl.h"

#include <string.h>

typedef struct {
  hid_t      file, positions, edges;
  PetscInt   size;      /* numbers of a frame's positions */
  PetscInt   dimension; /* 3 of particles, 1 of other coordinates */
  PetscInt   num_edges; /* of a frame: 0, dimension, or 9 */
  PetscBool  edges_move;
  double     length; /* of the file's unit, in nm */
  TpTopology topology;
  TpFeatures features;
  double    *x; /* [size] */
  double     box[9];
} Own;

static hid_t OpenQuietly(hid_t file, const char *name)
{
  hid_t dataset;

  H5E_BEGIN_TRY
  {
    dataset = H5Dopen2(file, name, H5P_DEFAULT);
  }
  H5E_END_TRY
  return dataset;
}

/* Extents of a dataset of up to 3 dimensions; returns how many it has. */
static int Extents(hid_t dataset, hsize_t shape[3])
{
  const hid_t space = H5Dget_space(dataset);
  int         rank  = H5Sget_simple_extent_ndims(space);

  shape[0] = shape[1] = shape[2] = 1;
  if (rank < 1 || rank > 3 || H5Sget_simple_extent_dims(space, shape, NULL) < 0) rank = 0;
  H5Sclose(space);
  return rank;
}

/* nm of the unit that the positions are in; 1 where none is said. */
static PetscErrorCode ReadLength(TpDataFile *file, hid_t positions, double *length)
{
  char  unit[64] = "";
  hid_t attribute, type, text;

  PetscFunctionBeginUser;
  *length = 1.0;
  if (H5Aexists(positions, "unit") <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  TpCallHDF5(attribute = H5Aopen(positions, "unit", H5P_DEFAULT));
  TpCallHDF5(type = H5Aget_type(attribute));
  if (H5Tis_variable_str(type) > 0) {
    char *value = NULL;

    TpCallHDF5(text = H5Tcopy(type));
    TpCallHDF5(H5Aread(attribute, text, &value));
    snprintf(unit, sizeof(unit), "%s", value ? value : "");
    H5free_memory(value);
  } else {
    TpCallHDF5(text = H5Tcopy(H5T_C_S1));
    TpCallHDF5(H5Tset_size(text, sizeof(unit)));
    TpCallHDF5(H5Aread(attribute, text, unit));
  }
  TpCallHDF5(H5Tclose(text));
  TpCallHDF5(H5Tclose(type));
  TpCallHDF5(H5Aclose(attribute));
  if (unit[0])
    PetscCall(TpErrorAbout(TpQuantityParse(!strcmp(unit, "Angstrom") ? "1 angstrom"
                                           : !strcmp(unit, "nm")     ? "1 nm"
                                           : !strcmp(unit, "pm")     ? "1 pm"
                                           : !strcmp(unit, "A")      ? "1 A"
                                                                     : unit,
                                           TP_DIMENSION_LENGTH, TP_UNITS_MOLECULAR, length),
                           file->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* particles/NAME/position/value and particles/NAME/box/edges of the first group of particles. */
static PetscErrorCode OpenParticles(TpDataFile *file)
{
  Own    *own        = file->own;
  char    group[128] = "", name[256];
  hsize_t shape[3];
  hid_t   particles;
  int     rank;

  PetscFunctionBeginUser;
  H5E_BEGIN_TRY
  {
    particles = H5Gopen2(own->file, "/particles", H5P_DEFAULT);
  }
  H5E_END_TRY
  TpCheckInput(particles >= 0, "%s: has no group /particles: it is no H5MD file", file->path);
  const ssize_t length = H5Gget_objname_by_idx(particles, 0, group, sizeof(group));
  TpCallHDF5(H5Gclose(particles));
  snprintf(name, sizeof(name), "/particles/%s/position/value", group);
  own->positions = length > 0 ? OpenQuietly(own->file, name) : -1;
  TpCheckInput(own->positions >= 0, "%s: has no positions in %s", file->path, name);
  rank = Extents(own->positions, shape);
  TpCheckInput(rank == 3 && shape[0] >= 1 && shape[1] * shape[2] >= 1 && shape[2] <= 3,
               "%s: %s is no array of frames, particles and coordinates", file->path, name);
  file->num_rows = (PetscInt64)shape[0];
  own->size      = (PetscInt)(shape[1] * shape[2]);
  own->dimension = shape[2] == 3 ? 3 : 1;
  PetscCall(ReadLength(file, own->positions, &own->length));
  if (shape[2] != 3) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(name, sizeof(name), "/particles/%s/box/edges/value", group);
  own->edges      = OpenQuietly(own->file, name);
  own->edges_move = own->edges >= 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!own->edges_move) {
    snprintf(name, sizeof(name), "/particles/%s/box/edges", group);
    own->edges = OpenQuietly(own->file, name);
  }
  if (own->edges < 0) PetscFunctionReturn(PETSC_SUCCESS);
  rank           = Extents(own->edges, shape);
  own->num_edges = (PetscInt)(own->edges_move ? shape[1] * shape[2] : shape[0] * shape[1]);
  TpCheckInput(own->num_edges == 3 || own->num_edges == 9, "%s: %s is neither 3 edges nor 3 vectors", file->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateFeatures(TpDataFile *file)
{
  Own                  *own      = file->own;
  const TpSettings     *settings = file->settings;
  const TpFeatureSystem system   = {.size          = own->size,
                                    .num_particles = own->size / own->dimension,
                                    .dimension     = own->dimension,
                                    .has_box       = own->num_edges ? PETSC_TRUE : PETSC_FALSE,
                                    .boltzmann     = TpBoltzmann((TpUnitSystem)settings->data.units),
                                    .topology      = own->topology.num_atoms ? &own->topology : NULL};

  PetscFunctionBeginUser;
  TpCheckInput(!own->topology.num_atoms || 3 * own->topology.num_atoms == own->size,
               "data.topology: %d atoms, but %s has %d particles", (int)own->topology.num_atoms, file->path,
               (int)system.num_particles);
  PetscCall(TpFeaturesCreate(&settings->features, &system, &own->features));
  file->num_features = TpFeaturesCount(own->features);
  PetscCall(TpDataFileAllocate(file));
  for (PetscInt i = 0; i < file->num_features; ++i) {
    snprintf(file->name[i], TP_NAME_LENGTH, "%s", TpFeaturesName(own->features, i));
    snprintf(file->unit[i], TP_UNIT_LENGTH, "%s", TpFeaturesUnit(own->features, i));
    file->period[i] = TpFeaturesPeriods(own->features)[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(TpDataFile *file)
{
  Own *own;

  PetscFunctionBeginUser;
  TpCheckInput(file->temperature > 0.0, "data.temperatures: %s tells no temperature; give one for each of data.files",
               file->path);
  TpCheckInput(!file->settings->data.condition_columns.size, "data.condition_columns: %s has no columns", file->path);
  PetscCall(PetscNew(&own));
  file->own             = own;
  file->rows_per_number = 1;
  own->file = own->positions = own->edges = -1;
  if (file->settings->data.topology[0]) PetscCall(TpTopologyReadPDB(file->settings->data.topology, &own->topology));
  PetscCall(TpDataOpenHDF5(file->path, &own->file));
  PetscCall(OpenParticles(file));
  PetscCall(CreateFeatures(file));
  PetscCall(PetscMalloc1(own->size, &own->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadBox(TpDataFile *file, PetscInt64 frame)
{
  Own   *own      = file->own;
  double edges[9] = {0.0};

  PetscFunctionBeginUser;
  if (!own->num_edges) PetscFunctionReturn(PETSC_SUCCESS);
  if (own->edges_move)
    PetscCall(TpDataReadRows(file->path, own->edges, H5T_NATIVE_DOUBLE, frame, 1, edges));
  else
    TpCallHDF5(H5Dread(own->edges, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, edges));
  PetscCall(PetscArrayzero(own->box, 9));
  for (PetscInt i = 0; i < own->num_edges; ++i) own->box[own->num_edges == 3 ? 4 * i : i] = edges[i] * own->length;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(TpDataFile *file, PetscInt64 first, PetscInt64 count, float features[], float further[],
                           double label[], double bath[])
{
  Own *own = file->own;

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < count; ++i) {
    PetscCall(TpDataReadRows(file->path, own->positions, H5T_NATIVE_DOUBLE, first + i, 1, own->x));
    for (PetscInt j = 0; j < own->size; ++j) own->x[j] *= own->length;
    PetscCall(ReadBox(file, first + i));
    PetscCall(TpFeaturesCompute(own->features, own->x, own->box, features + i * file->num_features));
    label[i] = bath[i] = file->temperature;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(TpDataFile *file)
{
  Own *own = file->own;

  PetscFunctionBeginUser;
  if (own->edges >= 0) TpCallHDF5(H5Dclose(own->edges));
  if (own->positions >= 0) TpCallHDF5(H5Dclose(own->positions));
  if (own->file >= 0) TpCallHDF5(H5Fclose(own->file));
  PetscCall(TpFeaturesDestroy(&own->features));
  PetscCall(TpTopologyDestroy(&own->topology));
  PetscCall(PetscFree(own->x));
  PetscCall(PetscFree(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpDataReader tp_data_reader_h5md = {.open = Open, .read = Read, .close = Close};
