/* The total of the fixed tree has the bits of a serial sum in the tree's order, at every number of ranks. */
#include "tempera/comm.h"
#include "test.h"

#include <math.h>
#include <string.h>

static int rank, size;

/* Ranges partition the shards in order, and TpTreeOwner() is their inverse; more ranks than shards leave some without. */
static void CheckOwnership(void)
{
  for (int num_shards = 1; num_shards <= 40; ++num_shards) {
    for (int num_ranks = 1; num_ranks <= 50; ++num_ranks) {
      int next = 0;

      for (int i = 0; i < num_ranks; ++i) {
        int first, count;

        TpTreeOwned(num_shards, num_ranks, i, &first, &count);
        TpTestExpectEqual(first, next);
        TpTestExpect(count == num_shards / num_ranks || count == (num_shards + num_ranks - 1) / num_ranks);
        for (int shard = first; shard < first + count; ++shard)
          TpTestExpectEqual(TpTreeOwner(num_shards, num_ranks, shard), i);
        next = first + count;
      }
      TpTestExpectEqual(next, num_shards);
    }
  }
}

/* Sizes from 1e-3 to 1e3, so that the order of the sum shows in the last bits. */
static float Number(int shard, PetscInt i, int sum)
{
  double numbers[2];

  TpRandomNormal(11, TP_RANDOM_TEST, (uint32_t)shard, (uint64_t)i + ((uint64_t)sum << 32), 2, numbers);
  return (float)(numbers[0] * pow(10, numbers[1]));
}

/* The same tree written as a recursion: shards [first, first + span), span a power of two. */
static float TreeSum(int num_shards, int first, int span, PetscInt i, int sum)
{
  const int half = span / 2;

  if (span == 1) return Number(first, i, sum);
  if (first + half >= num_shards) return TreeSum(num_shards, first, half, i, sum);
  return TreeSum(num_shards, first, half, i, sum) + TreeSum(num_shards, first + half, half, i, sum);
}

static PetscErrorCode CheckSums(int num_shards, PetscInt length, int num_sums)
{
  TpTree tree;
  int    first, count, span = 1;
  float *parts, *total;
  double idle = 0;

  PetscFunctionBeginUser;
  while (span < num_shards) span *= 2;
  TpTreeOwned(num_shards, size, rank, &first, &count);
  PetscCall(PetscMalloc2((size_t)count * length, &parts, length, &total));
  PetscCall(TpTreeCreate(MPI_COMM_WORLD, num_shards, length, &tree));
  for (int sum = 0; sum < num_sums; ++sum) {
    PetscInt num_wrong = 0;

    for (int shard = 0; shard < count; ++shard)
      for (PetscInt i = 0; i < length; ++i) parts[shard * length + i] = Number(first + shard, i, sum);
    PetscCall(TpTreeSum(tree, parts, total, &idle));
    for (PetscInt i = 0; i < length; ++i) {
      const float expected = TreeSum(num_shards, 0, span, i, sum);

      if (memcmp(&expected, &total[i], sizeof(float))) ++num_wrong;
    }
    TpTestExpectThat(num_wrong == 0, "%d of %d numbers differ from the tree's order, %d shards", (int)num_wrong,
                     (int)length, num_shards);
  }
  PetscCall(TpTreeDestroy(&tree));
  TpTestExpect(tree == NULL);
  PetscCall(TpTreeDestroy(&tree));
  PetscCall(PetscFree2(parts, total));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A vector in several parts, of which one after the other is told of: what is not there yet is never read, and the total is that of all at once. */
static PetscErrorCode CheckPieces(int num_shards, PetscInt length, PetscInt piece)
{
  TpTree tree;
  int    first, count;
  float *parts, *copy, *total, *expected;

  PetscFunctionBeginUser;
  TpTreeOwned(num_shards, size, rank, &first, &count);
  PetscCall(
      PetscMalloc4((size_t)count * length, &parts, (size_t)count * length, &copy, length, &total, length, &expected));
  for (int shard = 0; shard < count; ++shard)
    TpRandomNormalFloat(12, TP_RANDOM_TEST, (uint32_t)(first + shard), 0, length, copy + shard * length);
  PetscCall(PetscArraycpy(parts, copy, count * length));
  PetscCall(TpTreeCreate(MPI_COMM_WORLD, num_shards, length, &tree));
  PetscCall(TpTreeSum(tree, parts, expected, NULL));
  for (PetscInt i = 0; i < count * length; ++i) parts[i] = NAN;
  PetscCall(TpTreeBegin(tree, parts, total));
  for (PetscInt end = length; end > 0; end -= piece) {
    const PetscInt begin = PetscMax(0, end - piece);

    for (int shard = 0; shard < count; ++shard)
      PetscCall(PetscArraycpy(parts + shard * length + begin, copy + shard * length + begin, end - begin));
    PetscCall(TpTreeAdvance(tree, begin));
  }
  PetscCall(TpTreeEnd(tree, NULL));
  TpTestExpectThat(!memcmp(total, expected, (size_t)length * sizeof(float)), "other bits in pieces of %d, %d shards",
                   (int)piece, num_shards);
  PetscCall(TpTreeDestroy(&tree));
  PetscCall(PetscFree4(parts, copy, total, expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The comparison can fail: summing in shard order gives other bits. */
static void CheckOrderMatters(void)
{
  const int num_shards = 8, length = 200;
  int       num_different = 0;

  for (PetscInt i = 0; i < length; ++i) {
    float plain = 0;

    for (int shard = 0; shard < num_shards; ++shard) plain += Number(shard, i, 0);
    if (plain != TreeSum(num_shards, 0, num_shards, i, 0)) ++num_different;
  }
  TpTestExpectThat(num_different > length / 4, "only %d of %d sums depend on the order", num_different, length);
}

int main(int argc, char **argv)
{
  const int num_shards[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16};

  TpTestBegin(&argc, &argv);
  if (MPI_Comm_rank(MPI_COMM_WORLD, &rank) || MPI_Comm_size(MPI_COMM_WORLD, &size)) return 1;
  CheckOwnership();
  CheckOrderMatters();
  for (size_t i = 0; i < sizeof(num_shards) / sizeof(num_shards[0]); ++i) TpTestCall(CheckSums(num_shards[i], 200, 3));
  TpTestCall(CheckSums(8, 50000, 2));  /* messages too long to be sent before they are received */
  TpTestCall(CheckSums(6, 150000, 1)); /* parts that travel by themselves */
  for (int count = 1; count <= 8; ++count) TpTestCall(CheckPieces(count, 400000, 30000));
  TpTestCall(CheckPieces(5, 3000000, 3000000)); /* as many parts as there may be */
  TpTestCall(CheckSums(3, 0, 1));
  return TpTestEnd();
}
