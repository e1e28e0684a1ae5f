/* ti.h5: what `tempera ti` has learned from, the network, and what it has found. */
#include "ti-report.h"

static PetscErrorCode WriteMembers(TpTi ti, TpFile file)
{
  PetscFunctionBeginUser;
  for (PetscInt m = 0; m < ti->num_members; ++m) {
    const TpTiMember *member   = &ti->members[m];
    const PetscInt64  shape[2] = {ti->num_frames, member->system.size};
    char              name[64];

    snprintf(name, sizeof(name), "/members/%d/positions", (int)m);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_FLOAT, 2, shape, member->x,
                             TpUnitName(ti->run->system.units, TP_DIMENSION_LENGTH), "configurations learned from"));
    snprintf(name, sizeof(name), "/members/%d/energy", (int)m);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, shape, member->energy,
                             TpUnitName(ti->run->system.units, TP_DIMENSION_ENERGY), "their potential energies"));
    snprintf(name, sizeof(name), "/members/%d", (int)m);
    PetscCall(TpFileWriteInteger(file, name, "num_particles", member->system.num_particles));
    PetscCall(TpFileWriteReal(file, name, "temperature", member->system.temperature));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAsymmetry(const TpTiResults *results, TpFile file)
{
  const PetscInt64 shape[] = {TP_TI_ASYMMETRY_TIMES, 3};
  double           table[3 * TP_TI_ASYMMETRY_TIMES];

  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < TP_TI_ASYMMETRY_TIMES; ++k) {
    table[3 * k]     = results->asymmetry[k].t;
    table[3 * k + 1] = results->asymmetry[k].ratio;
    table[3 * k + 2] = results->asymmetry[k].error;
  }
  PetscCall(TpFileWriteAll(file, "/network/conservativeness", TP_FILE_DOUBLE, 2, shape, table, "",
                           "of the score's Jacobian J [time, (t, ||J - J^T|| / ||J||, its error)]"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteContents(const TpTiResults *results, TpFile file)
{
  TpTi             ti    = results->ti;
  const PetscInt64 count = ti->num_targets, length = ti->trainer->adam.num_parameters;
  double          *number;

  PetscFunctionBeginUser;
  PetscCall(WriteMembers(ti, file));
  PetscCall(TpFileWriteAll(file, "/network/parameters", TP_FILE_FLOAT, 1, &length, ti->trainer->adam.average, "",
                           "moving average of the energy's weights"));
  PetscCall(PetscMalloc1(5 * count, &number));
  for (PetscInt i = 0; i < count; ++i) {
    number[i]             = (double)ti->targets[i].system.num_particles;
    number[count + i]     = ti->targets[i].system.temperature;
    number[2 * count + i] = results->rows[i].best.value;
    number[3 * count + i] = results->rows[i].best.error;
    number[4 * count + i] = results->rows[i].best.grid;
  }
  const char *names[] = {"num_particles", "temperature", "log_z", "error", "grid_error"};

  for (int k = 0; k < 5; ++k) {
    char name[64];

    snprintf(name, sizeof(name), "/targets/%s", names[k]);
    PetscCall(TpFileWriteAll(file, name, TP_FILE_DOUBLE, 1, &count, number + k * count, "",
                             "as in the columns of free-energy.csv"));
  }
  PetscCall(PetscFree(number));
  PetscCall(WriteAsymmetry(results, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTiWriteFile(const TpTiResults *results)
{
  TpRun              run    = results->ti->run;
  const TpFileHeader header = {
      .format = TP_TI_FORMAT, .version = TP_TI_VERSION, .program = TpVersionLine(), .parameters = run->used_parameters};
  char   path[PETSC_MAX_PATH_LEN];
  TpFile file;

  PetscFunctionBeginUser;
  PetscCall(TpRunPath(run, "ti.h5", path));
  PetscCall(TpFileCreate(run->groups->world, path, &header, &file));
  PetscCall(TpFileConclude(&file, WriteContents(results, file)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
