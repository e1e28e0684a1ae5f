/*
  The pipelined agreement: words are or-ed over the ranks and belong to their own round; few messages; a rank that stays away holds up
  nobody beyond what its words are needed for.

  Messages are counted by MPI's profiling interface: the functions below stand before the library's own.
*/
#include "tempera/comm.h"
#include "test.h"

#include <stdatomic.h>
#include <time.h>

enum { NUM_ROUNDS = 100, MAX_RANKS = 64 };

static int rank, size;

/* ---------------------------------------------------------------------------------------------------------- counting */

/* Counters of the functions below, which have no other way to tell. */
static struct {
  int sends, receives;
  int bytes;
  int sent_to[MAX_RANKS];
  int open; /* requests started and not yet completed */
} count;

static int Bytes(int n, MPI_Datatype type)
{
  int bytes = 0;

  return PMPI_Type_size(type, &bytes) ? -1 : n * bytes;
}

/* PETSc has macros of these names: the parentheses keep them away. */
int(MPI_Isend)(const void *buffer, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request)
{
  ++count.sends;
  ++count.open;
  ++count.sent_to[to % MAX_RANKS];
  count.bytes += Bytes(n, type);
  return PMPI_Isend(buffer, n, type, to, tag, comm, request);
}

int(MPI_Irecv)(void *buffer, int n, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request *request)
{
  ++count.receives;
  ++count.open;
  return PMPI_Irecv(buffer, n, type, from, tag, comm, request);
}

int(MPI_Testall)(int n, MPI_Request requests[], int *done, MPI_Status statuses[])
{
  int under_way = 0;

  for (int i = 0; i < n; ++i) under_way += requests[i] != MPI_REQUEST_NULL;
  const int code = PMPI_Testall(n, requests, done, statuses);
  if (*done) count.open -= under_way;
  return code;
}

/* ------------------------------------------------------------------------------------------------------------- words */

/* Bits that a rank posts in a round: pseudo-random, and few, so that the word of a missing or a wrong rank or round shows. */
static unsigned Word(int of_rank, int round)
{
  const uint64_t bits = TpRandomBits(7, TP_RANDOM_TEST, (uint32_t)of_rank, (uint64_t)round);

  return (unsigned)(bits & bits >> 20 & bits >> 40);
}

static unsigned WordOfAll(int round)
{
  unsigned word = 0;

  for (int i = 0; i < size && round >= 0; ++i) word |= Word(i, round);
  return word;
}

