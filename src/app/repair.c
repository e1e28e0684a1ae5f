/* Replacing the configuration of a rung by its neighbour's at a restart, and the table of it in run.h5. */
#include "run-impl.h"

#include <math.h>

enum { ENTRIES = 64 };

typedef struct {
  PetscInt   count;
  PetscInt64 round[ENTRIES]; /* rounds done before: the first round with the new configuration; not decreasing */
  PetscInt64 rung[ENTRIES];
  PetscInt64 source[ENTRIES];
} Table;

/* ------------------------------------------------------------------------------------------------------------- table */

PetscErrorCode TpRepairDefine(TpFile file)
{
  const PetscInt64 entries = ENTRIES;

  PetscFunctionBeginUser;
  PetscCall(TpFileDefine(file, "/repair/round", TP_FILE_INT64, 1, &entries, "",
                         "first round that was simulated from a replaced configuration; 0: no entry"));
  PetscCall(
      TpFileDefine(file, "/repair/rung", TP_FILE_INT64, 1, &entries, "", "rung whose configuration was replaced"));
  PetscCall(
      TpFileDefine(file, "/repair/source", TP_FILE_INT64, 1, &entries, "", "rung whose configuration it was given"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRepairCopy(TpFile from, TpFile to)
{
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(TpFileHas(from, "/repair/round", &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS); /* written before there were repairs */
  PetscCall(TpFileCopyRows(from, to, "/repair/round", ENTRIES));
  PetscCall(TpFileCopyRows(from, to, "/repair/rung", ENTRIES));
  PetscCall(TpFileCopyRows(from, to, "/repair/source", ENTRIES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTable(TpRun run, TpFile file, Table *table)
{
  static const char *const names[] = {"/repair/round", "/repair/rung", "/repair/source"};
  const PetscInt64         entries = ENTRIES;

  PetscFunctionBeginUser;
  *table = (Table){0};
  for (int i = 0; i < 3; ++i) PetscCall(TpFileCheckShape(file, names[i], TP_FILE_INT64, 1, &entries));
  PetscCall(TpFileReadAll(file, "/repair/round", TP_FILE_INT64, 1, &entries, table->round));
  PetscCall(TpFileReadAll(file, "/repair/rung", TP_FILE_INT64, 1, &entries, table->rung));
  PetscCall(TpFileReadAll(file, "/repair/source", TP_FILE_INT64, 1, &entries, table->source));
  while (table->count < ENTRIES && table->round[table->count] > 0) {
    const PetscInt64 rung = table->rung[table->count], source = table->source[table->count];

    TpCheckInput(rung >= 0 && rung < run->ladder->num_rungs && source >= 0 && source < run->ladder->num_rungs,
                 "%s/run.h5: /repair tells of rung %" PetscInt64_FMT " and rung %" PetscInt64_FMT,
                 run->settings.run.folder, rung, source);
    ++table->count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The round is what makes an entry count: it comes last. */
static PetscErrorCode WriteTable(TpRun run, TpFile file, const Table *table)
{
  const PetscInt64 rows = run->is_writer ? ENTRIES : 0;

  PetscFunctionBeginUser;
  PetscCall(TpFileWriteRows(file, "/repair/rung", TP_FILE_INT64, 0, rows, table->rung));
  PetscCall(TpFileWriteRows(file, "/repair/source", TP_FILE_INT64, 0, rows, table->source));
  PetscCall(TpFileWriteRows(file, "/repair/round", TP_FILE_INT64, 0, rows, table->round));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries behind the round that we go on with belong to rounds that never happened. */
static void Forget(Table *table, PetscInt64 round)
{
  while (table->count && table->round[table->count - 1] > round) {
    --table->count;
    table->round[table->count] = table->rung[table->count] = table->source[table->count] = 0;
  }
}

static PetscErrorCode AddEntry(TpRun run, Table *table)
{
  const PetscInt rung = run->reseed_rung;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < table->count; ++i)
    if (table->round[i] == run->first_round && table->rung[i] == rung) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(table->count < ENTRIES,
               "--reseed-rung: %d configurations have been replaced already, that is all there is room for", ENTRIES);
  table->round[table->count]    = run->first_round;
  table->rung[table->count]     = rung;
  table->source[table->count++] = rung ? rung - 1 : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- states */

/* Positions, box and energy of the neighbour; its velocities, scaled to this rung's temperature, keep to every constraint. The walker stays: each
   is at one rung. */
static PetscErrorCode Replace(TpRun run, PetscInt rung, PetscInt source, double states[])
{
  const size_t width  = (size_t)TpStatePackedSize(run->system.size);
  const double factor = sqrt(run->ladder->temperature[rung] / run->ladder->temperature[source]);
  TpState      state;
  PetscInt64   walker;

  PetscFunctionBeginUser;
  PetscCall(TpStateCreate(run->system.size, &state));
  TpStateUnpack(states + (size_t)rung * width, &state);
  walker = state.walker;
  TpStateUnpack(states + (size_t)source * width, &state);
  state.walker = walker;
  for (PetscInt i = 0; i < run->system.size; ++i) state.v[i] *= factor;
  TpStatePack(&state, states + (size_t)rung * width);
  PetscCall(TpStateDestroy(&state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpRepairStates(TpRun run, TpFile file, double states[])
{
  Table     table;
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(TpFileHas(file, "/repair/round", &has));
  TpCheckInput(has || run->reseed_rung < 0, "--reseed-rung: run.h5 was made by a version without repairs");
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadTable(run, file, &table));
  Forget(&table, run->first_round);
  if (run->reseed_rung >= 0) PetscCall(AddEntry(run, &table));
  PetscCall(WriteTable(run, file, &table));
  /* The checkpoint is of before the repair: each restart from it repairs again, in the same order. */
  for (PetscInt i = 0; i < table.count && run->is_writer; ++i) {
    if (table.round[i] != run->first_round) continue;
    PetscCall(Replace(run, (PetscInt)table.rung[i], (PetscInt)table.source[i], states));
    TpLog(TP_LOG_PRODUCTION, "rung %d goes on from the configuration of rung %d", (int)table.rung[i],
          (int)table.source[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
