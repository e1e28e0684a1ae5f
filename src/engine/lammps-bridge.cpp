/* LAMMPS's library behind a C header. Built without exceptions, as distributions do, it answers every error by MPI_Finalize() and the end of the process,
   or by MPI_Abort(): the job would hang or die without a word. These two are therefore ours, and throw while we are inside LAMMPS. */
#include "lammps-bridge.h"

#define OMPI_SKIP_MPICXX  1
#define MPICH_SKIP_MPICXX 1
#define LAMMPS_LIB_MPI
#include <mpi.h>

#include <lammps/library.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

struct TpLammps_ {
  void       *handle    = nullptr;
  int         log       = -1; /* LAMMPS's log: a file without a name */
  bool        is_broken = false;
  std::string version;

  TpLammpsForces forces  = nullptr;
  void          *context = nullptr;
};

namespace {

/* What C callers ask for after a failure; errno's way, as the codes that travel up are integers. */
thread_local std::string last_error;

/* Whether this thread is inside a call of LAMMPS: MPI_Finalize() has no argument that could tell. */
thread_local bool is_inside = false;

struct Ended : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Inside {
public:
  Inside()
  {
    is_inside = true;
  }
  ~Inside()
  {
    is_inside = false;
  }
  Inside(const Inside &)            = delete;
  Inside &operator=(const Inside &) = delete;
};

/* The end of the log. LAMMPS closes it before it gives up, so that all is there. */
std::string LogTail(int log)
{
  const off_t size  = lseek(log, 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - 8192);
  std::string text(static_cast<size_t>(std::max<off_t>(0, size - start)), '\0');
  const auto  count = pread(log, &text[0], text.size(), start);

  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

/* "ERROR on proc 0: Unknown pair style (src/force.cpp:279)" tells people "Unknown pair style". */
std::string Shorten(std::string line)
{
  const size_t colon = line.find(": "), source = line.rfind(" (");

  if (source != std::string::npos && line.find(".cpp:", source) != std::string::npos) line.resize(source);
  line.erase(0, colon == std::string::npos ? 0 : colon + 2);
  return line.substr(0, 200);
}

std::string FindMessage(int log, const char *otherwise)
{
  const std::string text  = LogTail(log);
  size_t            begin = text.rfind("\nERROR");

  if (begin == std::string::npos) return otherwise;
  ++begin;
  return Shorten(text.substr(begin, text.find('\n', begin) - begin));
}

/* The log holds what the last call wrote: what went well is dropped, or months of running would fill the disk. */
void EmptyLog(int log)
{
  if (lseek(log, 0, SEEK_END) > 1 << 20 && ftruncate(log, 0)) return; /* then it grows */
}

template <class Function> TpLammpsCode Guard(TpLammps lammps, Function function)
{
  if (lammps->is_broken) return TP_LAMMPS_FAILED;
  try {
    const Inside inside;

    function();
    return TP_LAMMPS_OK;
  } catch (const Ended &error) {
    last_error = FindMessage(lammps->log, error.what());
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "an exception without a text";
  }
  lammps->is_broken = true;
  return TP_LAMMPS_FAILED;
}

/* A file that is gone as soon as LAMMPS has opened it, or when this process ends in whatever way. */
std::string MakeLog(TpLammps lammps)
{
  const char *folder = std::getenv("TMPDIR");
  std::string path   = std::string(folder && folder[0] ? folder : "/tmp") + "/tempera-lammps-XXXXXX";

  lammps->log = mkstemp(&path[0]);
  if (lammps->log < 0) throw std::runtime_error("no temporary file can be made: " + path);
  return path;
}

/* The library's functions take names that they do not change as char *. */
char *Name(const char *name)
{
  return const_cast<char *>(name);
}

/* A number of the library's, which may not know this name. */
template <class Number> Number Global(TpLammps lammps, const char *name)
{
  const void *found = lammps_extract_global(lammps->handle, name);

  if (!found) throw std::runtime_error(std::string("this version of the library does not tell ") + name);
  return *static_cast<const Number *>(found);
}

int NumAtoms(TpLammps lammps)
{
  return static_cast<int>(lammps_get_natoms(lammps->handle));
}

double Compute(TpLammps lammps, const char *name)
{
  const void *found = lammps_extract_compute(lammps->handle, name, LMP_STYLE_GLOBAL, LMP_TYPE_SCALAR);

  if (!found) throw std::runtime_error(std::string("no compute ") + name);
  return *static_cast<const double *>(found);
}

bool HasOrientation(TpLammps lammps)
{
  static const char *const flags[] = {"mu_flag",     "torque_flag",    "omega_flag",
                                      "angmom_flag", "ellipsoid_flag", "peri_flag"};

  return std::any_of(std::begin(flags), std::end(flags),
                     [&](const char *flag) { return lammps_extract_setting(lammps->handle, flag) > 0; });
}

/* Rows of a compute property/local, which is made for this and removed. */
std::vector<std::vector<int>> Local(TpLammps lammps, const std::string &columns, int num_columns)
{
  std::vector<std::vector<int>> rows;
  int                           count;

  lammps_command(lammps->handle, ("compute tempera_local all property/local " + columns).c_str());
  lammps_command(lammps->handle, "run 0 post no");
  const void *array = lammps_extract_compute(lammps->handle, "tempera_local", LMP_STYLE_LOCAL, LMP_TYPE_ARRAY);
  const void *size  = lammps_extract_compute(lammps->handle, "tempera_local", LMP_STYLE_LOCAL, LMP_SIZE_ROWS);

  if (!size) throw std::runtime_error("the bonds are not available");
  count = *static_cast<const int *>(size);
  for (int i = 0; i < count; ++i) {
    const double *row = static_cast<double *const *>(array)[i];

    rows.emplace_back(row, row + num_columns);
  }
  lammps_command(lammps->handle, "uncompute tempera_local");
  return rows;
}

/* What fix external calls; its types are those of the library's build. */
template <class Step, class Tag> void CallForces(void *pointer, Step step, int count, Tag *tag, double **, double **f)
{
  static_assert(sizeof(Tag) == sizeof(int), "LAMMPS was built with -D LAMMPS_SIZES=bigbig; smallbig is supported");
  const TpLammps lammps = static_cast<TpLammps>(pointer);
  /* atoms may have moved in memory since the last call */
  const double *const *const v = static_cast<double **>(lammps_extract_atom(lammps->handle, "v"));

  if (count > 0) lammps->forces(lammps->context, step, count, tag, v[0], f[0]);
}

} // namespace

extern "C" int MPI_Finalize(void)
{
  if (is_inside) throw Ended("it ended without a message");
  return PMPI_Finalize();
}

extern "C" int MPI_Abort(MPI_Comm comm, int code)
{
  if (is_inside) throw Ended("it aborted without a message");
  return PMPI_Abort(comm, code);
}

const char *TpLammpsError(void)
{
  return last_error.c_str();
}

TpLammpsCode TpLammpsCreate(TpLammps *lammps)
{
  TpLammps     made = new TpLammps_;
  TpLammpsCode code = Guard(made, [&] {
    std::string path   = MakeLog(made);
    char       *text[] = {Name("tempera"), Name("-log"),    &path[0],        Name("-screen"),
                          Name("none"),    Name("-nocite"), Name("-suffix"), Name("opt")};

    made->handle = lammps_open(8, text, MPI_COMM_SELF, nullptr);
    unlink(path.c_str());
    if (!made->handle) throw std::runtime_error("no instance can be made");
  });

  if (code != TP_LAMMPS_OK) TpLammpsDestroy(&made);
  *lammps = made;
  return code;
}

void TpLammpsDestroy(TpLammps *lammps)
{
  const TpLammps gone = *lammps;

  *lammps = nullptr;
  if (!gone) return;
  /* an instance that stopped in the middle of something can't be taken apart; its memory is lost */
  if (gone->handle && !gone->is_broken) (void)Guard(gone, [&] { lammps_close(gone->handle); });
  if (gone->log >= 0) close(gone->log);
  delete gone;
}

TpLammpsCode TpLammpsVersion(TpLammps lammps, const char **version)
{
  static const char *const months[] = {"?",   "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

  return Guard(lammps, [&] {
    const int date = lammps_version(lammps->handle), month = date / 100 % 100;

    lammps->version =
        std::to_string(date % 100) + " " + months[month <= 12 ? month : 0] + " " + std::to_string(date / 10000);
    *version = lammps->version.c_str();
  });
}

TpLammpsCode TpLammpsCommand(TpLammps lammps, const char *command)
{
  return Guard(lammps, [&] {
    EmptyLog(lammps->log);
    lammps_command(lammps->handle, command);
  });
}

TpLammpsCode TpLammpsDescribe(TpLammps lammps, TpLammpsSystem *system)
{
  return Guard(lammps, [&] {
    double low[3] = {0.0, 0.0, 0.0}, high[3] = {0.0, 0.0, 0.0};
    int    changes;

    *system               = {};
    system->has_box       = lammps_extract_setting(lammps->handle, "box_exist");
    system->dimension     = lammps_extract_setting(lammps->handle, "dimension");
    system->num_particles = NumAtoms(lammps);
    lammps_extract_box(lammps->handle, low, high, &system->box[3], &system->box[7], &system->box[6], system->periodic,
                       &changes);
    for (int k = 0; k < 3; ++k) {
      system->origin[k]      = low[k];
      system->box[3 * k + k] = high[k] - low[k];
    }
    system->has_orientation = HasOrientation(lammps);
    system->step            = Global<int64_t>(lammps, "ntimestep");
    system->timestep        = Global<double>(lammps, "dt");
    std::snprintf(system->units, sizeof(system->units), "%s",
                  static_cast<const char *>(lammps_extract_global(lammps->handle, "units")));
  });
}

TpLammpsCode TpLammpsCountFixes(TpLammps lammps, int *count)
{
  return Guard(lammps, [&] { *count = lammps_id_count(lammps->handle, "fix"); });
}

TpLammpsCode TpLammpsGetFix(TpLammps lammps, int index, size_t size, char id[])
{
  return Guard(lammps, [&] { lammps_id_name(lammps->handle, "fix", index, id, static_cast<int>(size)); });
}

TpLammpsCode TpLammpsGetMasses(TpLammps lammps, double mass[])
{
  return Guard(lammps, [&] {
    const int           count   = NumAtoms(lammps);
    const double *const by_type = static_cast<const double *>(lammps_extract_atom(lammps->handle, "mass"));
    std::vector<int>    type(static_cast<size_t>(count));

    if (lammps_extract_setting(lammps->handle, "rmass_flag") > 0) {
      lammps_gather_atoms(lammps->handle, Name("rmass"), 1, 1, mass);
      return;
    }
    lammps_gather_atoms(lammps->handle, Name("type"), 0, 1, type.data());
    for (int i = 0; i < count; ++i) mass[i] = by_type[type[static_cast<size_t>(i)]];
  });
}

TpLammpsCode TpLammpsCountDegreesOfFreedom(TpLammps lammps, const double mass[], double *degrees)
{
  return Guard(lammps, [&] {
    const int           count = NumAtoms(lammps);
    std::vector<double> v(3 * static_cast<size_t>(count));
    double              sum = 0.0;

    lammps_gather_atoms(lammps->handle, Name("v"), 1, 3, v.data());
    for (size_t i = 0; i < v.size(); ++i) sum += mass[i / 3] * v[i] * v[i];
    *degrees =
        sum * Global<double>(lammps, "mvv2e") / (Global<double>(lammps, "boltz") * Compute(lammps, "thermo_temp"));
  });
}

TpLammpsCode TpLammpsAddForces(TpLammps lammps, const char *fix, TpLammpsForces forces, void *context)
{
  return Guard(lammps, [&] {
    const std::string name(fix);

    lammps->forces  = forces;
    lammps->context = context;
    lammps_command(lammps->handle, ("fix " + name + " all external pf/callback 1 1").c_str());
    lammps_command(lammps->handle, ("fix_modify " + name + " energy no virial no").c_str());
    lammps_set_fix_external_callback(lammps->handle, fix, CallForces, lammps);
  });
}

/* fix shake and fix rattle mark what they keep by negative types, so that no force is computed for it. */
TpLammpsCode TpLammpsGetConstraints(TpLammps lammps, int limit, int pairs[], int *count)
{
  return Guard(lammps, [&] {
    std::set<std::pair<int, int>> found;
    const auto                    add = [&](int i, int j) { found.insert({std::min(i, j) - 1, std::max(i, j) - 1}); };

    for (const auto &row : Local(lammps, "btype batom1 batom2", 3))
      if (row[0] < 0) add(row[1], row[2]);
    if (lammps_extract_setting(lammps->handle, "nangletypes") > 0)
      for (const auto &row : Local(lammps, "atype aatom1 aatom3", 3))
        if (row[0] < 0) add(row[1], row[2]);
    *count = 0;
    for (const auto &pair : found) {
      if (*count < limit) {
        pairs[2 * *count]     = pair.first;
        pairs[2 * *count + 1] = pair.second;
      }
      ++*count;
    }
  });
}

TpLammpsCode TpLammpsScatter(TpLammps lammps, const double x[], const double v[], const int image[])
{
  return Guard(lammps, [&] {
    /* the library does not write to what it scatters */
    lammps_scatter_atoms(lammps->handle, Name("x"), 1, 3, const_cast<double *>(x));
    lammps_scatter_atoms(lammps->handle, Name("v"), 1, 3, const_cast<double *>(v));
    lammps_scatter_atoms(lammps->handle, Name("image"), 0, 3, const_cast<int *>(image));
  });
}

TpLammpsCode TpLammpsGather(TpLammps lammps, double x[], double v[], double forces[], int image[], double *energy)
{
  return Guard(lammps, [&] {
    if (x) lammps_gather_atoms(lammps->handle, Name("x"), 1, 3, x);
    if (v) lammps_gather_atoms(lammps->handle, Name("v"), 1, 3, v);
    if (forces) lammps_gather_atoms(lammps->handle, Name("f"), 1, 3, forces);
    if (image) lammps_gather_atoms(lammps->handle, Name("image"), 0, 3, image);
    if (energy) *energy = Compute(lammps, "thermo_pe"); /* as a thermo keyword it might be per atom */
  });
}

TpLammpsCode TpLammpsSetBox(TpLammps lammps, const double origin[], const double box[])
{
  return Guard(lammps, [&] {
    double low[3], high[3];

    for (int k = 0; k < 3; ++k) {
      low[k]  = origin[k];
      high[k] = origin[k] + box[3 * k + k];
    }
    lammps_reset_box(lammps->handle, low, high, box[3], box[7], box[6]);
  });
}
