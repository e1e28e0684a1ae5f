/*
  Broken and hostile files: 2,000 mutations of a checkpoint, a model and a run.h5, read by the code of `tempera info`, `generate` and `--restart`.
  Bits, blocks of zeros, blocks swapped and doubled, cut and added bytes. A third as they are: the seal must find them. In a third the seal is made
  again for the mutated bytes, so that HDF5 reads them; in a third the checksums of the datasets, too, so that we do. Each is read by a process of its
  own, which must end in time, with the file accepted or refused by one line; a crash is a failure. Only where HDF5 itself reads past what it holds
   (version 1.10 does, of a few made-up object headers) is the crash counted instead: those must stay rare.
*/
#define _GNU_SOURCE /* dladdr() */
#include "../../../src/app/learner-impl.h"
#include "../../../src/file/file-impl.h"
#include "test.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  NUM_MUTATIONS =
      2000, /* over all ranks; TEMPERA_FUZZ=FIRST:END in the environment takes others, 373:374 one of them */
  MAX_DATASETS = 64,
  MAX_SECONDS  = 60, /* for a machine that is busy: an undisturbed reader needs some milliseconds */
  ACCEPTED     = 40, /* exit status of a reader */
  REFUSED      = 41,
  WRONG_LINE   = 42,
  WRONG_CODE   = 43,
  CRASHED_HDF5 = 44,
  CRASHED      = 45,
  MAX_FRAMES   = 128,
};

typedef enum { CHECKPOINT, MODEL, RUN_FILE, NUM_SUBJECTS } Subject;
typedef enum { AS_IT_IS, SEALED, SEALED_WITH_DATA, NUM_REPAIRS } Repair;

static const char *const names[NUM_SUBJECTS] = {"run/checkpoints/round-000000000006.h5", "run/model.h5", "run/run.h5"};

static const char *const input = "run: {folder: run, rounds: 6, seed: 3}\n"
                                 "engine: {kind: model, timestep: 0.01, model: {potential: double-well}}\n"
                                 "ladder: {temperatures: [1]}\n"
                                 "exchange: {interval: 5}\n"
                                 "stream: {shards: 2}\n"
                                 "network: {width: 8, depth: 1, embedding: 4}\n"
                                 "diffusion: {times: 10, steps: 3}\n"
                                 "training: {batch: 4, scale_rounds: 2}\n"
                                 "output: {report_interval: 3, checkpoint_interval: 3, trajectory_interval: 0}\n";

/* Where the data of a dataset are, and the checksum of them: offset 0 if there is none. */
typedef struct {
  size_t offset, length, checksum;
} Place;

typedef struct {
  char  *bytes;
  size_t length;
  size_t table, rows; /* of the structure's ranges */
  int    count;
  Place  places[MAX_DATASETS];
} File;

static char  folder[256]; /* of this rank; all paths are relative to it */
static int   num_crashes; /* of HDF5 */
static TpRun run;         /* what a restart knows before it reads */

/* ------------------------------------------------------------------------------------------------------------- files */

static char *Load(const char *path, size_t *length)
{
  FILE *file  = fopen(path, "rb");
  char *bytes = NULL;

  *length = 0;
  TpTestExpectThat(file != NULL, "%s: can't be read", path);
  if (!file) return calloc(1, 1);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  bytes   = malloc(*length + 1);
  *length = fread(bytes, 1, *length, file);
  fclose(file);
  return bytes;
}

static void Store(const char *path, const char *bytes, size_t length)
{
  FILE *file = fopen(path, "wb");

  TpTestExpectThat(file && fwrite(bytes, 1, length, file) == length, "%s: can't be written", path);
  if (file) fclose(file);
}

static size_t FindBytes(const File *file, const void *wanted, size_t length)
{
  for (size_t i = TP_FILE_SEAL_BYTES; i + length <= file->length; ++i)
    if (!memcmp(file->bytes + i, wanted, length)) return i;
  return 0;
}

