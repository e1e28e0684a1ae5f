/* H5MD trajectories, looked at through the plain HDF5 interface as other programs do. */
#include "scratch.h"

#include <math.h>

enum { FRAMES = 12, PARTICLES = 5, STEPS_PER_FRAME = 500 };

static const double mass[PARTICLES] = {12.011, 1.008, 15.999, 14.007, 1.008};

static TpTrajectorySettings Settings(TpUnitSystem units, PetscBool full)
{
  return (TpTrajectorySettings){
      .num_particles   = PARTICLES,
      .dimension       = full ? 3 : 1,
      .has_box         = full,
      .velocities      = full,
      .units           = units,
      .timestep        = 0.002,
      .steps_per_frame = STEPS_PER_FRAME,
      .num_steps       = FRAMES * STEPS_PER_FRAME,
      .creator_version = "0.1.0",
      .mass            = mass,
  };
}

/* Any number of a frame. */
static float Value(PetscInt64 frame, int kind, PetscInt64 i)
{
  return (float)(frame * 1000 + kind * 100 + i) + 0.5f;
}

/* Frames [first, first + count) of this rank. */
static PetscErrorCode Write(const char *name, const TpTrajectorySettings *settings, PetscInt64 first, PetscInt64 count)
{
  const PetscInt64         n = settings->num_particles * settings->dimension;
  float                    x[FRAMES * PARTICLES * 3], v[FRAMES * PARTICLES * 3], box[FRAMES * 9];
  double                   energy[FRAMES], temperature[FRAMES];
  PetscInt64               walker[FRAMES], rung[FRAMES];
  TpFile                   file;
  const TpTrajectoryFrames frames = {x, v, box, energy, temperature, walker, rung};

  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < count; ++i) {
    for (PetscInt64 k = 0; k < n; ++k) x[i * n + k] = Value(first + i, 0, k);
    for (PetscInt64 k = 0; k < n; ++k) v[i * n + k] = Value(first + i, 1, k);
    for (PetscInt64 k = 0; k < 9; ++k) box[i * 9 + k] = Value(first + i, 2, k);
    energy[i]      = Value(first + i, 3, 0);
    temperature[i] = Value(first + i, 4, 0);
    walker[i]      = first + i + 100;
    rung[i]        = first + i + 200;
  }
  PetscCall(TpFileOpenForUpdate(MPI_COMM_WORLD, Path(name), "tempera test", 3, &file));
  PetscCall(TpTrajectoryWrite(file, settings, first, count, &frames));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------- rank 0, the plain HDF5 interface */

static void Read(hid_t file, const char *name, hid_t type, hsize_t count, void *data)
{
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);

  TpTestExpectThat(H5Sget_simple_extent_npoints(space) == (hssize_t)count, "%s has %lld elements", name,
                   (long long)H5Sget_simple_extent_npoints(space));
  TpTestExpectThat(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, "%s", name);
  H5Sclose(space);
  H5Dclose(dataset);
}

/* A text attribute; NULL: there must be none. Units are of variable length, as MDAnalysis needs them. */
static void ExpectAttribute(hid_t file, const char *object, const char *name, const char *expected)
{
  const PetscBool variable  = strcmp(name, "unit") ? PETSC_FALSE : PETSC_TRUE;
  char            fixed[64] = "", *borrowed = NULL;
  hid_t           attribute, type;

  TpTestExpectThat((H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0) == (expected != NULL), "%s of %s", name,
                   object);
  if (!expected || H5Aexists_by_name(file, object, name, H5P_DEFAULT) <= 0) return;
  attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
  type      = H5Aget_type(attribute);
  TpTestExpectThat(H5Tget_class(type) == H5T_STRING && (H5Tis_variable_str(type) > 0) == variable, "%s of %s: type",
                   name, object);
  if (variable)
    TpTestExpect(H5Aread(attribute, type, &borrowed) >= 0);
  else if (H5Tget_size(type) < sizeof(fixed))
    TpTestExpect(H5Aread(attribute, type, fixed) >= 0);
  TpTestExpectThat(!strcmp(borrowed ? borrowed : fixed, expected), "%s of %s is '%s', expected '%s'", name, object,
                   borrowed ? borrowed : fixed, expected);
  H5free_memory(borrowed);
  H5Tclose(type);
  H5Aclose(attribute);
}

