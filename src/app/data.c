/* Recorded trajectories: rank 0 reads them piece by piece, every rank keeps the rows of its shards. */
#include "data-impl.h"

#include <math.h>
#include <string.h>

const char *const tp_data_format_words[] = {"auto", "run", "h5md", "array", NULL};

enum { PIECE_NUMBERS = 1 << 20 };

/* Rows on their way from rank 0 to all. */
typedef struct {
  PetscInt64 rows; /* room */
  float     *features, *further;
  double    *label, *bath;
} Piece;

/* --------------------------------------------------------------------------------------------------- for all readers */

PetscErrorCode TpDataFileAllocate(TpDataFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(file->num_features, &file->name, file->num_features, &file->unit, file->num_features,
                         &file->period));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDataOpenHDF5(const char *path, hid_t *file)
{
  PetscFunctionBeginUser;
  H5E_BEGIN_TRY
  {
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  }
  H5E_END_TRY
  TpCheckInput(*file >= 0, "%s: is not there, or no HDF5 file", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpDataReadRows(const char *path, hid_t dataset, hid_t type, PetscInt64 first, PetscInt64 count,
                              void *numbers)
{
  hsize_t shape[H5S_MAX_RANK], start[H5S_MAX_RANK] = {(hsize_t)first};
  hid_t   space, memory;
  herr_t  status;

  PetscFunctionBeginUser;
  TpCallHDF5(space = H5Dget_space(dataset));
  TpCallHDF5(H5Sget_simple_extent_dims(space, shape, NULL));
  const int rank = H5Sget_simple_extent_ndims(space);

  shape[0] = (hsize_t)count;
  TpCallHDF5(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, shape, NULL));
  TpCallHDF5(memory = H5Screate_simple(rank, shape, NULL));
  H5E_BEGIN_TRY
  {
    status = H5Dread(dataset, type, memory, space, H5P_DEFAULT, numbers);
  }
  H5E_END_TRY
  TpCallHDF5(H5Sclose(memory));
  TpCallHDF5(H5Sclose(space));
  TpCheckInput(status >= 0, "%s: row %lld can't be read: the file is damaged", path, (long long)first);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- file */

/* "format" of the root, of a file of ours. */
static PetscBool IsRunFile(hid_t file)
{
  char      text[64] = "";
  hid_t     attribute, type;
  PetscBool is_run = PETSC_FALSE;

  if (H5Aexists(file, "format") <= 0) return PETSC_FALSE;
  attribute = H5Aopen(file, "format", H5P_DEFAULT);
  type      = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, sizeof(text));
  if (H5Aread(attribute, type, text) >= 0) is_run = !strcmp(text, "tempera run") ? PETSC_TRUE : PETSC_FALSE;
  H5Tclose(type);
  H5Aclose(attribute);
  return is_run;
}

static PetscErrorCode GuessFormat(const char *path, PetscInt *format)
{
  const size_t length = strlen(path);
  hid_t        file;

  PetscFunctionBeginUser;
  *format = TP_DATA_ARRAY;
  if (length > 4 && !strcmp(path + length - 4, ".npy")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpDataOpenHDF5(path, &file));
  H5E_BEGIN_TRY
  {
    if (IsRunFile(file))
      *format = TP_DATA_RUN;
    else if (H5Lexists(file, "h5md", H5P_DEFAULT) > 0)
      *format = TP_DATA_H5MD;
    H5Fclose(file);
  }
  H5E_END_TRY
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names and periods that the input gives come before those of the file. */
static PetscErrorCode OverrideFeatures(TpDataFile *file)
{
  const TpSettings *settings = file->settings;
  const PetscInt    names = settings->data.names.size, periods = settings->data.periods.size;

  PetscFunctionBeginUser;
  TpCheckInput(!names || names == file->num_features, "data.names: %d names, but %s has %d features", (int)names,
               file->path, (int)file->num_features);
  TpCheckInput(periods <= 1 || periods == file->num_features,
               "data.periods: %d periods, but %s has %d features; allowed one for all, or one for each", (int)periods,
               file->path, (int)file->num_features);
  for (PetscInt i = 0; i < file->num_features; ++i) {
    if (names)
      snprintf(file->name[i], TP_NAME_LENGTH, "%s", settings->data.names.values[i]);
    else if (!file->name[i][0])
      snprintf(file->name[i], TP_NAME_LENGTH, "x%d", (int)i);
    if (periods) file->period[i] = settings->data.periods.values[periods == 1 ? 0 : i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenFile(TpDataFile *file)
{
  static const TpDataReader *const readers[] = {NULL, &tp_data_reader_run, &tp_data_reader_h5md, &tp_data_reader_array};
  PetscInt                         format    = file->settings->data.format;

  PetscFunctionBeginUser;
  if (format == TP_DATA_AUTO) PetscCall(GuessFormat(file->path, &format));
  file->reader = readers[format];
  PetscCall(file->reader->open(file));
  PetscCall(OverrideFeatures(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseFile(TpDataFile *file)
{
  PetscFunctionBeginUser;
  if (file->own) PetscCall(file->reader->close(file));
  PetscCall(PetscFree3(file->name, file->unit, file->period));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- piece */

static PetscErrorCode PieceCreate(TpData data, PetscInt rows_per_number, Piece *piece)
{
  const PetscInt64 rows = PetscMax(1, PIECE_NUMBERS / data->num_features / rows_per_number) * rows_per_number;

  PetscFunctionBeginUser;
  piece->rows = rows;
  PetscCall(PetscMalloc4(rows * data->num_features, &piece->features, rows * data->num_further + 1, &piece->further,
                         rows, &piece->label, rows, &piece->bath));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PieceDestroy(Piece *piece)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(piece->features, piece->further, piece->label, piece->bath));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Features wrap into their period, so that all that follows sees one turn. */
static void Wrap(TpData data, PetscInt64 rows, float features[])
{
  for (PetscInt i = 0; i < data->num_features; ++i) {
    const double period = data->period[i];

    if (!(period > 0.0)) continue;
    for (PetscInt64 row = 0; row < rows; ++row) {
      float *x = features + row * data->num_features + i;

      if (fabs((double)*x) > 0.5 * period) *x = (float)remainder((double)*x, period);
    }
  }
}

static PetscErrorCode CheckPiece(TpData data, const TpDataFile *file, PetscInt64 first, PetscInt64 rows,
                                 const Piece *piece)
{
  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < rows; ++i) {
    for (PetscInt j = 0; j < data->num_features; ++j)
      TpCheckInput(isfinite(piece->features[i * data->num_features + j]),
                   "%s: row %lld, feature %d (%s) is %g; allowed are finite numbers", file->path,
                   (long long)(first + i), (int)j, data->name[j], (double)piece->features[i * data->num_features + j]);
    for (PetscInt j = 0; j < data->num_further; ++j)
      TpCheckInput(isfinite(piece->further[i * data->num_further + j]), "%s: row %lld, %s is not a finite number",
                   file->path, (long long)(first + i), data->further_name[j]);
    TpCheckInput(isfinite(piece->label[i]) && piece->label[i] > 0.0,
                 "%s: row %lld, the temperature is %g; allowed above 0", file->path, (long long)(first + i),
                 piece->label[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPiece(TpData data, TpDataFile *file, PetscInt64 first, PetscInt64 rows, Piece *piece)
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  if (data->rank == 0) {
    code = file->reader->read(file, first, rows, piece->features, piece->further, piece->label, piece->bath);
    if (!code) code = CheckPiece(data, file, first, rows, piece);
    if (!code) Wrap(data, rows, piece->features);
  }
  PetscCall(TpAgree(data->comm, code));
  if (data->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpBroadcast(piece->features, (int)(rows * data->num_features), MPI_FLOAT, 0, data->comm, NULL));
  PetscCall(TpBroadcast(piece->further, (int)(rows * data->num_further), MPI_FLOAT, 0, data->comm, NULL));
  PetscCall(TpBroadcast(piece->label, (int)rows, MPI_DOUBLE, 0, data->comm, NULL));
  PetscCall(TpBroadcast(piece->bath, (int)rows, MPI_DOUBLE, 0, data->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- rows */

static PetscBool IsSame(double a, double b)
{
  return fabs(a - b) <= 1e-6 * b ? PETSC_TRUE : PETSC_FALSE;
}

/* Keep the list of temperatures in order; with too many of them, their range alone. Returns how many rows of this one came before. */
static PetscInt64 CountTemperature(TpData data, double temperature)
{
  double  *t    = data->temperatures.values;
  PetscInt size = data->temperatures.size, at = 0;

  if (data->is_continuous) {
    t[0] = PetscMin(t[0], temperature);
    t[1] = PetscMax(t[1], temperature);
    return 0;
  }
  while (at < size && t[at] < temperature && !IsSame(t[at], temperature)) ++at;
  if (at < size && IsSame(t[at], temperature)) return data->count[at]++;
  if (size == TP_DATA_MAX_TEMPERATURES) {
    data->is_continuous     = PETSC_TRUE;
    t[1]                    = t[size - 1];
    data->temperatures.size = 2;
    return CountTemperature(data, temperature);
  }
  for (PetscInt i = size; i > at; --i) {
    t[i]           = t[i - 1];
    data->count[i] = data->count[i - 1];
  }
  t[at]           = temperature;
  data->count[at] = 1;
  ++data->temperatures.size;
  return 0;
}

/* A sum over rows of odd multiples, so that rows can't change places unseen. */
static uint64_t HashRow(uint64_t hash, size_t size, const void *numbers)
{
  const unsigned char *bytes = numbers;

  for (size_t i = 0; i < size; i += 4) {
    uint32_t word;

    memcpy(&word, bytes + i, 4);
    hash = (hash ^ word) * 0x100000001b3u;
    hash ^= hash >> 29;
  }
  return hash;
}

static PetscErrorCode Keep(TpData data, const TpDataKeptRow *kept, const float features[], const float further[])
{
  PetscFunctionBeginUser;
  if (data->num_kept == data->capacity) {
    data->capacity = PetscMax(1024, 2 * data->capacity);
    PetscCall(PetscRealloc(sizeof(TpDataKeptRow) * (size_t)data->capacity, &data->kept));
    PetscCall(PetscRealloc(sizeof(float) * (size_t)(data->capacity * data->num_features), &data->features));
    PetscCall(PetscRealloc(sizeof(float) * (size_t)(data->capacity * data->num_further + 1), &data->further));
  }
  data->kept[data->num_kept] = *kept;
  PetscCall(PetscArraycpy(data->features + data->num_kept * data->num_features, features, data->num_features));
  PetscCall(PetscArraycpy(data->further + data->num_kept * data->num_further, further, data->num_further));
  ++data->num_kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What all ranks count, and what the owner keeps. */
static PetscErrorCode TakeRow(TpData data, TpDataKeptRow *kept, const float features[], const float further[])
{
  const TpStreamSettings *stream = &data->settings->stream;

  PetscFunctionBeginUser;
  kept->order = CountTemperature(data, kept->bath);
  data->label_squares += PetscSqr(kept->label / kept->bath - 1.0);
  for (PetscInt j = 0; j < data->num_further; ++j) {
    data->further_sum[j] += (double)further[j];
    data->further_squares[j] += (double)further[j] * (double)further[j];
  }
  data->hash = HashRow(data->hash, sizeof(float) * (size_t)data->num_features, features);
  data->hash = HashRow(data->hash, sizeof(float) * (size_t)data->num_further, further);
  data->hash = HashRow(data->hash, sizeof(double), &kept->label);
  if (TpStreamFrameOwner(stream, data->size, 0, kept->row) == data->rank)
    PetscCall(Keep(data, kept, features, further));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of a file that are neither equilibration nor stepped over. */
static PetscErrorCode TakeRows(TpData data, TpDataFile *file, PetscInt64 num_rows, PetscInt rows_per_number,
                               Piece *piece)
{
  const PetscInt64 skip = data->settings->data.skip, stride = data->settings->data.stride;

  PetscFunctionBeginUser;
  for (PetscInt64 first = skip * rows_per_number; first < num_rows; first += piece->rows) {
    const PetscInt64 rows = PetscMin(piece->rows, num_rows - first);

    PetscCall(ReadPiece(data, file, first, rows, piece));
    for (PetscInt64 i = 0; i < rows; ++i) {
      const PetscInt64 number = (first + i) / rows_per_number;
      TpDataKeptRow    kept   = {
               .row = data->num_rows, .number = (number - skip) / stride, .label = piece->label[i], .bath = piece->bath[i]};

      if ((number - skip) % stride) continue;
      PetscCall(TakeRow(data, &kept, piece->features + i * data->num_features, piece->further + i * data->num_further));
      ++data->num_rows;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- files */

/* The first file says what features there are; the others must agree. On rank 0. */
static PetscErrorCode CompareFeatures(TpData data, const TpDataFile *file)
{
  PetscFunctionBeginUser;
  TpCheckInput(file->num_features == data->num_features, "%s: has %d features, the files before it %d", file->path,
               (int)file->num_features, (int)data->num_features);
  for (PetscInt i = 0; i < data->num_features; ++i)
    TpCheckInput(!strcmp(file->name[i], data->name[i]) && file->period[i] == data->period[i],
                 "%s: feature %d is '%s', in the files before it '%s'", file->path, (int)i, file->name[i],
                 data->name[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeFeatures(TpData data, const TpDataFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(TpBroadcast(&data->num_features, 1, MPIU_INT, 0, data->comm, NULL));
  PetscCall(PetscCalloc3(data->num_features, &data->name, data->num_features, &data->unit, data->num_features,
                         &data->period));
  if (data->rank == 0) {
    PetscCall(PetscArraycpy(&data->name[0], &file->name[0], data->num_features));
    PetscCall(PetscArraycpy(&data->unit[0], &file->unit[0], data->num_features));
    PetscCall(PetscArraycpy(data->period, file->period, data->num_features));
  }
  PetscCall(TpBroadcast(data->name, data->num_features * TP_NAME_LENGTH, MPI_CHAR, 0, data->comm, NULL));
  PetscCall(TpBroadcast(data->unit, data->num_features * TP_UNIT_LENGTH, MPI_CHAR, 0, data->comm, NULL));
  PetscCall(TpBroadcast(data->period, data->num_features, MPI_DOUBLE, 0, data->comm, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOpenFile(TpData data, TpDataFile *file)
{
  PetscInt64     sizes[2] = {file->num_rows, file->rows_per_number};
  PetscErrorCode code     = PETSC_SUCCESS;
  Piece          piece;

  PetscFunctionBeginUser;
  if (!data->num_features) {
    data->num_features = file->num_features;
    PetscCall(TakeFeatures(data, file));
  } else if (data->rank == 0)
    code = CompareFeatures(data, file);
  PetscCall(TpAgree(data->comm, code));
  PetscCall(TpBroadcast(sizes, 2, MPIU_INT64, 0, data->comm, NULL));
  PetscCall(PieceCreate(data, (PetscInt)sizes[1], &piece));
  code = TakeRows(data, file, sizes[0], (PetscInt)sizes[1], &piece);
  PetscCall(PieceDestroy(&piece));
  PetscFunctionReturn(code);
}

static PetscErrorCode ReadFile(TpData data, PetscInt i)
{
  const TpSettings *settings = data->settings;
  TpDataFile        file     = {.settings = settings, .path = settings->data.files.values[i]};
  PetscErrorCode    code     = PETSC_SUCCESS, close_code;

  PetscFunctionBeginUser;
  if (settings->data.temperatures.size) file.temperature = settings->data.temperatures.values[i];
  if (data->rank == 0) code = OpenFile(&file);
  code = TpAgree(data->comm, code);
  if (!code) code = ReadOpenFile(data, &file);
  close_code = CloseFile(&file);
  PetscFunctionReturn(code ? code : close_code);
}

static PetscErrorCode CheckSettings(TpConfig config, const TpSettings *settings)
{
  const PetscInt files = settings->data.files.size, temperatures = settings->data.temperatures.size;

  PetscFunctionBeginUser;
  if (temperatures && temperatures != files)
    PetscFunctionReturn(TpConfigError(config, "data.temperatures", "%d temperatures for %d files; give one for each",
                                      (int)temperatures, (int)files));
  if (settings->data.condition_columns.size > TP_MAX_FURTHER)
    PetscFunctionReturn(TpConfigError(config, "data.condition_columns", "%d columns; allowed up to %d",
                                      (int)settings->data.condition_columns.size, TP_MAX_FURTHER));
  if (settings->data.condition_names.size &&
      settings->data.condition_names.size != settings->data.condition_columns.size)
    PetscFunctionReturn(TpConfigError(config, "data.condition_names", "%d names for %d data.condition_columns",
                                      (int)settings->data.condition_names.size,
                                      (int)settings->data.condition_columns.size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void NameFurther(TpData data)
{
  const TpSettings *settings = data->settings;

  for (PetscInt i = 0; i < data->num_further; ++i) {
    if (settings->data.condition_names.size)
      snprintf(data->further_name[i], TP_NAME_LENGTH, "%s", settings->data.condition_names.values[i]);
    else
      snprintf(data->further_name[i], TP_NAME_LENGTH, "column%g", settings->data.condition_columns.values[i]);
  }
}

PetscErrorCode TpDataRead(MPI_Comm comm, TpConfig config, const TpSettings *settings, TpData *data)
{
  PetscErrorCode code = PETSC_SUCCESS;
  TpData         d;

  PetscFunctionBeginUser;
  PetscCall(CheckSettings(config, settings));
  PetscCall(PetscNew(&d));
  d->settings    = settings;
  d->comm        = comm;
  d->hash        = 0xcbf29ce484222325u;
  d->num_further = settings->data.condition_columns.size;
  NameFurther(d);
  PetscCallMPI(MPI_Comm_rank(comm, &d->rank));
  PetscCallMPI(MPI_Comm_size(comm, &d->size));
  PetscCall(PetscCalloc2(TP_DATA_MAX_TEMPERATURES, &d->temperatures.values, TP_DATA_MAX_TEMPERATURES, &d->count));
  for (PetscInt i = 0; i < settings->data.files.size && !code; ++i) code = ReadFile(d, i);
  if (!code && !d->num_rows) code = TpInputError("data.skip: nothing is left to learn from");
  if (code) PetscCall(TpDataDestroy(&d));
  *data = d;
  PetscFunctionReturn(code);
}

PetscErrorCode TpDataDestroy(TpData *data)
{
  PetscFunctionBeginUser;
  if (!*data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3((*data)->name, (*data)->unit, (*data)->period));
  PetscCall(PetscFree2((*data)->temperatures.values, (*data)->count));
  PetscCall(PetscFree((*data)->kept));
  PetscCall(PetscFree((*data)->features));
  PetscCall(PetscFree((*data)->further));
  PetscCall(PetscFree(*data));
  PetscFunctionReturn(PETSC_SUCCESS);
}
