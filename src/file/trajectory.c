/* H5MD 1.1 trajectories: a file of a rung or of a walker, of full size from the start. */
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

/* The frames of a file, written or not: known from the start. */
typedef struct {
  PetscInt64  num_frames;
  PetscInt64 *step; /* [num_frames] MD step of each, rising */
} Frames;

/* Frames [0, kept) at the steps given, and behind `done_steps` those that the settings ask for. Free frames->step. */
static PetscErrorCode PlanFrames(const TpTrajectorySettings *settings, PetscInt64 kept, const PetscInt64 step[],
                                 PetscInt64 done_steps, Frames *frames)
{
  const PetscInt64 interval = settings->steps_per_frame;
  const PetscInt64 before   = interval ? done_steps / interval : 0;
  const PetscInt64 to_come  = interval ? PetscMax(0, settings->num_steps / interval - before) : 0;

  PetscFunctionBeginUser;
  frames->num_frames = kept + to_come;
  PetscCall(PetscMalloc1(frames->num_frames, &frames->step));
  for (PetscInt64 i = 0; i < kept; ++i) frames->step[i] = step[i];
  for (PetscInt64 i = 0; i < to_come; ++i) frames->step[kept + i] = (before + i + 1) * interval;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteClock(TpFile file, const Frames *frames, const TpTrajectorySettings *settings)
{
  const PetscInt64 n = frames->num_frames;
  double          *time;
  PetscErrorCode   code;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &time));
  for (PetscInt64 i = 0; i < n; ++i) time[i] = (double)frames->step[i] * settings->timestep;
  code = TpFileWriteAll(file, GROUP "position/step", TP_FILE_INT64, 1, &n, frames->step, NULL, "MD step of each frame");
  if (!code)
    code = TpFileWriteAll(file, GROUP "position/time", TP_FILE_DOUBLE, 1, &n, time, Unit(settings, "ps"),
                          "time of each frame");
  PetscCall(PetscFree(time));
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
  PetscInt64 velocities; /* of the first frames; 0: it has none */
} Old;