static haddr_t Address(hid_t file, const char *name)
{
  H5O_info_t info = {0};

  TpTestExpectThat(H5Oget_info_by_name2(file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0, "%s", name);
  return info.addr;
}

static void CheckStructure(hid_t file, TpUnitSystem units, PetscBool full)
{
  const PetscBool molecular  = units == TP_UNITS_MOLECULAR ? PETSC_TRUE : PETSC_FALSE;
  int             version[2] = {0, 0};
  char            boundary[3][9];
  hid_t           attribute = H5Aopen_by_name(file, "h5md", "version", H5P_DEFAULT, H5P_DEFAULT), type;

  TpTestExpect(H5Aread(attribute, H5T_NATIVE_INT, version) >= 0);
  TpTestExpect(version[0] == 1 && version[1] == 1);
  H5Aclose(attribute);
  ExpectAttribute(file, "h5md/author", "name", "not given");
  ExpectAttribute(file, "h5md/creator", "name", "tempera");
  ExpectAttribute(file, "h5md/creator", "version", "0.1.0");
  TpTestExpect((H5Lexists(file, "h5md/modules", H5P_DEFAULT) > 0) == molecular);

  ExpectAttribute(file, "particles/trajectory/position/value", "unit", molecular ? "nm" : NULL);
  ExpectAttribute(file, "particles/trajectory/position/time", "unit", molecular ? "ps" : NULL);
  ExpectAttribute(file, "particles/trajectory/position/step", "unit", NULL);
  ExpectAttribute(file, "observables/potential_energy/value", "unit", molecular ? "kJ mol-1" : NULL);
  ExpectAttribute(file, "observables/temperature/value", "unit", molecular ? "K" : NULL);
  TpTestExpect((H5Lexists(file, "particles/trajectory/velocity", H5P_DEFAULT) > 0) == full);
  TpTestExpect((H5Lexists(file, "particles/trajectory/box/edges", H5P_DEFAULT) > 0) == full);
  TpTestExpectEqual(Address(file, "observables/walker/step"), Address(file, "particles/trajectory/position/step"));
  if (full) {
    ExpectAttribute(file, "particles/trajectory/velocity/value", "unit", molecular ? "nm ps-1" : NULL);
    ExpectAttribute(file, "particles/trajectory/box/edges/value", "unit", molecular ? "nm" : NULL);
    TpTestExpectEqual(Address(file, "particles/trajectory/box/edges/step"),
                      Address(file, "particles/trajectory/position/step"));
    TpTestExpectEqual(Address(file, "particles/trajectory/box/edges/time"),
                      Address(file, "particles/trajectory/position/time"));
    TpTestExpectEqual(Address(file, "particles/trajectory/velocity/time"),
                      Address(file, "particles/trajectory/position/time"));
  }
  attribute = H5Aopen_by_name(file, "particles/trajectory/box", "boundary", H5P_DEFAULT, H5P_DEFAULT);
  type      = H5Aget_type(attribute);
  TpTestExpect(H5Tget_size(type) == sizeof(boundary[0]) && H5Aread(attribute, type, boundary) >= 0);
  for (int d = 0; d < (full ? 3 : 1); ++d) TpTestExpect(!strcmp(boundary[d], full ? "periodic" : "none"));
  H5Tclose(type);
  H5Aclose(attribute);
}

static PetscBool IsWritten(PetscInt64 frame, int frames_per_rank[], int ranks)
{
  for (int r = 0; r < ranks; ++r)
    if (frame >= 2 * r && frame < 2 * r + frames_per_rank[r]) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* Written frames hold their numbers, the others NaN (walker: -1). */
static void CheckFrames(hid_t file, PetscBool full, int frames_per_rank[], int ranks)
{
  const PetscInt64 n = PARTICLES * (full ? 3 : 1);
  float            x[FRAMES * PARTICLES * 3], v[FRAMES * PARTICLES * 3], box[FRAMES * 9];
  double           energy[FRAMES], temperature[FRAMES], time[FRAMES], masses[PARTICLES];
  int64_t          walker[FRAMES], rung[FRAMES], step[FRAMES];

  Read(file, "particles/trajectory/position/value", H5T_NATIVE_FLOAT, FRAMES * (hsize_t)n, x);
  Read(file, "particles/trajectory/position/step", H5T_NATIVE_INT64, FRAMES, step);
  Read(file, "particles/trajectory/position/time", H5T_NATIVE_DOUBLE, FRAMES, time);
  Read(file, "particles/trajectory/mass", H5T_NATIVE_DOUBLE, PARTICLES, masses);
  Read(file, "observables/potential_energy/value", H5T_NATIVE_DOUBLE, FRAMES, energy);
  Read(file, "observables/temperature/value", H5T_NATIVE_DOUBLE, FRAMES, temperature);
  Read(file, "observables/walker/value", H5T_NATIVE_INT64, FRAMES, walker);
  Read(file, "observables/rung/value", H5T_NATIVE_INT64, FRAMES, rung);
  if (full) Read(file, "particles/trajectory/velocity/value", H5T_NATIVE_FLOAT, FRAMES * (hsize_t)n, v);
  if (full) Read(file, "particles/trajectory/box/edges/value", H5T_NATIVE_FLOAT, FRAMES * 9, box);
  TpTestExpect(!memcmp(masses, mass, sizeof(mass)));
  for (PetscInt64 i = 0; i < FRAMES; ++i) {
    const PetscBool written = IsWritten(i, frames_per_rank, ranks);

    TpTestExpectEqual(step[i], (i + 1) * STEPS_PER_FRAME);
    TpTestExpectClose(time[i], (double)(i + 1), 1e-12);
    for (PetscInt64 k = 0; k < n; ++k) TpTestExpect(written ? x[i * n + k] == Value(i, 0, k) : isnan(x[i * n + k]));
    for (PetscInt64 k = 0; full && k < n; ++k)
      TpTestExpect(written ? v[i * n + k] == Value(i, 1, k) : isnan(v[i * n + k]));
    for (PetscInt64 k = 0; full && k < 9; ++k)
      TpTestExpect(written ? box[i * 9 + k] == Value(i, 2, k) : isnan(box[i * 9 + k]));
    TpTestExpect(written ? energy[i] == Value(i, 3, 0) : isnan(energy[i]));
    TpTestExpectEqual(walker[i], written ? i + 100 : -1);
    TpTestExpectEqual(rung[i], written ? i + 200 : -1);
    TpTestExpect(written ? temperature[i] == (double)Value(i, 4, 0) : isnan(temperature[i]));
  }
}

static void Check(const char *name, TpUnitSystem units, PetscBool full, int frames_per_rank[], int ranks,
                  PetscInt64 counter)
{
  hid_t   file;
  int64_t count = -1;

  MPI_Barrier(MPI_COMM_WORLD);
  if (TestRank()) return;
  file = H5Fopen(Path(name), H5F_ACC_RDONLY, H5P_DEFAULT);
  TpTestExpect(file >= 0);
  CheckStructure(file, units, full);
  CheckFrames(file, full, frames_per_rank, ranks);
  Read(file, "parameters/frames_written", H5T_NATIVE_INT64, 1, &count);
  TpTestExpectEqual(count, counter);
  H5Fclose(file);
}

/* ------------------------------------------------------------------------------------------------------------- tests */

/* Empty; then two frames of each rank, one of them only one, rank 1 of several none; then once more over the first frame, as after a restart. */
static PetscErrorCode TestTrajectory(const char *name, TpUnitSystem units, PetscBool full)
{
  const TpTrajectorySettings settings = Settings(units, full);
  const int                  rank = TestRank(), size = TestSize();
  int                        none[4] = {0}, frames[4] = {2, 0, 2, 1};
  PetscBool                  whole;
  char                       message[512];

  PetscFunctionBeginUser;
  PetscCall(TpTrajectoryCreate(MPI_COMM_WORLD, Path(name), &test_header, &settings, 0));
  Check(name, units, full, none, size, 0);
  MPI_Barrier(MPI_COMM_WORLD);
  PetscCall(Write(name, &settings, 2 * rank, frames[rank]));
  Check(name, units, full, frames, size, size == 4 ? 7 : (size == 3 ? 6 : 2));
  MPI_Barrier(MPI_COMM_WORLD);
  PetscCall(Write(name, &settings, 0, rank ? 0 : 1));
  Check(name, units, full, frames, size, 1);
  MPI_Barrier(MPI_COMM_WORLD);
  PetscCall(TpFileVerify(MPI_COMM_WORLD, Path(name), &whole, message, sizeof(message)));
  TpTestExpectThat(whole, "%s", message);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps of all frames of a file, and how many are written. */
static void ExpectFrames(const char *name, PetscInt64 count, const PetscInt64 expected[], PetscInt64 written)
{
  int64_t step[FRAMES], counter = -1;
  hid_t   file;

  MPI_Barrier(MPI_COMM_WORLD);
  if (TestRank()) return;
  file = H5Fopen(Path(name), H5F_ACC_RDONLY, H5P_DEFAULT);
  TpTestExpect(file >= 0);
  Read(file, "particles/trajectory/position/step", H5T_NATIVE_INT64, (hsize_t)count, step);
  for (PetscInt64 i = 0; i < count; ++i) TpTestExpectEqual(step[i], expected[i] * STEPS_PER_FRAME);
  Read(file, "parameters/frames_written", H5T_NATIVE_INT64, 1, &counter);
  TpTestExpectEqual(counter, written);
  H5Fclose(file);
}

/* Six frames of eight are written, and a restart begins behind the fourth. */
static PetscErrorCode TestContinue(void)
{
  static const PetscInt64 longer[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, sparser[] = {1, 2, 3, 4, 6, 9}, later[] = {6, 9};
  TpTrajectorySettings    settings = Settings(TP_UNITS_MOLECULAR, PETSC_TRUE);
  const PetscInt64        done     = 4 * STEPS_PER_FRAME;
  PetscInt64              first;
  PetscBool               anew;

  PetscFunctionBeginUser;
  settings.num_steps = 8 * STEPS_PER_FRAME;
  PetscCall(TpTrajectoryCreate(MPI_COMM_WORLD, Path("c.h5"), &test_header, &settings, 0));
  PetscCall(Write("c.h5", &settings, 0, TestRank() ? 0 : 6));
  PetscCall(TpTrajectoryContinue(MPI_COMM_WORLD, Path("c.h5"), &test_header, &settings, done, &first, &anew));
  TpTestExpect(!anew && first == 4);
  ExpectFrames("c.h5", 8, longer, 6);
  settings.num_steps = 10 * STEPS_PER_FRAME;
  PetscCall(TpTrajectoryContinue(MPI_COMM_WORLD, Path("c.h5"), &test_header, &settings, done, &first, &anew));
  TpTestExpect(anew && first == 4);
  ExpectFrames("c.h5", 10, longer, 6); /* a later checkpoint may count on the two */
  settings.steps_per_frame = 3 * STEPS_PER_FRAME;
  PetscCall(TpTrajectoryContinue(MPI_COMM_WORLD, Path("c.h5"), &test_header, &settings, done, &first, &anew));
  TpTestExpect(anew && first == 4);
  ExpectFrames("c.h5", 6, sparser, 4);
  settings.steps_per_frame = 0;
  PetscCall(TpTrajectoryContinue(MPI_COMM_WORLD, Path("c.h5"), &test_header, &settings, done, &first, &anew));
  TpTestExpect(anew && first == 4);
  ExpectFrames("c.h5", 4, sparser, 4);
  settings.steps_per_frame = 3 * STEPS_PER_FRAME;
  PetscCall(TpTrajectoryCreate(MPI_COMM_WORLD, Path("c.h5"), &test_header, &settings, done));
  ExpectFrames("c.h5", 2, later, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestNoFolder(void)
{
  const TpTrajectorySettings settings = Settings(TP_UNITS_MOLECULAR, PETSC_TRUE);

  PetscFunctionBeginUser;
  TpTestExpectEqual(TpTrajectoryCreate(MPI_COMM_WORLD, Path("none/t.h5md"), &test_header, &settings, 0),
                    TP_ERR_STOPPED);
  TpTestExpectText(TpInputErrorMessage(), "No such file or directory");
  TpInputErrorClear();
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  ScratchCreate();
  TpTestCall(TestTrajectory("molecular.h5md", TP_UNITS_MOLECULAR, PETSC_TRUE));
  TpTestCall(TestTrajectory("reduced.h5md", TP_UNITS_REDUCED, PETSC_TRUE));
  TpTestCall(TestTrajectory("line.h5md", TP_UNITS_REDUCED, PETSC_FALSE));
  TpTestCall(TestContinue());
  TpTestCall(TestNoFolder());
  ScratchDestroy();
  return TpTestEnd();
}
