/* A plain array [row, column], in a NumPy file or as a dataset of an HDF5 file: features, a temperature, further conditions. */
#include "data-impl.h"

#include <errno.h>
#include <string.h>

typedef struct {
  FILE      *npy;
  long       data; /* where the NumPy file's numbers begin */
  int        number_bytes;
  hid_t      file, dataset;
  PetscInt64 num_columns;
  double    *row; /* [piece, num_columns] */
  PetscInt64 capacity;
} Own;

/* ------------------------------------------------------------------------------------------------------------- NumPy */

/* 'fortran_order': False and 'shape': (5, 3) out of the header, which is the text of a Python dictionary. */
static PetscErrorCode ParseHeader(TpDataFile *file, const char *header)
{
  Own        *own   = file->own;
  const char *descr = strstr(header, "'descr':"), *order = strstr(header, "'fortran_order':"),
             *shape = strstr(header, "'shape':");
  char      type[8] = "";
  long long rows = 0, columns = 1;
  int       fields;

  PetscFunctionBeginUser;
  TpCheckInput(descr && order && shape, "%s: its NumPy header can't be read", file->path);
  TpCheckInput(sscanf(descr, "'descr': '%7[^']'", type) == 1 && (!strcmp(type, "<f4") || !strcmp(type, "<f8")),
               "%s: numbers of type '%s'; allowed are <f4 and <f8 (numpy.float32, numpy.float64)", file->path, type);
  TpCheckInput(strncmp(order + 16, " True", 5), "%s: stored by columns; save numpy.ascontiguousarray() of it",
               file->path);
  fields = sscanf(shape, "'shape': (%lld, %lld", &rows, &columns);
  TpCheckInput(fields == 2 && !strchr(strchr(shape, ',') + 1, '(') &&
                   strcspn(strchr(strchr(shape, '('), ',') + 1, ",") >
                       strcspn(strchr(strchr(shape, '('), ',') + 1, ")"),
               "%s: is no array of rows and columns", file->path);
  own->number_bytes = type[2] == '4' ? 4 : 8;
  file->num_rows    = rows;
  own->num_columns  = columns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenNumPy(TpDataFile *file)
{
  Own          *own = file->own;
  unsigned char start[12];
  char         *header;
  size_t        length, offset;

  PetscFunctionBeginUser;
  own->npy = fopen(file->path, "rb");
  TpCheckInput(own->npy, "%s: can't be read: %s", file->path, strerror(errno));
  TpCheckInput(fread(start, 1, 12, own->npy) == 12 && !memcmp(start, "\x93NUMPY", 6), "%s: is no NumPy file",
               file->path);
  offset = start[6] == 1 ? 10 : 12;
  length = start[8] + 256u * start[9] + (start[6] == 1 ? 0 : 65536u * start[10] + 16777216u * start[11]);
  TpCheckInput(length < 65536, "%s: its NumPy header can't be read", file->path);
  PetscCall(PetscCalloc1(length + 1, &header));
  own->data = (long)(offset + length);
  if (fseek(own->npy, (long)offset, SEEK_SET) || fread(header, 1, length, own->npy) != length) header[0] = '\0';
  const PetscErrorCode code = ParseHeader(file, header);
  PetscCall(PetscFree(header));
  PetscCall(code);
  fseek(own->npy, 0, SEEK_END);
  TpCheckInput(ftell(own->npy) >= own->data + (long)(file->num_rows * own->num_columns * own->number_bytes),
               "%s: is truncated: its header tells of %lld rows of %lld numbers", file->path, (long long)file->num_rows,
               (long long)own->num_columns);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadNumPy(TpDataFile *file, PetscInt64 first, PetscInt64 count)
{
  Own         *own    = file->own;
  const size_t length = (size_t)(count * own->num_columns), bytes = (size_t)own->number_bytes;
  float       *narrow = (float *)own->row;
  size_t       got    = 0;

  PetscFunctionBeginUser;
  if (!fseek(own->npy, own->data + (long)(first * own->num_columns) * own->number_bytes, SEEK_SET))
    got = fread(own->row, bytes, length, own->npy);
  TpCheckInput(got == length, "%s: can't be read after row %lld", file->path, (long long)first);
  for (size_t i = length; bytes == 4 && i > 0; --i) own->row[i - 1] = (double)narrow[i - 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- HDF5 */

/* The dataset that is named, or the only thing there is. */
static PetscErrorCode FindDataset(TpDataFile *file)
{
  Own        *own  = file->own;
  const char *name = file->settings->data.dataset;
  char        only[256];
  hsize_t     count = 0;

  PetscFunctionBeginUser;
  if (!name[0]) {
    TpCallHDF5(H5Gget_num_objs(own->file, &count));
    TpCheckInput(count == 1 && H5Gget_objname_by_idx(own->file, 0, only, sizeof(only)) > 0,
                 "%s: holds %d things; say by data.dataset which one", file->path, (int)count);
    name = only;
  }
  H5E_BEGIN_TRY
  {
    own->dataset = H5Dopen2(own->file, name, H5P_DEFAULT);
  }
  H5E_END_TRY
  TpCheckInput(own->dataset >= 0, "%s: has no dataset '%.200s'", file->path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenHDF5(TpDataFile *file)
{
  Own    *own = file->own;
  hsize_t shape[2];
  hid_t   space, type;

  PetscFunctionBeginUser;
  PetscCall(TpDataOpenHDF5(file->path, &own->file));
  PetscCall(FindDataset(file));
  TpCallHDF5(space = H5Dget_space(own->dataset));
  TpCallHDF5(type = H5Dget_type(own->dataset));
  const PetscBool fits =
      H5Sget_simple_extent_ndims(space) == 2 && (H5Tget_class(type) == H5T_FLOAT || H5Tget_class(type) == H5T_INTEGER)
          ? PETSC_TRUE
          : PETSC_FALSE;
  if (fits) TpCallHDF5(H5Sget_simple_extent_dims(space, shape, NULL));
  TpCallHDF5(H5Sclose(space));
  TpCallHDF5(H5Tclose(type));
  TpCheckInput(fits, "%s: the dataset is no array of rows and columns of numbers", file->path);
  file->num_rows   = (PetscInt64)shape[0];
  own->num_columns = (PetscInt64)shape[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- both */

/* What a column is: 0 a feature, 1 the temperature, 2 + i further condition i. */
static PetscInt RoleOf(const TpSettings *settings, PetscInt64 column)
{
  const TpRealList *further = &settings->data.condition_columns;

  if (column == settings->data.temperature_column) return 1;
  for (PetscInt i = 0; i < further->size; ++i)
    if (column == (PetscInt64)further->values[i]) return 2 + i;
  return 0;
}

static PetscErrorCode CheckColumns(TpDataFile *file)
{
  const TpSettings *settings = file->settings;
  const PetscInt64  columns  = ((Own *)file->own)->num_columns;

  PetscFunctionBeginUser;
  TpCheckInput(
      settings->data.temperature_column >= 0 || file->temperature > 0.0,
      "data.temperature_column: %s has %lld columns; say which one, counted from 0, is the temperature, or give "
      "data.temperatures, one for each file",
      file->path, (long long)columns);
  TpCheckInput(settings->data.temperature_column < columns,
               "data.temperature_column: %lld, but %s has the columns 0 to %lld",
               (long long)settings->data.temperature_column, file->path, (long long)columns - 1);
  for (PetscInt i = 0; i < settings->data.condition_columns.size; ++i)
    TpCheckInput(settings->data.condition_columns.values[i] < (double)columns,
                 "data.condition_columns: %g, but %s has the columns 0 to %lld",
                 settings->data.condition_columns.values[i], file->path, (long long)columns - 1);
  for (PetscInt64 c = 0; c < columns; ++c) file->num_features += RoleOf(settings, c) == 0;
  TpCheckInput(file->num_features >= 1 && file->num_rows >= 1, "%s: %lld rows with %d features; allowed 1 or more",
               file->path, (long long)file->num_rows, (int)file->num_features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(TpDataFile *file)
{
  const size_t length = strlen(file->path);
  Own         *own;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&own));
  file->own             = own;
  own->file             = -1;
  own->dataset          = -1;
  file->rows_per_number = 1;
  if (length > 4 && !strcmp(file->path + length - 4, ".npy"))
    PetscCall(OpenNumPy(file));
  else
    PetscCall(OpenHDF5(file));
  PetscCall(CheckColumns(file));
  PetscCall(TpDataFileAllocate(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(TpDataFile *file, PetscInt64 first, PetscInt64 count, float features[], float further[],
                           double label[], double bath[])
{
  Own *own = file->own;

  PetscFunctionBeginUser;
  if (count > own->capacity) {
    PetscCall(PetscRealloc(sizeof(double) * (size_t)(count * own->num_columns), &own->row));
    own->capacity = count;
  }
  if (own->npy)
    PetscCall(ReadNumPy(file, first, count));
  else
    PetscCall(TpDataReadRows(file->path, own->dataset, H5T_NATIVE_DOUBLE, first, count, own->row));
  for (PetscInt64 i = 0; i < count; ++i) {
    const double *row = own->row + i * own->num_columns;

    label[i] = file->temperature;
    for (PetscInt64 c = 0; c < own->num_columns; ++c) {
      const PetscInt role = RoleOf(file->settings, c);

      if (role == 0)
        *features++ = (float)row[c];
      else if (role == 1)
        label[i] = row[c];
      else
        further[i * file->settings->data.condition_columns.size + role - 2] = (float)row[c];
    }
    bath[i] = file->temperature > 0.0 ? file->temperature : label[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Close(TpDataFile *file)
{
  Own *own = file->own;

  PetscFunctionBeginUser;
  if (own->npy) fclose(own->npy);
  if (own->dataset >= 0) TpCallHDF5(H5Dclose(own->dataset));
  if (own->file >= 0) TpCallHDF5(H5Fclose(own->file));
  PetscCall(PetscFree(own->row));
  PetscCall(PetscFree(own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const TpDataReader tp_data_reader_array = {.open = Open, .read = Read, .close = Close};