/* A time-dependent element: value, and links to step and time, which are the position's own. */
static PetscErrorCode DefineElement(TpFile file, TpFile old, PetscInt64 old_frames, const char *group, TpFileType type,
                                    PetscInt rank, const PetscInt64 shape[], const char *unit, const char *description)
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
  PetscCall(Fill(file, name, type, old_frames, shape[0], elements,
                 type == TP_FILE_FLOAT ? (const void *)&nan_float
                                       : (type == TP_FILE_DOUBLE ? (const void *)&nan_double : &minus_one)));
  if (old_frames) PetscCall(TpFileCopyRows(old, file, name, old_frames));
  if (strcmp(group, GROUP "position")) PetscCall(TpAgree(file->comm, LinkClock(file, group)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DefineCounter(TpFile file, const Old *old)
{
  const PetscInt64 one = 1;

  PetscFunctionBeginUser;
  PetscCall(
      TpFileDefine(file, "parameters/frames_written", TP_FILE_INT64, 1, &one, NULL, "end of the frames written last"));
  if (old->frames)
    PetscCall(TpFileWriteRows(file, "parameters/frames_written", TP_FILE_INT64, 0, file->rank ? 0 : 1, &old->frames));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DefineElements(TpFile file, const Old *old, const Frames *frames,
                                     const TpTrajectorySettings *settings)
{
  const PetscInt64 n = frames->num_frames, kept = old->frames, particles = settings->num_particles;
  const PetscInt64 vectors[3] = {n, particles, settings->dimension};
  const PetscInt64 edges[3]   = {n, 3, 3};

  PetscFunctionBeginUser;
  PetscCall(WriteClock(file, frames, settings));
  PetscCall(DefineElement(file, old->file, kept, GROUP "position", TP_FILE_FLOAT, 3, vectors, Unit(settings, "nm"),
                          "positions"));
  if (settings->velocities || old->velocities)
    PetscCall(DefineElement(file, old->file, old->velocities, GROUP "velocity", TP_FILE_FLOAT, 3, vectors,
                            Unit(settings, "nm ps-1"), "velocities; NaN: not kept"));
  if (settings->has_box)
    PetscCall(DefineElement(file, old->file, kept, GROUP "box/edges", TP_FILE_FLOAT, 3, edges, Unit(settings, "nm"),
                            "box vectors, one per row"));
  PetscCall(TpFileWriteAll(file, GROUP "mass", TP_FILE_DOUBLE, 1, &particles, settings->mass, Unit(settings, "g mol-1"),
                           "mass of each particle"));
  PetscCall(DefineElement(file, old->file, kept, "observables/potential_energy", TP_FILE_DOUBLE, 1, &n,
                          Unit(settings, "kJ mol-1"), "potential energy of each frame"));
  PetscCall(DefineElement(file, old->file, kept, "observables/walker", TP_FILE_INT64, 1, &n, NULL,
                          "identity of the configuration; -1: not written yet"));
  PetscCall(DefineElement(file, old->file, kept, "observables/rung", TP_FILE_INT64, 1, &n, NULL,
                          "rung that generated the frame; -1: not written yet"));
  PetscCall(DefineElement(file, old->file, kept, "observables/temperature", TP_FILE_DOUBLE, 1, &n, Unit(settings, "K"),
                          "temperature of that rung"));
  PetscCall(DefineCounter(file, old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(TpFile file, const Old *old, const Frames *frames,
                                    const TpTrajectorySettings *settings)
{
  PetscFunctionBeginUser;
  PetscCall(WriteGroups(file, settings));
  PetscCall(DefineElements(file, old, frames, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Make(MPI_Comm comm, const char *path, const TpFileHeader *header, const Old *old,
                           const Frames *frames, const TpTrajectorySettings *settings)
{
  TpFileHeader placed = *header;
  TpFile       file;

  PetscFunctionBeginUser;
  placed.placed = PETSC_TRUE;
  PetscCall(TpFileCreate(comm, path, &placed, &file));
  PetscCall(TpFileConclude(&file, WriteContents(file, old, frames, settings)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTrajectoryCreate(MPI_Comm comm, const char *path, const TpFileHeader *header,
                                  const TpTrajectorySettings *settings, PetscInt64 done_steps)
{
  const Old      none = {0};
  Frames         frames;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PlanFrames(settings, 0, NULL, done_steps, &frames));
  code = Make(comm, path, header, &none, &frames, settings);
  PetscCall(PetscFree(frames.step));
  PetscFunctionReturn(code);
}

/* ---------------------------------------------------------------------------------------------------------- continue */

/* What the file has: its frames, how many of them are written, and whether there are velocities. The same on all ranks. Free frames->step. */
static PetscErrorCode LookAt(TpFile file, Frames *frames, PetscInt64 *written, PetscBool *velocities)
{
  const PetscInt64 one = 1;

  PetscFunctionBeginUser;
  frames->step = NULL;
  PetscCall(TpFileHas(file, GROUP "velocity/value", velocities));
  PetscCall(TpFileShape(file, GROUP "position/step", 1, &frames->num_frames));
  PetscCall(TpFileReadAll(file, "parameters/frames_written", TP_FILE_INT64, 1, &one, written));
  TpCheckInput(*written >= 0 && *written <= frames->num_frames,
               "%s: %" PetscInt64_FMT " frames written, there is room for %" PetscInt64_FMT, file->path, *written,
               frames->num_frames);
  PetscCall(PetscMalloc1(frames->num_frames, &frames->step));
  PetscCall(TpFileReadAll(file, GROUP "position/step", TP_FILE_INT64, 1, &frames->num_frames, frames->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many of the first frames are the same in both. */
static PetscInt64 SameFrames(const Frames *a, const Frames *b)
{
  const PetscInt64 end  = PetscMin(a->num_frames, b->num_frames);
  PetscInt64       same = 0;

  while (same < end && a->step[same] == b->step[same]) ++same;
  return same;
}

/* From what is open for reading to a new file, if that is to be another one. */
static PetscErrorCode Renew(TpFile file, const TpFileHeader *header, const TpTrajectorySettings *settings,
                            PetscInt64 done_steps, const Frames *there, PetscInt64 written, PetscBool had_velocities,
                            PetscInt64 *first_frame, PetscBool *made_anew)
{
  PetscInt64     kept = 0, same;
  Frames         wanted;
  PetscBool      stale;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  while (kept < written && there->step[kept] <= done_steps) ++kept;
  PetscCall(PlanFrames(settings, kept, there->step, done_steps, &wanted));
  same  = SameFrames(there, &wanted);
  stale = had_velocities && !settings->velocities && written > kept ? PETSC_TRUE : PETSC_FALSE;
  *made_anew =
      same < there->num_frames || same < wanted.num_frames || (settings->velocities && !had_velocities) || stale
          ? PETSC_TRUE
          : PETSC_FALSE;
  if (*made_anew) {
    /* Frames behind `done_steps` that stay the same are copied too: a later checkpoint may count on them. */
    const Old old = {file, PetscMin(same, written), had_velocities ? (stale ? kept : PetscMin(same, written)) : 0};

    code = Make(file->comm, file->path, header, &old, &wanted, settings);
  }
  *first_frame = kept;
  PetscCall(PetscFree(wanted.step));
  PetscFunctionReturn(code);
}

PetscErrorCode TpTrajectoryContinue(MPI_Comm comm, const char *path, const TpFileHeader *header,
                                    const TpTrajectorySettings *settings, PetscInt64 done_steps,
                                    PetscInt64 *first_frame, PetscBool *made_anew)
{
  PetscInt64     written = 0;
  PetscBool      velocities;
  Frames         there;
  TpFile         file;
  PetscErrorCode code, close_code;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(comm, path, header->format, header->version, &file));
  code = LookAt(file, &there, &written, &velocities);
  if (!code) code = Renew(file, header, settings, done_steps, &there, written, velocities, first_frame, made_anew);
  PetscCall(PetscFree(there.step));
  close_code = TpFileClose(&file);
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
                                 const TpTrajectoryFrames *frames)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileWriteRows(file, GROUP "position/value", TP_FILE_FLOAT, first, count, frames->x));
  if (settings->velocities)
    PetscCall(TpFileWriteRows(file, GROUP "velocity/value", TP_FILE_FLOAT, first, count, frames->v));
  if (settings->has_box)
    PetscCall(TpFileWriteRows(file, GROUP "box/edges/value", TP_FILE_FLOAT, first, count, frames->box));
  PetscCall(TpFileWriteRows(file, "observables/potential_energy/value", TP_FILE_DOUBLE, first, count, frames->energy));
  PetscCall(TpFileWriteRows(file, "observables/temperature/value", TP_FILE_DOUBLE, first, count, frames->temperature));
  PetscCall(TpFileWriteRows(file, "observables/walker/value", TP_FILE_INT64, first, count, frames->walker));
  PetscCall(TpFileWriteRows(file, "observables/rung/value", TP_FILE_INT64, first, count, frames->rung));
  PetscCall(WriteCounter(file, first, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}
