/*
  What an attempt sends: one message to the partner, a second if it is accepted, nothing to anybody else and nothing collective. All pairs
  need the energies of all.

  Counted by MPI's profiling interface: the functions below stand before the library's own. An attempt may call none that is not here
  without being seen, as MPI_Isend and MPI_Irecv are the only ones counted as allowed.
*/
#include "tempera/ladder.h"
#include "test.h"

#include <math.h>

enum { SIZE = 12, NUM_ATTEMPTS = 60 };

/* Counters of the functions below, which have no other way to tell. */
static struct {
  int sends, receives;
  int to_others; /* sent to or awaited from a rank that is not the partner */
  int forbidden; /* any other kind of communication */
  int partner;
} count;

/* PETSc has macros of these names: the parentheses keep them away. */
int(MPI_Isend)(const void *buffer, int n, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request)
{
  ++count.sends;
  count.to_others += to != count.partner;
  return PMPI_Isend(buffer, n, type, to, tag, comm, request);
}

int(MPI_Irecv)(void *buffer, int n, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request *request)
{
  ++count.receives;
  count.to_others += from != count.partner;
  return PMPI_Irecv(buffer, n, type, from, tag, comm, request);
}

/* clang-format off */
#define FORBIDDEN(name, parameters, arguments) \
  int(MPI_##name) parameters { ++count.forbidden; return PMPI_##name arguments; }
#define DATA const void *from, int n, MPI_Datatype type
#define BOTH const void *from, int n, MPI_Datatype type, void *to, int m, MPI_Datatype type2
FORBIDDEN(Send, (DATA, int rank, int tag, MPI_Comm comm), (from, n, type, rank, tag, comm))
FORBIDDEN(Ssend, (DATA, int rank, int tag, MPI_Comm comm), (from, n, type, rank, tag, comm))
FORBIDDEN(Bsend, (DATA, int rank, int tag, MPI_Comm comm), (from, n, type, rank, tag, comm))
FORBIDDEN(Rsend, (DATA, int rank, int tag, MPI_Comm comm), (from, n, type, rank, tag, comm))
FORBIDDEN(Issend, (DATA, int rank, int tag, MPI_Comm comm, MPI_Request *r), (from, n, type, rank, tag, comm, r))
FORBIDDEN(Ibsend, (DATA, int rank, int tag, MPI_Comm comm, MPI_Request *r), (from, n, type, rank, tag, comm, r))
FORBIDDEN(Irsend, (DATA, int rank, int tag, MPI_Comm comm, MPI_Request *r), (from, n, type, rank, tag, comm, r))
FORBIDDEN(Send_init, (DATA, int rank, int tag, MPI_Comm comm, MPI_Request *r), (from, n, type, rank, tag, comm, r))
FORBIDDEN(Recv, (void *to, int n, MPI_Datatype type, int rank, int tag, MPI_Comm comm, MPI_Status *s), (to, n, type, rank, tag, comm, s))
FORBIDDEN(Sendrecv, (DATA, int rank, int tag, void *to, int m, MPI_Datatype type2, int rank2, int tag2, MPI_Comm comm, MPI_Status *s),
          (from, n, type, rank, tag, to, m, type2, rank2, tag2, comm, s))
FORBIDDEN(Sendrecv_replace, (void *to, int n, MPI_Datatype type, int rank, int tag, int rank2, int tag2, MPI_Comm comm, MPI_Status *s),
          (to, n, type, rank, tag, rank2, tag2, comm, s))
FORBIDDEN(Barrier, (MPI_Comm comm), (comm))
FORBIDDEN(Ibarrier, (MPI_Comm comm, MPI_Request *r), (comm, r))
FORBIDDEN(Bcast, (void *to, int n, MPI_Datatype type, int root, MPI_Comm comm), (to, n, type, root, comm))
FORBIDDEN(Ibcast, (void *to, int n, MPI_Datatype type, int root, MPI_Comm comm, MPI_Request *r), (to, n, type, root, comm, r))
FORBIDDEN(Reduce, (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm), (from, to, n, type, op, root, comm))
FORBIDDEN(Ireduce, (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm, MPI_Request *r),
          (from, to, n, type, op, root, comm, r))
FORBIDDEN(Allreduce, (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm), (from, to, n, type, op, comm))
FORBIDDEN(Iallreduce, (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm, MPI_Request *r), (from, to, n, type, op, comm, r))
FORBIDDEN(Gather, (BOTH, int root, MPI_Comm comm), (from, n, type, to, m, type2, root, comm))
FORBIDDEN(Igather, (BOTH, int root, MPI_Comm comm, MPI_Request *r), (from, n, type, to, m, type2, root, comm, r))
FORBIDDEN(Scatter, (BOTH, int root, MPI_Comm comm), (from, n, type, to, m, type2, root, comm))
FORBIDDEN(Iscatter, (BOTH, int root, MPI_Comm comm, MPI_Request *r), (from, n, type, to, m, type2, root, comm, r))
FORBIDDEN(Allgather, (BOTH, MPI_Comm comm), (from, n, type, to, m, type2, comm))
FORBIDDEN(Iallgather, (BOTH, MPI_Comm comm, MPI_Request *r), (from, n, type, to, m, type2, comm, r))
FORBIDDEN(Alltoall, (BOTH, MPI_Comm comm), (from, n, type, to, m, type2, comm))
FORBIDDEN(Ialltoall, (BOTH, MPI_Comm comm, MPI_Request *r), (from, n, type, to, m, type2, comm, r))
FORBIDDEN(Scan, (const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm), (from, to, n, type, op, comm))
FORBIDDEN(Comm_dup, (MPI_Comm comm, MPI_Comm *copy), (comm, copy))
FORBIDDEN(Comm_split, (MPI_Comm comm, int color, int key, MPI_Comm *part), (comm, color, key, part))
/* clang-format on */

/* The counters do count: a collective call and a message to oneself are seen. */
static PetscErrorCode CheckCounters(PetscMPIInt rank)
{
  MPI_Request request[2];
  int         sent = 1, received, sum;

  PetscFunctionBeginUser;
  count.partner = -1;
  PetscCallMPI(MPI_Allreduce(&sent, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
  TpTestExpectEqual(count.forbidden, 1);
  PetscCallMPI(MPI_Irecv(&received, 1, MPI_INT, rank, 0, MPI_COMM_WORLD, &request[0]));
  PetscCallMPI(MPI_Isend(&sent, 1, MPI_INT, rank, 0, MPI_COMM_WORLD, &request[1]));
  PetscCallMPI(MPI_Waitall(2, request, MPI_STATUSES_IGNORE));
  TpTestExpectEqual(count.sends, 1);
  TpTestExpectEqual(count.receives, 1);
  TpTestExpectEqual(count.to_others, 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAttempts(PetscMPIInt rank, PetscMPIInt size)
{
  TpLadderSettings settings = {.minimum = 1, .maximum = 2, .num_rungs = size};
  TpLadder         ladder;
  TpExchange       exchange;
  TpState          state;
  PetscInt         num_accepted = 0, num_rejected = 0;

  PetscFunctionBeginUser;
  PetscCall(TpLadderCreate(&settings, 1, 4, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, 7, &exchange));
  PetscCall(TpStateCreate(SIZE, &state));
  state.walker = rank;
  for (PetscInt64 attempt = 0; attempt < NUM_ATTEMPTS; ++attempt) {
    TpSwap swap;

    TpRandomNormal(8, TP_RANDOM_TEST, (uint32_t)rank, (uint64_t)attempt, 1, &state.energy);
    state.energy *= 8; /* wide enough that every pair both accepts and refuses */
    count.sends = count.receives = count.to_others = count.forbidden = 0;
    count.partner                                                    = (int)TpLadderPartner(ladder, attempt, rank);
    PetscCall(TpExchangeAttempt(exchange, attempt, &state, &swap, NULL));
    TpTestExpectEqual(count.sends, swap.partner < 0 ? 0 : swap.accepted ? 2 : 1);
    TpTestExpectEqual(count.receives, count.sends);
    TpTestExpectEqual(count.to_others, 0);
    TpTestExpectEqual(count.forbidden, 0);
    num_accepted += swap.accepted;
    num_rejected += swap.partner >= 0 && !swap.accepted;
  }
  TpTestExpectThat(num_accepted > 0 && num_rejected > 0, "%d accepted, %d rejected", (int)num_accepted,
                   (int)num_rejected);
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All pairs: one message of energies for each doubling of the ranks, and one more if the configuration moves. */
static PetscErrorCode CheckAllPairs(PetscMPIInt rank, PetscMPIInt size)
{
  TpLadderSettings settings = {.minimum = 1, .maximum = 2, .num_rungs = size, .scheme = TP_SCHEME_GIBBS};
  TpLadder         ladder;
  TpExchange       exchange;
  TpState          state;
  int              num_stages = 0, num_moved = 0;

  PetscFunctionBeginUser;
  while (1 << num_stages < size) ++num_stages;
  PetscCall(TpLadderCreate(&settings, 1, 4, &ladder));
  PetscCall(TpExchangeCreate(ladder, MPI_COMM_WORLD, SIZE, 7, &exchange));
  PetscCall(TpStateCreate(SIZE, &state));
  state.walker = rank;
  for (PetscInt64 attempt = 0; attempt < NUM_ATTEMPTS; ++attempt) {
    const PetscInt64 before = state.walker;
    TpSwap           swap;

    TpRandomNormal(8, TP_RANDOM_TEST, (uint32_t)rank, (uint64_t)attempt, 1, &state.energy);
    state.energy *= 8;
    count.sends = count.receives = count.forbidden = 0;
    PetscCall(TpExchangeAttempt(exchange, attempt, &state, &swap, NULL));
    TpTestExpectEqual(count.sends, num_stages + (state.walker != before));
    TpTestExpectEqual(count.receives, count.sends);
    TpTestExpectEqual(count.forbidden, 0);
    num_moved += state.walker != before;
  }
  TpTestExpectThat(num_moved > 0 && num_moved < NUM_ATTEMPTS, "%d moves", num_moved);
  PetscCall(TpStateDestroy(&state));
  PetscCall(TpExchangeDestroy(&exchange));
  PetscCall(TpLadderDestroy(&ladder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt rank, size;

  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  count.forbidden = count.sends = count.receives = count.to_others = 0;
  TpTestCall(CheckCounters(rank));
  TpTestCall(CheckAttempts(rank, size));
  TpTestCall(CheckAllPairs(rank, size));
  return TpTestEnd();
}
