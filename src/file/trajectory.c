/* H5MD 1.1 trajectories: one file per rung, of full size from the start. */
#include "file-impl.h"

#include <math.h>
#include <string.h>

#define GROUP "particles/trajectory/"

enum { FILL_BYTES = 16 * 1024 * 1024 };

/* A unit in molecular units; none in reduced ones. */
static const char *Unit(const TpTrajectorySettings *settings, const char *unit)
{
  return settings->units == TP_UNITS_MOLECULAR ? unit : NULL;
}

/* ------------------------------------------------------------------------------------------------- groups, attributes */

static PetscErrorCode MakeGroup(TpFile file, const char *name)
{
  const hid_t link = H5Pcreate(H5P_LINK_CREATE), create = H5Pcreate(H5P_GROUP_CREATE);
  hid_t       group;

  PetscFunctionBeginUser;
  TpCallHDF5(H5Pset_create_intermediate_group(link, 1));
  TpCallHDF5(H5Pset_obj_track_times(create, 0));
  group = H5Gcreate2(file->handle, name, link, create, H5P_DEFAULT);
  TpCallHDF5(group);
  TpCallHDF5(H5Gclose(group));
  TpCallHDF5(H5Pclose(create));
  TpCallHDF5(H5Pclose(link));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An attribute that is a short array. */
static PetscErrorCode SetArray(TpFile file, const char *object, const char *name, hsize_t count, hid_t stored,
                               hid_t memory, const void *values)
{
  const hid_t space = H5Screate_simple(1, &count, NULL);
  hid_t       attribute;

  PetscFunctionBeginUser;
  TpCallHDF5(space);
  attribute = H5Acreate_by_name(file->handle, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  TpCallHDF5(attribute);
  TpCallHDF5(H5Awrite(attribute, memory, values));
  TpCallHDF5(H5Aclose(attribute));
  TpCallHDF5(H5Sclose(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetVersion(TpFile file, const char *object, int major, int minor)
{
  const int version[2] = {major, minor};

  PetscFunctionBeginUser;
  PetscCall(SetArray(file, object, "version", 2, H5T_STD_I32LE, H5T_NATIVE_INT, version));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether each direction is periodic. */
static PetscErrorCode SetBoundary(TpFile file, const TpTrajectorySettings *settings)
{
  enum { WIDTH = sizeof("periodic") };
  char     words[3 * WIDTH] = {0};
  hid_t    type;
  PetscInt i;

  PetscFunctionBeginUser;
  for (i = 0; i < settings->dimension; ++i) strcpy(words + i * WIDTH, settings->has_box ? "periodic" : "none");
  PetscCall(TpFileTextType(WIDTH - 1, PETSC_TRUE, &type));
  PetscCall(SetArray(file, GROUP "box", "boundary", (hsize_t)settings->dimension, type, type, words));
  TpCallHDF5(H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeGroups(TpFile file, const TpTrajectorySettings *settings)
{
  PetscFunctionBeginUser;
  PetscCheck(settings->dimension >= 1 && settings->dimension <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "trajectory in %d dimensions", (int)settings->dimension);
  PetscCheck(!settings->has_box || settings->dimension == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a box in %d dimensions", (int)settings->dimension);
  PetscCall(MakeGroup(file, "h5md/author"));
  PetscCall(MakeGroup(file, "h5md/creator"));
  PetscCall(MakeGroup(file, "particles/trajectory/box"));
  PetscCall(SetVersion(file, "h5md", 1, 1));
  if (settings->units == TP_UNITS_MOLECULAR) {
    PetscCall(MakeGroup(file, "h5md/modules/units"));
    PetscCall(SetVersion(file, "h5md/modules/units", 1, 0));
  }
  PetscCall(SetBoundary(file, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteGroups(TpFile file, const TpTrajectorySettings *settings)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, MakeGroups(file, settings)));
  PetscCall(TpFileWriteText(file, "h5md/author", "name", "not given")); /* H5MD wants one; we know nobody's */
  PetscCall(TpFileWriteText(file, "h5md/creator", "name", "tempera"));
  PetscCall(TpFileWriteText(file, "h5md/creator", "version", settings->creator_version));
  PetscCall(TpFileWriteInteger(file, GROUP "box", "dimension", settings->dimension));
  if (settings->units == TP_UNITS_MOLECULAR) PetscCall(TpFileWriteText(file, "h5md/modules/units", "system", "SI"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- datasets */

/* Step and time of every frame are known from the start. */
static PetscErrorCode WriteClock(TpFile file, const TpTrajectorySettings *settings)
{
  const PetscInt64 n = settings->num_frames;
  PetscInt64      *step;
  double          *time;
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &step, n, &time));
  for (PetscInt64 i = 0; i < n; ++i) {
    step[i] = (i + 1) * settings->steps_per_frame;
    time[i] = (double)step[i] * settings->timestep;
  }
  code = TpFileWriteAll(file, GROUP "position/step", TP_FILE_INT64, 1, &n, step, NULL, "MD step of each frame");
  if (!code)
    code = TpFileWriteAll(file, GROUP "position/time", TP_FILE_DOUBLE, 1, &n, time, Unit(settings, "ps"),
                          "time of each frame");
  PetscCall(PetscFree2(step, time));
  PetscFunctionReturn(code);
}

/* Step and time of another element are the position's. */
static PetscErrorCode LinkClock(TpFile file, const char *group)
{
  char step[256], time[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(step, sizeof(step), "%s/step", group));
  PetscCall(PetscSNPrintf(time, sizeof(time), "%s/time", group));
  TpCallHDF5(H5Lcreate_hard(file->handle, GROUP "position/step", file->handle, step, H5P_DEFAULT, H5P_DEFAULT));
  TpCallHDF5(H5Lcreate_hard(file->handle, GROUP "position/time", file->handle, time, H5P_DEFAULT, H5P_DEFAULT));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Every row from `kept` on holds `nothing` [row_bytes] until it is written. Written by all ranks, once: at the speed of the disk, and the space is
  taken now. HDF5's own fill value would be written by one rank alone.
*/
static PetscErrorCode Fill(TpFile file, const char *name, TpFileType type, PetscInt64 kept, PetscInt64 num_rows,
                           PetscInt64 row_elements, const void *nothing)
{
  const size_t     element = H5Tget_size(TpFileMemoryType(type));
  const PetscInt64 rows    = PetscMax(1, FILL_BYTES / (row_elements * (PetscInt64)element));
  const PetscInt64 empty   = num_rows - kept;
  PetscInt64       first, last;
  char            *piece;
  int              size;
  PetscErrorCode   code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(file->comm, &size));
  PetscCall(PetscMalloc1((size_t)(PetscMin(rows, empty) * row_elements) * element + 1, &piece));
  for (PetscInt64 i = 0; i < PetscMin(rows, empty) * row_elements; ++i)
    memcpy(piece + (size_t)i * element, nothing, element);
  first = empty * file->rank / size;
  last  = empty * (file->rank + 1) / size;
  for (PetscInt64 done = 0; done < (empty + size - 1) / size && !code; done += rows) {
    const PetscInt64 count = PetscMax(0, PetscMin(rows, last - first - done));

    code = TpFileWriteRows(file, name, type, kept + first + done, count, piece);
  }
  PetscCall(PetscFree(piece));
  PetscFunctionReturn(code);
}

/* What is made anew: its first frames come from the old file. */
typedef struct {
  TpFile     file; /* NULL: there is none */
  PetscInt64 frames;
} Old;

/* A time-dependent element: value, and links to step and time, which are the position's own. */
static PetscErrorCode DefineElement(TpFile file, const Old *old, const char *group, TpFileType type, PetscInt rank,
                                    const PetscInt64 shape[], const char *unit, const char *description)
{
  const float   nan_float  = NAN;
  const double  nan_double = NAN;
  const int64_t minus_one  = -1;
  PetscInt64    elements   = 1;
  char          name[256];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof(name), "%s/value", group));
  PetscCall(TpFileDefine(file, name, type, rank, shape, unit, description));
  for (PetscInt d = 1; d < rank; ++d) elements *= shape[d];
  PetscCall(Fill(file, name, type, old->frames, shape[0], elements,
                 type == TP_FILE_FLOAT ? (const void *)&nan_float
                                       : (type == TP_FILE_DOUBLE ? (const void *)&nan_double : &minus_one)));
  if (old->file) PetscCall(TpFileCopyRows(old->file, file, name, old->frames));
  if (strcmp(group, GROUP "position")) PetscCall(TpAgree(file->comm, LinkClock(file, group)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DefineCounter(TpFile file, const Old *old)
{
  const PetscInt64 one = 1;

  PetscFunctionBeginUser;
  PetscCall(
      TpFileDefine(file, "parameters/frames_written", TP_FILE_INT64, 1, &one, NULL, "end of the frames written last"));
  if (old->file)
    PetscCall(TpFileWriteRows(file, "parameters/frames_written", TP_FILE_INT64, 0, file->rank ? 0 : 1, &old->frames));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DefineElements(TpFile file, const Old *old, const TpTrajectorySettings *settings)
{
  const PetscInt64 frames = settings->num_frames, particles = settings->num_particles;
  const PetscInt64 vectors[3] = {frames, particles, settings->dimension};
  const PetscInt64 edges[3]   = {frames, 3, 3};

  PetscFunctionBeginUser;
  PetscCall(WriteClock(file, settings));
  PetscCall(DefineElement(file, old, GROUP "position", TP_FILE_FLOAT, 3, vectors, Unit(settings, "nm"), "positions"));
  if (settings->velocities)
    PetscCall(
        DefineElement(file, old, GROUP "velocity", TP_FILE_FLOAT, 3, vectors, Unit(settings, "nm ps-1"), "velocities"));
  if (settings->has_box)
    PetscCall(DefineElement(file, old, GROUP "box/edges", TP_FILE_FLOAT, 3, edges, Unit(settings, "nm"),
                            "box vectors, one per row"));
  PetscCall(TpFileWriteAll(file, GROUP "mass", TP_FILE_DOUBLE, 1, &particles, settings->mass, Unit(settings, "g mol-1"),
                           "mass of each particle"));
  PetscCall(DefineElement(file, old, "observables/potential_energy", TP_FILE_DOUBLE, 1, &frames,
                          Unit(settings, "kJ mol-1"), "potential energy of each frame"));
  PetscCall(DefineElement(file, old, "observables/walker", TP_FILE_INT64, 1, &frames, NULL,
                          "identity of the configuration; -1: not written yet"));
  PetscCall(DefineCounter(file, old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(TpFile file, const Old *old, const TpTrajectorySettings *settings)
{
  PetscFunctionBeginUser;
  PetscCall(WriteGroups(file, settings));
  PetscCall(DefineElements(file, old, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Make(MPI_Comm comm, const char *path, const TpFileHeader *header, const Old *old,
                           const TpTrajectorySettings *settings)
{
  TpFileHeader placed = *header;
  TpFile       file;

  PetscFunctionBeginUser;
  placed.placed = PETSC_TRUE;
  PetscCall(TpFileCreate(comm, path, &placed, &file));
  PetscCall(TpFileConclude(&file, WriteContents(file, old, settings)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoryCreate(MPI_Comm comm, const char *path, const TpFileHeader *header,
                                  const TpTrajectorySettings *settings)
{
  const Old none = {0};

  PetscFunctionBeginUser;
  PetscCall(Make(comm, path, header, &none, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many frames there are, and how many there is room for. The same on all ranks. */
static PetscErrorCode CountFrames(TpFile file, PetscInt64 *room, PetscInt64 *written)
{
  const PetscInt64 one = 1;

  PetscFunctionBeginUser;
  PetscCall(TpFileShape(file, "observables/walker/value", 1, room));
  PetscCall(TpFileReadAll(file, "parameters/frames_written", TP_FILE_INT64, 1, &one, written));
  TpCheckInput(*written >= 0 && *written <= *room,
               "%s: %" PetscInt64_FMT " frames written, there is room for %" PetscInt64_FMT, file->path, *written,
               *room);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoryResize(MPI_Comm comm, const char *path, const TpFileHeader *header,
                                  const TpTrajectorySettings *settings, PetscBool *resized)
{
  PetscInt64     room = 0, written = 0;
  Old            old;
  PetscErrorCode code, close_code;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(comm, path, header->format, header->version, &old.file));
  code       = CountFrames(old.file, &room, &written);
  old.frames = PetscMin(written, settings->num_frames);
  *resized   = !code && room != settings->num_frames ? PETSC_TRUE : PETSC_FALSE;
  if (*resized) code = Make(comm, path, header, &old, settings);
  close_code = TpFileClose(&old.file);
  PetscFunctionReturn(code ? code : close_code);
}

/* ------------------------------------------------------------------------------------------------------------- write */

/* After the rows themselves: whoever reads the counter finds the rows. */
static PetscErrorCode WriteCounter(TpFile file, PetscInt64 first, PetscInt64 count)
{
  int64_t end = count ? first + count : 0;

  PetscFunctionBeginUser;
  PetscCall(TpAllreduce(MPI_IN_PLACE, &end, 1, MPI_INT64_T, MPI_MAX, file->comm, NULL));
  if (end) PetscCall(TpFileWriteRows(file, "parameters/frames_written", TP_FILE_INT64, 0, file->rank ? 0 : 1, &end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoryWrite(TpFile file, const TpTrajectorySettings *settings, PetscInt64 first, PetscInt64 count,
                                 const float x[], const float v[], const float box[], const double energy[],
                                 const PetscInt64 walker[])
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteRows(file, GROUP "position/value", TP_FILE_FLOAT, first, count, x));
  if (settings->velocities) PetscCall(TpFileWriteRows(file, GROUP "velocity/value", TP_FILE_FLOAT, first, count, v));
  if (settings->has_box) PetscCall(TpFileWriteRows(file, GROUP "box/edges/value", TP_FILE_FLOAT, first, count, box));
  PetscCall(TpFileWriteRows(file, "observables/potential_energy/value", TP_FILE_DOUBLE, first, count, energy));
  PetscCall(TpFileWriteRows(file, "observables/walker/value", TP_FILE_INT64, first, count, walker));
  PetscCall(WriteCounter(file, first, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}
