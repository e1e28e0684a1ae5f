/*
  Time of a checkpoint, beside a plain parallel HDF5 file of the same datasets, in turns in the same run. Both are made from nothing, flushed,
  closed and synced; the checkpoint is besides checksummed, sealed and renamed.

  Usage: mpirun -n TRAINERS bench-checkpoint FOLDER RUNGS COORDINATES WEIGHTS TURNS   prints `name: value` lines
*/
#include "../../src/app/learning.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  struct TpRun_      run;
  struct TpGroups_   groups;
  struct TpLadder_   ladder;
  struct TpTrainer_  trainer;
  struct TpEncoding_ encoding;
  struct TpLearning_ learning;
  PetscInt           num_owned;
  double            *states; /* [owned, packed] */
  char               ours[PETSC_MAX_PATH_LEN], plain[PETSC_MAX_PATH_LEN];
} Bench;

/* Numbers that no file system can guess. */
static PetscErrorCode Fill(PetscInt count, TpNumber **values)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(count, values));
  for (PetscInt i = 0; i < count; ++i) (*values)[i] = (TpNumber)rand() / (TpNumber)RAND_MAX;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(char **argv, Bench *bench)
{
  static char    parameters[] = "run: {rounds: 1}\n";
  static double  one[1]       = {1.0};
  TpGroups       groups       = &bench->groups;
  const PetscInt num_rungs    = atoi(argv[2]);

  PetscFunctionBeginUser;
  *bench        = (Bench){0};
  groups->world = groups->group = PETSC_COMM_WORLD;
  PetscCallMPI(MPI_Comm_rank(groups->group, &groups->group_rank));
  PetscCallMPI(MPI_Comm_size(groups->group, &groups->num_trainers));
  groups->num_replicas    = num_rungs;
  bench->ladder.num_rungs = num_rungs;
  PetscCall(PetscCalloc1(num_rungs, &bench->ladder.temperature));
  bench->run.groups             = groups;
  bench->run.ladder             = &bench->ladder;
  bench->run.system.size        = atoi(argv[3]);
  bench->run.used_parameters    = parameters;
  bench->trainer.num_parameters = atoi(argv[4]);
  PetscCall(Fill(bench->trainer.num_parameters, &bench->trainer.parameters));
  PetscCall(Fill(bench->trainer.num_parameters, &bench->trainer.average));
  PetscCall(Fill(bench->trainer.num_parameters, &bench->trainer.moment1));
  PetscCall(Fill(bench->trainer.num_parameters, &bench->trainer.moment2));
  bench->trainer.num_averages = 1;
  bench->encoding  = (struct TpEncoding_){.num_raw = 1, .num_encoded = 1, .period = one, .mean = one, .scale = one};
  bench->learning  = (struct TpLearning_){.run = &bench->run, .trainer = &bench->trainer, .encoding = &bench->encoding};
  bench->num_owned = (num_rungs - groups->group_rank + groups->num_trainers - 1) / groups->num_trainers;
  const PetscInt numbers = bench->num_owned * TpStatePackedSize(bench->run.system.size);
  PetscCall(PetscMalloc1(numbers, &bench->states));
  for (PetscInt i = 0; i < numbers; ++i) bench->states[i] = rand();
  PetscCall(PetscSNPrintf(bench->ours, sizeof(bench->ours), "%s/ours.h5", argv[1]));
  PetscCall(PetscSNPrintf(bench->plain, sizeof(bench->plain), "%s/plain.h5", argv[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Bench *bench)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(bench->ladder.temperature));
  PetscCall(PetscFree(bench->trainer.parameters));
  PetscCall(PetscFree(bench->trainer.average));
  PetscCall(PetscFree(bench->trainer.moment1));
  PetscCall(PetscFree(bench->trainer.moment2));
  PetscCall(PetscFree(bench->states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A contiguous dataset of rows; this rank writes some of them. */
static PetscErrorCode WriteRows(hid_t file, const char *name, hid_t type, hsize_t rows, hsize_t columns, hsize_t first,
                                hsize_t count, const void *data)
{
  const hsize_t shape[2] = {rows, columns}, start[2] = {first, 0}, size[2] = {count, columns};
  const hid_t   space   = H5Screate_simple(2, shape, NULL);
  const hid_t   memory  = H5Screate_simple(2, size, NULL);
  const hid_t   dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

  PetscFunctionBeginUser;
  TpCallHDF5(dataset);
  TpCallHDF5(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL));
  if (count) TpCallHDF5(H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, data));
  TpCallHDF5(H5Dclose(dataset));
  TpCallHDF5(H5Sclose(memory));
  TpCallHDF5(H5Sclose(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As a program without our promises would write it: the states in one piece of each rank, the weights by one. */
static PetscErrorCode WritePlain(const Bench *bench)
{
  const hsize_t rungs = (hsize_t)bench->ladder.num_rungs, ranks = (hsize_t)bench->groups.num_trainers,
                width = (hsize_t)TpStatePackedSize(bench->run.system.size), rank = (hsize_t)bench->groups.group_rank;
  const hsize_t         left = rungs % ranks, first = rank * (rungs / ranks) + PetscMin(rank, left);
  const hsize_t         weights  = (hsize_t)bench->trainer.num_parameters;
  const TpNumber *const tensor[] = {bench->trainer.parameters, bench->trainer.average, bench->trainer.moment1,
                                    bench->trainer.moment2};
  const char *const     name[]   = {"parameters", "average", "moment1", "moment2"};
  const hid_t           access   = H5Pcreate(H5P_FILE_ACCESS);
  hid_t                 file;

  PetscFunctionBeginUser;
  TpCallHDF5(H5Pset_fapl_mpio(access, bench->groups.group, MPI_INFO_NULL));
  file = H5Fcreate(bench->plain, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  TpCallHDF5(file);
  PetscCall(
      WriteRows(file, "states", H5T_NATIVE_DOUBLE, rungs, width, first, (hsize_t)bench->num_owned, bench->states));
  for (int i = 0; i < 4; ++i)
    PetscCall(WriteRows(file, name[i], H5T_NATIVE_FLOAT, 1, weights, 0, rank ? 0 : 1, tensor[i]));
  TpCallHDF5(H5Fflush(file, H5F_SCOPE_GLOBAL));
  TpCallHDF5(H5Fclose(file));
  TpCallHDF5(H5Pclose(access));
  if (!rank) {
    const int descriptor = open(bench->plain, O_RDWR);

    PetscCheck(descriptor >= 0 && !fsync(descriptor), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", bench->plain);
    close(descriptor);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Time(Bench *bench, PetscBool ours, double *seconds)
{
  const TpCheckpoint checkpoint = {.learning = &bench->learning};

  PetscFunctionBeginUser;
  if (!bench->groups.group_rank) unlink(ours ? bench->ours : bench->plain);
  PetscCallMPI(MPI_Barrier(bench->groups.group));
  *seconds = -MPI_Wtime();
  if (ours)
    PetscCall(TpCheckpointWrite(&bench->run, bench->ours, TP_CHECKPOINT_FORMAT, &checkpoint, bench->num_owned,
                                bench->states));
  else
    PetscCall(WritePlain(bench));
  PetscCallMPI(MPI_Barrier(bench->groups.group));
  *seconds += MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file that lacks something would be quick to write. */
static PetscErrorCode CompareSizes(const Bench *bench)
{
  struct stat ours, plain;

  PetscFunctionBeginUser;
  PetscCheck(!stat(bench->ours, &ours) && !stat(bench->plain, &plain), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s",
             bench->ours);
  PetscCheck(ours.st_size >= plain.st_size, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "%lld bytes of checkpoint beside %lld of a plain file", (long long)ours.st_size, (long long)plain.st_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(Bench *bench, int turns)
{
  const double mebibytes =
      ((double)bench->ladder.num_rungs * TpStatePackedSize(bench->run.system.size) * sizeof(double) +
       4.0 * bench->trainer.num_parameters * sizeof(TpNumber)) /
      1048576.0;
  double *ours, *plain, *ratio, ignored;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(turns, &ours, turns, &plain, turns, &ratio));
  PetscCall(Time(bench, PETSC_TRUE, &ignored));
  PetscCall(Time(bench, PETSC_FALSE, &ignored));
  if (!bench->groups.group_rank) PetscCall(CompareSizes(bench)); /* before the next turn takes them away */
  for (int i = 0; i < turns; ++i) {
    PetscCall(Time(bench, PETSC_TRUE, &ours[i]));
    PetscCall(Time(bench, PETSC_FALSE, &plain[i]));
    ratio[i] = plain[i] / ours[i];
  }
  PetscCall(PetscSortReal(turns, ours));
  PetscCall(PetscSortReal(turns, plain));
  PetscCall(PetscSortReal(turns, ratio));
  if (!bench->groups.group_rank)
    printf("mebibytes: %.2f\ncheckpoint_ms: %.2f\nplain_ms: %.2f\nratio: %.3f\nratio_of_best: %.3f\n", mebibytes,
           1e3 * ours[turns / 2], 1e3 * plain[turns / 2], ratio[turns / 2], plain[0] / ours[0]);
  PetscCall(PetscFree3(ours, plain, ratio));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Bench bench;

  if (argc != 6) return 2;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(Create(argv, &bench));
  PetscCall(Run(&bench, atoi(argv[5])));
  PetscCall(Destroy(&bench));
  PetscCall(PetscFinalize());
  return 0;
}