static PetscErrorCode CheckRound(TpAgreement agreement, int round)
{
  unsigned word;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementStep(agreement, Word(rank, round), &word, NULL));
  TpTestExpectThat(word == WordOfAll(round - TpAgreementDelay(size)), "round %d: the word is %x, expected %x", round,
                   word, WordOfAll(round - TpAgreementDelay(size)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRounds(int num_rounds)
{
  TpAgreement agreement;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  for (int round = 0; round < num_rounds; ++round) PetscCall(CheckRound(agreement, round));
  PetscCall(TpAgreementDestroy(&agreement));
  TpTestExpect(agreement == NULL);
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Short ones end while their first words are still under way: what one left behind would be taken for a word of the next. */
static PetscErrorCode CheckOneAfterAnother(void)
{
  PetscFunctionBeginUser;
  for (int num_rounds = 0; num_rounds < 8; ++num_rounds) {
    PetscCall(CheckRounds(num_rounds));
    TpTestExpectEqual(count.open, 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Other messages in the communicator, and ranks out of step by turns: one hurries ahead of a rank that is busy. */
static PetscErrorCode CheckAmongOthers(void)
{
  TpAgreement agreement;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  for (int round = 0; round < 60; ++round) {
    const struct timespec busy = {.tv_sec = 0, .tv_nsec = 1000000};
    double                sum  = 1;

    PetscCall(CheckRound(agreement, round));
    if (round % 7 == rank) nanosleep(&busy, NULL);
    if (round % 11 > 0) continue;
    PetscCall(TpAllreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, NULL));
    TpTestExpectClose(sum, size, 0);
  }
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckIdle(void)
{
  const double start = MPI_Wtime();
  double       idle  = 0;
  unsigned     word;
  TpAgreement  agreement;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  for (int round = 0; round < 20; ++round) {
    const double before = idle;

    PetscCall(TpAgreementStep(agreement, 0, &word, &idle));
    TpTestExpect(idle >= before);
  }
  TpTestExpectThat(idle > 0 && idle <= MPI_Wtime() - start, "idle %g s of %g s", idle, MPI_Wtime() - start);
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---------------------------------------------------------------------------------------------------------- messages */

static PetscErrorCode CheckDelay(void)
{
  PetscFunctionBeginUser;
  TpTestExpectEqual(TpAgreementDelay(1), 1);
  TpTestExpectEqual(TpAgreementDelay(2), 1);
  TpTestExpectEqual(TpAgreementDelay(3), 2);
  TpTestExpectEqual(TpAgreementDelay(4), 2);
  TpTestExpectEqual(TpAgreementDelay(5), 3);
  TpTestExpectEqual(TpAgreementDelay(8), 3);
  TpTestExpectEqual(TpAgreementDelay(9), 4);
  TpTestExpectEqual(TpAgreementDelay(512), 9);
  TpTestExpectEqual(TpAgreementDelay(1 << 20), 20);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each step sends and awaits one word a stage, each to another rank; all are complete at the end. */
static PetscErrorCode CheckMessages(void)
{
  const int   num_stages = size > 1 ? TpAgreementDelay(size) : 0;
  TpAgreement agreement;
  unsigned    word;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  for (int round = 0; round < NUM_ROUNDS; ++round) {
    PetscCall(PetscMemzero(&count, sizeof(count)));
    PetscCall(TpAgreementStep(agreement, 1, &word, NULL));
    TpTestExpectEqual(count.sends, num_stages);
    TpTestExpectEqual(count.receives, num_stages);
    TpTestExpectEqual(count.bytes, num_stages * (int)sizeof(unsigned));
    TpTestExpectEqual(count.open, round > 0 ? 0 : 2 * num_stages);
    for (int i = 0; i < size; ++i) TpTestExpect(count.sent_to[i] <= (i != rank));
  }
  PetscCall(PetscMemzero(&count, sizeof(count)));
  PetscCall(TpAgreementDestroy(&agreement));
  TpTestExpectEqual(count.sends + count.receives, 0);
  TpTestExpectEqual(count.open, -2 * num_stages); /* those of the last step */
  PetscCall(PetscMemzero(&count, sizeof(count)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- away */

/* Messages that a word needs from `absent` to this rank, if each goes 1, 2, 4, ... ranks on: by trying all, one message more at a time. */
static int Hops(int absent)
{
  PetscBool is_reached[MAX_RANKS] = {PETSC_FALSE};
  int       hops                  = 0;

  for (is_reached[absent] = PETSC_TRUE; !is_reached[rank]; ++hops) {
    PetscBool before[MAX_RANKS];

    for (int i = 0; i < size; ++i) before[i] = is_reached[i];
    for (int i = 0; i < size; ++i)
      for (int step = 1; step < size; step *= 2)
        if (before[i]) is_reached[(i + step) % size] = PETSC_TRUE;
  }
  return hops;
}

/*
  Rank `absent` makes a few steps and then is away from MPI until every other rank has gone on as far as words that left `absent` in those
  steps allow: one step for each message that lies between the two, so at least one. No clock decides: if a step wanted more of `absent`,
  neither would ever go on, and the time limit of the test would end it.
*/
static PetscErrorCode CheckAway(int absent, atomic_int *num_arrived)
{
  const struct timespec pause = {.tv_sec = 0, .tv_nsec = 1000000};
  const int             begin = 4, end = begin + 2 * TpAgreementDelay(size);
  const int             free_steps = Hops(absent);
  TpAgreement           agreement;

  PetscFunctionBeginUser;
  PetscCall(TpAgreementCreate(MPI_COMM_WORLD, &agreement));
  for (int round = 0; round < end; ++round) {
    if (round == begin && rank == absent)
      while (atomic_load(num_arrived) < size - 1) nanosleep(&pause, NULL);
    PetscCall(CheckRound(agreement, round));
    if (rank != absent && round + 1 == begin + free_steps) atomic_fetch_add(num_arrived, 1);
  }
  PetscCall(TpAgreementDestroy(&agreement));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ranks tell of their arrival in shared memory, as a message would take the absent one into MPI. */
static PetscErrorCode CheckAllAway(void)
{
  MPI_Win     window;
  MPI_Aint    bytes;
  int         unit;
  atomic_int *num_arrived; /* [size] one for each absent rank; kept by rank 0 */

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Win_allocate_shared(rank == 0 ? size * (MPI_Aint)sizeof(atomic_int) : 0, sizeof(atomic_int),
                                       MPI_INFO_NULL, MPI_COMM_WORLD, &num_arrived, &window));
  PetscCallMPI(MPI_Win_shared_query(window, 0, &bytes, &unit, &num_arrived));
  for (int i = 0; i < size && rank == 0; ++i) atomic_init(&num_arrived[i], 0);
  PetscCallMPI(MPI_Barrier(MPI_COMM_WORLD));
  for (int absent = 0; absent < size; ++absent) PetscCall(CheckAway(absent, &num_arrived[absent]));
  PetscCallMPI(MPI_Win_free(&window));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  TpTestCall(CheckDelay());
  TpTestCall(CheckRounds(NUM_ROUNDS));
  TpTestCall(CheckOneAfterAnother());
  TpTestCall(CheckAmongOthers());
  TpTestCall(CheckIdle());
  TpTestCall(CheckMessages());
  TpTestCall(CheckAllAway());
  return TpTestEnd();
}
