/* What an input script of LAMMPS may not do, as it is Tempera's: run, exchange, write files, and keep temperatures unless it is told to. */
#include "lammps-impl.h"

#include <stdlib.h>
#include <string.h>

static const char write_reason[] =
    "all rungs would write the same file; trajectories and checkpoints are Tempera's (output)";
static const char run_reason[]  = "Tempera runs the dynamics; the script sets the system up";
static const char swap_reason[] = "exchanges are Tempera's (exchange, ladder)";

/* Commands that are refused, and why. */
static const struct {
  const char *word, *reason;
} refused[] = {
    {"run", run_reason},
    {"rerun", run_reason},
    {"neb", run_reason},
    {"neb/spin", run_reason},
    {"prd", run_reason},
    {"tad", run_reason},
    {"hyper", run_reason},
    {"dynamical_matrix", run_reason},
    {"third_order", run_reason},
    {"temper", swap_reason},
    {"temper/grem", swap_reason},
    {"temper/npt", swap_reason},
    {"dump", write_reason},
    {"restart", write_reason},
    {"write_restart", write_reason},
    {"write_data", write_reason},
    {"write_dump", write_reason},
    {"write_coeff", write_reason},
    {"log", "LAMMPS's log is read by Tempera"},
    {"jump", "a script is read once from its top to its end; write the loop out"},
    {"label", "a script is read once from its top to its end; write the loop out"},
    {"next", "a script is read once from its top to its end; write the loop out"},
    {"clear", "one script describes one system"},
    {"quit", "the script ends where its file ends"},
    {"partition", "every replica runs LAMMPS on one rank"},
    {"server", "LAMMPS serves Tempera"},
};

static const char *const si_words[] = {"si", "cgs", "electron", "micro", "nano", NULL};

/* Fixes that leave the ensemble canonical. Some have an energy that LAMMPS counts only on demand; a wall's name goes on. */
static const struct {
  const char *style;
  PetscBool   needs_energy;
} harmless[] = {
    {"shake", PETSC_FALSE},        {"rattle", PETSC_FALSE},      {"property/atom", PETSC_FALSE},
    {"wall/reflect", PETSC_FALSE}, {"restrain", PETSC_TRUE},     {"cmap", PETSC_TRUE},
    {"spring", PETSC_TRUE},        {"spring/self", PETSC_TRUE},  {"efield", PETSC_TRUE},
    {"gravity", PETSC_TRUE},       {"indent", PETSC_TRUE},       {"wall/lj93", PETSC_TRUE},
    {"wall/lj126", PETSC_TRUE},    {"wall/lj1043", PETSC_TRUE},  {"wall/harmonic", PETSC_TRUE},
    {"wall/morse", PETSC_TRUE},    {"wall/colloid", PETSC_TRUE}, {"wall/region", PETSC_TRUE},
};

static const char harmless_list[] =
    "shake, rattle, property/atom, restrain, cmap, spring, spring/self, efield, gravity, indent, wall/...";

