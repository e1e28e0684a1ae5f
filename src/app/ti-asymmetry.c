/* How far the learned score of `tempera ti` is from a gradient. */
#include "ti-report.h"

enum { NUM_VECTORS = 4, CONFIGURATIONS = 16 }; /* six pairs for each configuration and time */

static double TimeOf(PetscInt k)
{
  return ((double)k + 0.5) / (double)TP_TI_ASYMMETRY_TIMES;
}

/* Its path has the averaged weights, which all ranks have. */
static PetscInt TargetOf(TpTi ti, PetscInt member)
{
  PetscInt target = 0;

  while (TpTiMemberOf(ti, target) != member) ++target;
  return target;
}

/* Squares at one configuration, those of two times `stride` apart. */
static PetscErrorCode Measure(TpTi ti, PetscInt64 index, PetscInt64 total, PetscInt64 stride, double squares[])
{
  const PetscInt   m     = (PetscInt)(index % ti->num_members);
  const TpPath     path  = ti->targets[TargetOf(ti, m)].system.neural;
  const PetscInt   size  = TpPathSize(path);
  const PetscInt64 frame = index * ti->num_frames / total;
  double          *y0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &y0));
  for (PetscInt k = 0; k < size; ++k) y0[k] = (double)ti->data[m].y[frame * size + k];
  for (PetscInt k = 0; k < TP_TI_ASYMMETRY_TIMES; ++k)
    PetscCall(TpPathAsymmetry(path, (uint64_t)ti->run->settings.run.seed, (uint32_t)index, (uint64_t)k, NUM_VECTORS,
                              TimeOf(k), y0, squares + k * stride));
  PetscCall(PetscFree(y0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiMeasureAsymmetry(TpTi ti, TpTiAsymmetry times[])
{
  TpGroups         groups = ti->run->groups;
  const PetscInt64 total  = PetscMax((PetscInt64)CONFIGURATIONS, ti->num_members);
  const PetscInt64 step = groups->num_replicas + groups->num_trainers, numbers = TP_TI_ASYMMETRY_TIMES * 2 * total;
  double          *squares; /* [times, total, 2] */

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(numbers, &squares));
  for (PetscInt64 i = groups->world_rank; i < total; i += step)
    PetscCall(Measure(ti, i, total, 2 * total, squares + 2 * i));
  PetscCall(TpAllreduce(MPI_IN_PLACE, squares, (int)numbers, MPI_DOUBLE, MPI_SUM, groups->world, NULL));
  for (PetscInt k = 0; k < TP_TI_ASYMMETRY_TIMES; ++k) {
    times[k].t = TimeOf(k);
    TpAsymmetryRatio(total, squares + 2 * k * total, &times[k].ratio, &times[k].error);
  }
  PetscCall(PetscFree(squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}