static herr_t Visit(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
  File    *file  = context;
  Place   *place = &file->places[file->count];
  uint64_t sum   = 0;
  hid_t    dataset, attribute;

  if (info->type != H5O_TYPE_DATASET || file->count == MAX_DATASETS) return 0;
  dataset = H5Dopen2(root, name, H5P_DEFAULT);
  *place  = (Place){.offset = (size_t)H5Dget_offset(dataset), .length = (size_t)H5Dget_storage_size(dataset)};
  if (!strcmp(name, "structure")) {
    file->table = place->offset;
    file->rows  = place->length / (2 * sizeof(int64_t));
  }
  if (H5Aexists(dataset, "checksum") > 0) {
    attribute = H5Aopen(dataset, "checksum", H5P_DEFAULT);
    H5Aread(attribute, H5T_NATIVE_UINT64, &sum);
    H5Aclose(attribute);
    place->checksum = FindBytes(file, &sum, sizeof(sum));
    TpTestExpectThat(place->checksum || !sum, "%s: its checksum is not in the file", name);
  }
  if (place->length) ++file->count;
  H5Dclose(dataset);
  return 0;
}

static PetscErrorCode LoadSubject(const char *path, File *file)
{
  TpFile open;

  PetscFunctionBeginUser;
  *file = (File){0};
  PetscCall(TpFileOpen(MPI_COMM_SELF, path, NULL, 0, &open));
  file->bytes = Load(path, &file->length);
  TpTestExpect(H5Ovisit2(TpFileHandle(open), H5_INDEX_NAME, H5_ITER_NATIVE, Visit, file, H5O_INFO_BASIC) >= 0);
  PetscCall(TpFileClose(&open));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- mutations */

typedef struct {
  uint32_t mutation, draw;
} Chance;

static size_t Random(Chance *chance, size_t limit)
{
  return limit ? (size_t)(TpRandomBits(11, TP_RANDOM_TEST, chance->mutation, chance->draw++) % limit) : 0;
}

/* Most of a file is data, and what breaks readers is in the rest: half of the places are there. */
static size_t PickByte(const File *file, size_t length, Chance *chance)
{
  int64_t range[2] = {0};
  size_t  at;

  if (Random(chance, 2)) return Random(chance, length);
  memcpy(range, file->bytes + file->table + Random(chance, file->rows) * sizeof(range), sizeof(range));
  at = range[1] > 0 ? (size_t)range[0] + Random(chance, (size_t)range[1]) : Random(chance, length);
  return at < length ? at : Random(chance, length);
}

/* Sizes, counts and addresses that overflow. */
static void WriteNumber(char *at, Chance *chance)
{
  static const uint64_t numbers[] = {0,
                                     1,
                                     0x7f,
                                     0xff,
                                     0x7fff,
                                     0xffff,
                                     0x7fffffff,
                                     0xffffffff,
                                     0x7fffffffffffffff,
                                     0xffffffffffffffff,
                                     0xfffffffffffffffe,
                                     1ull << 40};
  const uint64_t        number    = numbers[Random(chance, PETSC_STATIC_ARRAY_LENGTH(numbers))];

  memcpy(at, &number, (size_t)1 << Random(chance, 4));
}

static size_t MutateOnce(const File *file, char *bytes, size_t length, Chance *chance)
{
  const size_t at = PickByte(file, length, chance), count = PetscMin(length - at, 1 + Random(chance, 512));
  const size_t other = PickByte(file, length - count, chance);
  char         block[512];

  switch (Random(chance, 10)) {
  case 0:
    return PetscMax(at, 1);
  case 1:
    memset(bytes + at, 0, count);
    return length;
  case 2: /* swap two blocks */
    if (other + count > length) return length;
    memcpy(block, bytes + at, count);
    memmove(bytes + at, bytes + other, count);
    memcpy(bytes + other, block, count);
    return length;
  case 3: /* the file and a part of it again */
    memcpy(bytes + length, file->bytes, count);
    return length + count;
  case 4:
  case 5:
    if (at + 8 <= length) WriteNumber(bytes + at, chance);
    return length;
  case 6:
    bytes[at] = (char)Random(chance, 256);
    return length;
  default:
    bytes[at] ^= (char)(1u << Random(chance, 8));
    return length;
  }
}

/* Give each dataset the checksum of the data that it has now. */
static void RepairChecksums(const File *file, char *bytes, size_t length)
{
  for (int i = 0; i < file->count; ++i) {
    const Place *place = &file->places[i];

    if (!place->checksum || place->offset + place->length > length || place->checksum + 8 > length) continue;
    const uint64_t sum = TpChecksum(0, place->length, bytes + place->offset);

    memcpy(bytes + place->checksum, &sum, sizeof(sum));
  }
}

/* The sum over the ranges that the table tells of: what a writer of this file would have written. */
static void RepairSeal(const File *file, char *bytes, size_t length)
{
  uint64_t sum = 0, words = 0;
  int64_t  total = 0;
  size_t   title;

  if (file->table + file->rows * 16 > length) return;
  for (size_t i = 0; i < file->rows; ++i) {
    int64_t range[2];

    memcpy(range, bytes + file->table + i * sizeof(range), sizeof(range));
    if (range[0] < 0 || range[1] <= 0 || range[0] > (int64_t)length) continue;
    if (range[1] > (int64_t)length - range[0]) { /* the last one ends with the file */
      range[1] = (int64_t)length - range[0];
      memcpy(bytes + file->table + i * sizeof(range), range, sizeof(range));
    }
    sum += TpChecksum(words, (size_t)range[1], bytes + range[0]);
    words += (uint64_t)(range[1] + 3) / 4;
    total += range[1];
  }
  title = (size_t)(strchr(file->bytes, '\n') + 1 - file->bytes);
  memcpy(bytes, file->bytes, title);
  memset(bytes + title, 0, TP_FILE_SEAL_BYTES - title);
  snprintf(bytes + title, TP_FILE_SEAL_BYTES - title, "size %lld\ntable %lld %lld %016llx\nstructure %lld %016llx\n",
           (long long)length, (long long)file->table, (long long)file->rows,
           (unsigned long long)TpChecksum(0, file->rows * 16, bytes + file->table), (long long)total,
           (unsigned long long)sum);
}

/* ------------------------------------------------------------------------------------------------------------ reading */

static PetscErrorCode Info(const char *path)
{
  const TpCommandLine command = {.verb = "info", .operand = path};

  PetscFunctionBeginUser;
  PetscCall(TpVerbInfo(MPI_COMM_SELF, &command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Generate(const char *path)
{
  const TpCommandLine command = {.verb         = "generate",
                                 .operand      = path,
                                 .temperatures = "1",
                                 .samples      = 3,
                                 .output       = "samples.h5",
                                 .seed         = 1,
                                 .ema          = -1.0};

  PetscFunctionBeginUser;
  unlink(command.output);
  PetscCall(TpVerbGenerate(MPI_COMM_SELF, &command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What trainers do with the checkpoint and run.h5 before the first round. */
static PetscErrorCode Restart(const char *checkpoint)
{
  char      path[PETSC_MAX_PATH_LEN];
  double   *states;
  TpLearner learner;

  PetscFunctionBeginUser;
  PetscCall(TpCheckpointFind(run, checkpoint, path, &run->first_round));
  TpCheckInput(run->first_round <= run->settings.run.rounds, "%s: %lld rounds", path, (long long)run->first_round);
  PetscCall(TpLearnerCreate(run, &learner));
  PetscCall(PetscMalloc1(run->ladder->num_rungs * TpStatePackedSize(run->system.size), &states));
  PetscCall(TpLearnerRestore(learner, path, states));
  PetscCall(PetscFree(states));
  PetscCall(TpLearnerDestroy(&learner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The library of an address; PETSC_TRUE in `takes_ours` if it is in a function that reads into memory of ours. */
static const char *LibraryOf(const void *address, PetscBool *takes_ours)
{
  Dl_info info;

  *takes_ours = PETSC_FALSE;
  if (!dladdr(address, &info)) return "";
  if (info.dli_sname && (!strcmp(info.dli_sname, "H5Dread") || !strcmp(info.dli_sname, "H5Aread")))
    *takes_ours = PETSC_TRUE;
  return info.dli_fname ? info.dli_fname : "";
}

/* Whose fault was it? Outwards from here comes the C library, which called this function; then the first that is neither the system's nor a
   sanitizer's. HDF5 is to blame only for what it does with its own memory: the block that a dataset is read into is ours. */
static void Crash(int number)
{
  static const char *const others[] = {"libc.so", "libasan", "libubsan", "libm.so", "ld-linux"};
  void                    *frames[MAX_FRAMES];
  const int                count   = backtrace(frames, MAX_FRAMES);
  const char              *guilty  = NULL;
  PetscBool                reached = PETSC_FALSE, is_ours = PETSC_FALSE, takes_ours;

  for (int i = 0; i < count; ++i) {
    const char *library = LibraryOf(frames[i], &takes_ours);
    PetscBool   skip    = PETSC_FALSE;

    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(others); ++k)
      if (strstr(library, others[k])) skip = PETSC_TRUE;
    if (strstr(library, "libc.so")) reached = PETSC_TRUE;
    if (reached && !skip && !guilty) guilty = library;
    if (takes_ours) is_ours = PETSC_TRUE;
  }
  _exit(guilty && strstr(guilty, "libhdf5") && !is_ours ? CRASHED_HDF5 : CRASHED);
}

static void CatchCrashes(void)
{
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  void            *frame;

  (void)backtrace(&frame, 1); /* the first call loads a library */
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(numbers); ++i) signal(numbers[i], Crash);
  signal(SIGALRM, SIG_DFL);
  alarm(MAX_SECONDS);
}

/* Each reader, in this process of its own; the exit status tells how it went. */
static void Reader(Subject subject, PetscBool restart, const char *path)
{
  PetscErrorCode code;
  const char    *line;
  const int      null = open("/dev/null", O_WRONLY);

  dup2(null, STDOUT_FILENO);
  CatchCrashes();
  if (!restart)
    code = Info(path);
  else if (subject == MODEL)
    code = Generate(path);
  else
    code = Restart(subject == CHECKPOINT ? path : names[CHECKPOINT]);
  if (!code) _exit(ACCEPTED);
  line = TpInputErrorMessage();
  if (code != TP_ERR_INPUT) {
    fprintf(stderr, "code %d: %s\n", (int)code, line);
    _exit(WRONG_CODE);
  }
  _exit(line[0] && !strpbrk(line, "\r\n\x1b") ? REFUSED : WRONG_LINE);
}

/* PETSC_TRUE if it was accepted. */
static PetscBool ReadApart(uint32_t mutation, Subject subject, Repair repair, PetscBool restart, const char *path)
{
  int         status = 0;
  const pid_t child  = fork();

  if (!child) Reader(subject, restart, path);
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == CRASHED_HDF5 && repair != AS_IT_IS) {
    ++num_crashes;
    return PETSC_FALSE;
  }
  TpTestExpectThat(WIFEXITED(status) && (WEXITSTATUS(status) == ACCEPTED || WEXITSTATUS(status) == REFUSED),
                   "mutation %u of %s, repair %d, %s: %s %d", mutation, names[subject], (int)repair,
                   restart ? "restart or generate" : "info", WIFEXITED(status) ? "status" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == ACCEPTED ? PETSC_TRUE : PETSC_FALSE;
}

/* ---------------------------------------------------------------------------------------------------------------- run */

/* Mutate, store, read twice; the restart also writes, so everything is put back. */
static void CheckMutation(const File files[NUM_SUBJECTS], uint32_t mutation, int accepted[NUM_REPAIRS])
{
  const Subject subject = mutation % NUM_SUBJECTS;
  const Repair  repair  = mutation / NUM_SUBJECTS % NUM_REPAIRS;
  const File   *file    = &files[subject];
  Chance        chance  = {mutation, 0};
  char         *bytes   = malloc(file->length + 4 * 512);
  size_t        length  = file->length;
  const char   *path    = subject == RUN_FILE ? names[RUN_FILE] : "mutated.h5";

  memcpy(bytes, file->bytes, length);
  for (size_t i = 0, count = 1 + Random(&chance, 4); i < count; ++i)
    length = PetscMin(MutateOnce(file, bytes, length, &chance), file->length + 1024);
  if (repair == SEALED_WITH_DATA) RepairChecksums(file, bytes, length);
  if (repair != AS_IT_IS && length > TP_FILE_SEAL_BYTES) RepairSeal(file, bytes, length);
  Store(path, bytes, length);
  if (ReadApart(mutation, subject, repair, PETSC_FALSE, path)) ++accepted[repair];
  ReadApart(mutation, subject, repair, PETSC_TRUE, path);
  Store(names[RUN_FILE], files[RUN_FILE].bytes, files[RUN_FILE].length);
  free(bytes);
}

/* A model from before a position of the U-Net could have several inputs lacks the attribute, which here gets another name. */
static PetscErrorCode CheckOldModel(const File *file)
{
  static const char name[] = "network_channels";
  char             *bytes  = malloc(file->length);
  size_t            at     = 0;
  TpModel           model;

  PetscFunctionBeginUser;
  memcpy(bytes, file->bytes, file->length);
  while (at + sizeof(name) < file->length && memcmp(bytes + at, name, sizeof(name))) ++at;
  TpTestExpect(at + sizeof(name) < file->length);
  bytes[at] = 'N';
  RepairSeal(file, bytes, file->length);
  Store("old-model.h5", bytes, file->length);
  free(bytes);
  PetscCall(TpModelRead(MPI_COMM_SELF, "old-model.h5", &model));
  TpTestExpectEqual(model->network.channels, 1);
  PetscCall(TpModelDestroy(&model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A group that is said to be its own member, or that of its member: HDF5 would visit members of members for ever. In each list of members once. */
static PetscErrorCode CheckCircles(const File *file)
{
  /* of HDF5's superblock: the root's address; of a list of members: the first one's address, and whether more is told of it than that */
  enum { ROOT = TP_FILE_SEAL_BYTES + 64, ADDRESS = 16, CACHED = 24, NUM_BYTES = 28 };
  char     *bytes = malloc(file->length), message[512];
  PetscInt  found = 0;
  PetscBool whole;

  PetscFunctionBeginUser;
  for (size_t at = TP_FILE_SEAL_BYTES; at + NUM_BYTES < file->length; ++at) {
    if (memcmp(file->bytes + at, "SNOD\1", 6) != 0) continue;
    memcpy(bytes, file->bytes, file->length);
    memcpy(bytes + at + ADDRESS, bytes + ROOT, 8);
    memset(bytes + at + CACHED, 0, 4);
    RepairSeal(file, bytes, file->length);
    Store("circle.h5", bytes, file->length);
    PetscCall(TpFileVerify(MPI_COMM_SELF, "circle.h5", &whole, message, sizeof(message)));
    TpTestExpect(!whole);
    TpTestExpectText(message, "its list of objects is in disorder");
    ++found;
  }
  TpTestExpectThat(found >= 2, "%d lists of members", (int)found);
  free(bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run of one replica and one trainer, which leaves the files that are mutated. */
static PetscErrorCode MakeRun(void)
{
  const TpCommandLine command = {.verb = "run", .operand = "input.yaml", .reseed_rung = -1};
  TpRunOutcome        outcome;

  PetscFunctionBeginUser;
  PetscCall(TpRunOnce(MPI_COMM_WORLD, &command, &outcome));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrepareRestart(TpGroups alone)
{
  const TpCommandLine command = {.verb = "run", .operand = "input.yaml"};
  TpReplica           replica;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&run));
  PetscCall(TpReadInput(MPI_COMM_SELF, &command, &run->config, &run->settings));
  PetscCall(TpConfigWriteText(run->config, TP_UNITS_REDUCED, &run->settings, NULL, &run->used_parameters));
  PetscCall(TpLadderCreate(&run->settings.ladder, 1.0, 3, &run->ladder));
  run->groups      = alone;
  run->is_writer   = PETSC_TRUE;
  run->reseed_rung = -1;
  PetscCall(TpReplicaProbe(run, &replica));
  PetscCall(TpReplicaDestroy(&replica));
  alone->is_replica = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyRun(void)
{
  PetscFunctionBeginUser;
  PetscCall(TpSystemDestroy(&run->system));
  PetscCall(TpLadderDestroy(&run->ladder));
  PetscCall(PetscFree(run->used_parameters));
  PetscCall(TpSettingsDestroy(&run->settings));
  PetscCall(TpConfigDestroy(&run->config));
  PetscCall(PetscFree(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each rank works in a copy of the run folder. */
static void MakeFolders(const char *shared, int rank, File files[NUM_SUBJECTS])
{
  snprintf(folder, sizeof(folder), "%s/%d", shared, rank);
  mkdir(folder, 0777);
  TpTestExpect(!chdir(folder));
  mkdir("run", 0777);
  mkdir("run/checkpoints", 0777);
  Store("input.yaml", input, strlen(input));
  for (int i = 0; i < NUM_SUBJECTS; ++i) Store(names[i], files[i].bytes, files[i].length);
}

static PetscErrorCode CheckAll(const char *shared, int rank, int size)
{
  const char      *range = getenv("TEMPERA_FUZZ");
  uint32_t         first = 0, end = NUM_MUTATIONS;
  int              accepted[3] = {0}, root = 0;
  struct TpGroups_ alone = {
      .world = MPI_COMM_SELF, .group = MPI_COMM_SELF, .num_replicas = 1, .num_trainers = 1, .is_replica = PETSC_TRUE};
  File files[NUM_SUBJECTS];

  PetscFunctionBeginUser;
  if (range) TpTestExpect(sscanf(range, "%u:%u", &first, &end) == 2);
  alone.replica_rank = alone.trainer_rank = &root;
  for (int i = 0; i < NUM_SUBJECTS; ++i) PetscCall(LoadSubject(names[i], &files[i]));
  MakeFolders(shared, rank, files);
  PetscCall(PrepareRestart(&alone));
  for (int i = 0; i < NUM_SUBJECTS;
       ++i) { /* unharmed, all are accepted, so what is refused is refused for its mutation */
    TpTestExpect(ReadApart(0, i, AS_IT_IS, PETSC_FALSE, names[i]));
    TpTestExpect(ReadApart(0, i, AS_IT_IS, PETSC_TRUE, names[i]));
    Store(names[i], files[i].bytes, files[i].length);
  }
  PetscCall(CheckOldModel(&files[MODEL]));
  PetscCall(CheckCircles(&files[MODEL]));
  for (uint32_t mutation = first + (uint32_t)rank; mutation < end; mutation += (uint32_t)size)
    CheckMutation(files, mutation, accepted);
  /* of mutations that no seal tells of there are enough that harm nothing, as in texts: the readers got far */
  TpTestExpectThat(num_crashes <= 2 + (int)(end - first) / size / 50, "HDF5 crashed %d times", num_crashes);
  TpTestExpectThat(range || (accepted[SEALED] > 0 && accepted[SEALED_WITH_DATA] > 0), "accepted: %d, %d, %d",
                   accepted[AS_IT_IS], accepted[SEALED], accepted[SEALED_WITH_DATA]);
  PetscCall(DestroyRun());
  for (int i = 0; i < NUM_SUBJECTS; ++i) free(files[i].bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int RemoveOne(const char *path, const struct stat *status, int kind, struct FTW *where)
{
  return remove(path);
}

int main(int argc, char **argv)
{
  const char *place = getenv("TMPDIR");
  char        shared[200];
  int         rank, size, saved;

  TpTestBegin(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  snprintf(shared, sizeof(shared), "%s/tempera-fuzz-XXXXXX", place ? place : "/tmp");
  if (!rank) TpTestExpect(mkdtemp(shared) != NULL);
  MPI_Bcast(shared, sizeof(shared), MPI_CHAR, 0, MPI_COMM_WORLD);
  TpTestExpect(!chdir(shared));
  if (!rank) Store("input.yaml", input, strlen(input));
  MPI_Barrier(MPI_COMM_WORLD);
  fflush(stdout);
  saved = dup(STDOUT_FILENO); /* a run tells how it goes; a test is silent */
  TpTestExpect(freopen("/dev/null", "w", stdout) != NULL);
  TpTestCall(MakeRun());
  fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  TpTestCall(CheckAll(shared, rank, size));
  MPI_Barrier(MPI_COMM_WORLD);
  if (!rank) nftw(shared, RemoveOne, 16, FTW_DEPTH | FTW_PHYS);
  return TpTestEnd();
}