/* Fixes that move atoms or keep a temperature as the canonical ensemble has it: with thermostat: script. */
static const struct {
  const char *style;
  PetscBool   moves, is_thermostat, keeps_momentum;
} canonical[] = {
    {"nve", PETSC_TRUE, PETSC_FALSE, PETSC_TRUE},        {"nvt", PETSC_TRUE, PETSC_TRUE, PETSC_TRUE},
    {"langevin", PETSC_FALSE, PETSC_TRUE, PETSC_FALSE},  {"temp/csvr", PETSC_FALSE, PETSC_TRUE, PETSC_TRUE},
    {"temp/csld", PETSC_FALSE, PETSC_TRUE, PETSC_FALSE},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static PetscBool Begins(const char *text, const char *begin)
{
  return strncmp(text, begin, strlen(begin)) ? PETSC_FALSE : PETSC_TRUE;
}

/* ---------------------------------------------------------------------------------------------------------------- fix */

static TpLammpsKnownFix *FindFix(TpLammpsFixes *fixes, const char *id)
{
  for (PetscInt i = 0; i < fixes->count; ++i)
    if (!strcmp(fixes->fix[i].id, id)) return &fixes->fix[i];
  return NULL;
}

/* What a style does. TP_ERR_INPUT if it may not be there. */
static PetscErrorCode Classify(const TpEngineSettings *settings, TpLammpsKnownFix *fix)
{
  const PetscBool is_tempera = settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_TEMPERA ? PETSC_TRUE : PETSC_FALSE;
  const char     *style = fix->style, *place = fix->place;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < COUNT(harmless); ++i) {
    if (strcmp(style, harmless[i].style)) continue;
    fix->needs_energy = harmless[i].needs_energy;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; i < COUNT(canonical) && !is_tempera; ++i) {
    if (strcmp(style, canonical[i].style)) continue;
    fix->moves          = canonical[i].moves;
    fix->is_thermostat  = canonical[i].is_thermostat;
    fix->keeps_momentum = canonical[i].keeps_momentum;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  TpCheckInput(!strstr(style, "npt") && !strstr(style, "nph") && !Begins(style, "press/") && strcmp(style, "deform") &&
                   strcmp(style, "box/relax"),
               "engine.lammps.script: %s: fix %s (%s) changes the volume; volumes are fixed", place, fix->id, style);
  TpCheckInput(
      !is_tempera || !(Begins(style, "nve") || Begins(style, "nvt") || Begins(style, "temp/") ||
                       Begins(style, "langevin") || Begins(style, "rigid")),
      "engine.lammps.script: %s: fix %s (%s) moves atoms or keeps a temperature, which Tempera does; take it out, or "
      "set engine.lammps.thermostat: script",
      place, fix->id, style);
  TpCheckInput(PETSC_FALSE,
               "engine.lammps.script: %s: fix %s (%s) may take the system out of the canonical ensemble; allowed: %s%s",
               place, fix->id, style, is_tempera ? "" : "nve, nvt, langevin, temp/csvr, temp/csld, ", harmless_list);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddFix(const TpEngineSettings *settings, const TpLammpsLine *line, TpLammpsFixes *fixes)
{
  TpLammpsKnownFix fix = {.place = line->place}, *old;

  PetscFunctionBeginUser;
  TpLammpsGetWord(line->text, 1, fix.id);
  TpLammpsGetWord(line->text, 3, fix.style);
  if (!fix.style[0]) PetscFunctionReturn(PETSC_SUCCESS); /* LAMMPS complains */
  TpCheckInput(!Begins(fix.id, "tempera_"),
               "engine.lammps.script: %s: fix %s: names that begin with tempera_ are Tempera's", line->place, fix.id);
  PetscCall(Classify(settings, &fix));
  if ((old = FindFix(fixes, fix.id))) {
    *old = fix;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (fixes->count == fixes->capacity) {
    fixes->capacity = PetscMax(8, 2 * fixes->capacity);
    PetscCall(PetscRealloc((size_t)fixes->capacity * sizeof(TpLammpsKnownFix), &fixes->fix));
  }
  fixes->fix[fixes->count++] = fix;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ModifyFix(const TpLammpsLine *line, TpLammpsFixes *fixes)
{
  char              id[TP_LAMMPS_WORD], word[TP_LAMMPS_WORD], value[TP_LAMMPS_WORD];
  TpLammpsKnownFix *fix;

  TpLammpsGetWord(line->text, 1, id);
  if (!(fix = FindFix(fixes, id))) return;
  for (int i = 2; TpLammpsGetWord(line->text, i, word), word[0]; ++i) {
    TpLammpsGetWord(line->text, i + 1, value);
    if (!strcmp(word, "energy")) fix->has_energy = strcmp(value, "yes") ? PETSC_FALSE : PETSC_TRUE;
  }
}

static void RemoveFix(const TpLammpsLine *line, TpLammpsFixes *fixes)
{
  char              id[TP_LAMMPS_WORD];
  TpLammpsKnownFix *fix;

  TpLammpsGetWord(line->text, 1, id);
  if ((fix = FindFix(fixes, id))) *fix = fixes->fix[--fixes->count];
}

/* ----------------------------------------------------------------------------------------------------------- commands */

static PetscErrorCode CheckUnits(const TpEngineSettings *settings, const TpLammpsLine *line)
{
  const char *expected = tp_lammps_unit_words[settings->lammps.units];
  char        word[TP_LAMMPS_WORD];

  PetscFunctionBeginUser;
  TpLammpsGetWord(line->text, 1, word);
  for (int i = 0; si_words[i]; ++i)
    TpCheckInput(strcmp(word, si_words[i]), "engine.lammps.script: %s: units %s; allowed: real, metal, lj", line->place,
                 word);
  TpCheckInput(!strcmp(word, expected), "engine.lammps.script: %s: units %s, but engine.lammps.units is %s",
               line->place, word, expected);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLammpsCheckCommand(const TpEngineSettings *settings, const TpLammpsLine *line, TpLammpsFixes *fixes)
{
  char first[TP_LAMMPS_WORD], second[TP_LAMMPS_WORD];

  PetscFunctionBeginUser;
  TpLammpsGetWord(line->text, 0, first);
  TpLammpsGetWord(line->text, 1, second);
  for (size_t i = 0; i < COUNT(refused); ++i)
    TpCheckInput(strcmp(first, refused[i].word), "engine.lammps.script: %s: %s: not allowed: %s", line->place, first,
                 refused[i].reason);
  TpCheckInput(strcmp(first, "if") || !strstr(line->text, "jump "), "engine.lammps.script: %s: jump: not allowed",
               line->place);
  TpCheckInput(strcmp(first, "run_style") || !strcmp(second, "verlet"),
               "engine.lammps.script: %s: run_style %s; allowed: verlet", line->place, second);
  TpCheckInput(strcmp(first, "dimension") || !strcmp(second, "3"), "engine.lammps.script: %s: dimension %s; allowed: 3",
               line->place, second);
  if (!strcmp(first, "units")) PetscCall(CheckUnits(settings, line));
  if (!strcmp(first, "fix")) PetscCall(AddFix(settings, line, fixes));
  if (!strcmp(first, "fix_modify")) ModifyFix(line, fixes);
  if (!strcmp(first, "unfix")) RemoveFix(line, fixes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLammpsCheckFixes(const TpEngineSettings *settings, const TpLammpsFixes *fixes)
{
  PetscBool moves = PETSC_FALSE, is_thermostat = PETSC_FALSE;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < fixes->count; ++i) {
    const TpLammpsKnownFix *fix = &fixes->fix[i];

    moves         = moves || fix->moves ? PETSC_TRUE : PETSC_FALSE;
    is_thermostat = is_thermostat || fix->is_thermostat ? PETSC_TRUE : PETSC_FALSE;
    TpCheckInput(
        !fix->needs_energy || fix->has_energy,
        "engine.lammps.script: %s: fix %s (%s) makes forces whose energy is not counted; add: fix_modify %s energy yes",
        fix->place, fix->id, fix->style, fix->id);
  }
  if (settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_TEMPERA) PetscFunctionReturn(PETSC_SUCCESS);
  TpCheckInput(
      moves && is_thermostat,
      "engine.lammps.script: %s: no fix %s, which engine.lammps.thermostat: script asks for; allowed: nvt, or nve with "
      "langevin, temp/csvr or temp/csld",
      settings->lammps.script, moves ? "keeps a temperature" : "moves the atoms");
  PetscFunctionReturn(PETSC_SUCCESS);
}
