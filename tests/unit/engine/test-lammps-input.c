/* Engine lammps: what is refused, and where the line says it stands; atoms that are lost; the hash of a system. On two ranks as well: what
   LAMMPS does on an error by itself would let the other rank wait for ever. */
#include "lammps-bench.h"

#include <sys/stat.h>
#include <unistd.h>

static PetscErrorCode HashOf(const TpEngineSettings *settings, uint64_t *hash)
{
  TpEngine            engine;
  const TpEngineInfo *info;

  PetscFunctionBeginUser;
  PetscCall(TpEngineCreate(settings, 0, &engine));
  PetscCall(TpEngineGetInfo(engine, &info));
  *hash = info->system_hash;
  PetscCall(TpEngineDestroy(&engine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Try(const TpEngineSettings *settings)
{
  uint64_t unused;

  PetscFunctionBeginUser;
  PetscCall(HashOf(settings, &unused));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `place`: file and line that the message has to name, without the folder; then `part` follows. */
static PetscErrorCode ExpectRefusedBy(const char *thermostat, const char *text, int line, const char *part)
{
  TpTestFile script;
  char       expected[256];

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(text, &script));
  TpEngineSettings settings  = Settings(script.path, "lj", 0.005);
  settings.lammps.thermostat = WordIndex(tp_lammps_thermostat_words, thermostat);
  if (line)
    PetscCall(PetscSNPrintf(expected, sizeof(expected), "engine.lammps.script: %s:%d: %s", script.path, line, part));
  else
    PetscCall(PetscStrncpy(expected, part, sizeof(expected)));
  TpTestExpectInputError(Try(&settings), expected);
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectRefused(const char *text, int line, const char *part)
{
  PetscFunctionBeginUser;
  PetscCall(ExpectRefusedBy("tempera", text, line, part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is Tempera's; GAS has 11 lines of its own. */
static PetscErrorCode TestOwnership(void)
{
  PetscFunctionBeginUser;
  PetscCall(ExpectRefused(GAS("p p p", "run 100"), 12, "run: not allowed: Tempera runs the dynamics"));
  PetscCall(ExpectRefused(GAS("p p p", "variable t world 1 2\ntemper 100 100 $t 1 1 1"), 12, "LAMMPS: "));
  PetscCall(ExpectRefused(GAS("p p p", "# one\n\ntemper 100 100 1 1 1 1"), 14, "temper: not allowed: exchanges are"));
  PetscCall(ExpectRefused(GAS("p p p", "dump 1 all atom 10 out"), 12, "dump: not allowed: all rungs would write"));
  PetscCall(ExpectRefused(GAS("p p p", "if \"1 == 1\" then &\n  \"run 7\""), 12, "it ran 7 steps; Tempera runs"));
  PetscCall(ExpectRefused(GAS("p p p", "jump SELF"), 12, "jump: not allowed"));
  PetscCall(ExpectRefused(GAS("p p p", "run_style respa 2 2"), 12, "run_style respa; allowed: verlet"));
  PetscCall(ExpectRefused(GAS("p p p", "fix 1 all nve"), 12, "fix 1 (nve) moves atoms"));
  PetscCall(ExpectRefused(GAS("p p p", "fix 1 all langevin 1 1 1 1"), 12, "fix 1 (langevin) moves atoms or keeps"));
  PetscCall(ExpectRefused(GAS("p p p", "fix 1 all nvt temp 1 1 1"), 12, "fix 1 (nvt) moves atoms"));
  PetscCall(ExpectRefused(GAS("p p p", "fix 1 all npt temp 1 1 1 iso 1 1 1"), 12, "fix 1 (npt) changes the volume"));
  PetscCall(ExpectRefused(GAS("p p p", "fix 1 all viscous 1"), 12, "fix 1 (viscous) may take the system out of the"));
  PetscCall(
      ExpectRefused(GAS("p p p", "fix 1 all spring/self 1"), 12,
                    "fix 1 (spring/self) makes forces whose energy is not counted; add: fix_modify 1 energy yes"));
  PetscCall(
      ExpectRefused(GAS("p p p", "if \"1 == 1\" then \"fix hidden all viscous 1\""), 0, "fix hidden is made by an if"));
  PetscCall(
      ExpectRefused(GAS("p p p", "fix tempera_nve all nve"), 12, "fix tempera_nve: names that begin with tempera_"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestScriptThermostat(void)
{
  PetscFunctionBeginUser;
  PetscCall(ExpectRefusedBy("script", GAS("p p p", "fix 1 all nvt temp 1 1 1"), 12,
                            "fix 1 (nvt) has a temperature of its own; write ${temperature}"));
  PetscCall(ExpectRefusedBy("script", GAS("p p p", "fix 1 all nve"), 0, "no fix keeps a temperature"));
  PetscCall(ExpectRefusedBy("script", GAS("p p p", "fix 1 all langevin ${temperature} ${temperature} 1 ${seed}"), 0,
                            "no fix moves the atoms"));
  PetscCall(
      ExpectRefusedBy("script", GAS("p p p", "fix 1 all temp/berendsen ${temperature} ${temperature} 1"), 12,
                      "fix 1 (temp/berendsen) may take the system out of the canonical ensemble; allowed: nve, nvt"));
  PetscCall(ExpectRefusedBy("script", GAS("p p p", "fix 1 all npt temp ${temperature} 1 1 iso 1 1 1"), 12,
                            "fix 1 (npt) changes"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What LAMMPS itself does not like: its words, our place. */
static PetscErrorCode TestLammpsErrors(void)
{
  PetscFunctionBeginUser;
  PetscCall(ExpectRefused("units lj\nnonsense 1 2 3\n", 2, "LAMMPS: Unknown command: nonsense"));
  PetscCall(ExpectRefused("units lj\n\nread_data missing.data\n", 3, "LAMMPS: Cannot open file missing.data"));
  PetscCall(ExpectRefused("units lj\ninclude missing.in\n", 0, ":2: /tmp/missing.in can't be read"));
  PetscCall(ExpectRefused(GAS("p p p", "pair_style lj/cut 2.5"), 0, "LAMMPS: All pair coeffs are not set"));
  PetscCall(ExpectRefused(GAS("p p p", "pair_style no/such 2.5"), 12, "LAMMPS: Unrecognized pair style 'no/such'"));
  PetscCall(ExpectRefused("units lj\nregion r block 0 5 0 5 0 5\ncreate_box 1 r\n", 0, "defines no atoms"));
  PetscCall(ExpectRefused("", 0, "holds no command"));
  PetscCall(ExpectRefused("# nothing\n\n", 0, "holds no command"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSystems(void)
{
  PetscFunctionBeginUser;
  PetscCall(ExpectRefused("\nunits si\n", 2, "units si; allowed: real, metal, lj"));
  PetscCall(ExpectRefused("\nunits real\n", 2, "units real, but engine.lammps.units is lj"));
  PetscCall(ExpectRefused("dimension 2\n", 1, "dimension 2; allowed: 3"));
  PetscCall(ExpectRefused(GAS("p p f", ""), 0, "periodic in some directions only"));
  PetscCall(ExpectRefused(GAS("p p p", "timestep 0.01"), 0, "sets the timestep 0.01, but engine.timestep is 0.005"));
  PetscCall(ExpectRefused(GAS("p p p", "delete_atoms porosity cell 0.5 1 compress no"), 0,
                          "the atoms are not numbered 1 to"));
  PetscCall(ExpectRefused("units lj\natom_style sphere\nlattice sc 1\nregion r block 0 5 0 5 0 5\ncreate_box 1 r\n"
                          "create_atoms 1 box\npair_style zero 1\npair_coeff * *\n",
                          0, "its atom_style has orientations or spins"));
  PetscCall(
      ExpectRefused("units lj\nlattice sc 1\nregion r block 0 5 0 5 0 5\ncreate_box 1 r\ncreate_atoms 1 single 1 1 1\n"
                    "create_atoms 1 single 1 1 1\nmass 1 1\npair_style lj/cut 2\npair_coeff 1 1 1 1\n",
                    0, "have no finite energy"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSettings(void)
{
  TpEngineSettings settings = Settings(INPUTS "missing.lammps", "lj", 0.005);

  PetscFunctionBeginUser;
  TpTestExpectInputError(Try(&settings), "missing.lammps can't be read");
  settings.lammps.script = INPUTS;
  TpTestExpectInputError(Try(&settings), "can't be read");
  settings.lammps.script = NULL;
  TpTestExpectInputError(Try(&settings), "engine.lammps.script: no file is given");
  settings          = Settings(INPUTS "in.lj", "lj", 0.005);
  settings.timestep = 0.0;
  TpTestExpectInputError(Try(&settings), "engine.timestep");
  settings          = Settings(INPUTS "in.lj", "lj", 0.005);
  settings.friction = 0.0;
  TpTestExpectInputError(Try(&settings), "engine.friction");
  settings.friction = 200.0;
  TpTestExpectInputError(Try(&settings), "engine.friction: 200; allowed: less than 1/engine.timestep, 200");
  settings = Settings(INPUTS "in.lj", "real", 0.005);
  TpTestExpectInputError(Try(&settings), "units lj, but engine.lammps.units is real");
  TpTestExpectEqual(TpEngineUnits(settings.kind, WordIndex(tp_lammps_unit_words, "lj")), TP_UNITS_REDUCED);
  TpTestExpectEqual(TpEngineUnits(settings.kind, WordIndex(tp_lammps_unit_words, "metal")), TP_UNITS_MOLECULAR);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A hot gas in a box without walls loses atoms on one rank, which goes on with another configuration; the other rank only waits at the end. */
static PetscErrorCode TestLostAtoms(void)
{
  const TpMoment moment = {.seed = SEED};
  TpTestFile     script;
  double         x;
  int            rank;
  Bench          bench;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(TpTestFileWrite(GAS("f f f", ""), &script));
  const TpEngineSettings settings = Settings(script.path, "lj", 0.005);
  PetscCall(Open(&settings, &bench));
  TpTestExpectEqual(bench.info->has_box, 0);
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 100.0, &bench.state));
  x = bench.state.x[0];
  TpLogSetLevel(TP_LOG_ERROR);
  PetscCall(TpEngineAdvance(bench.engine, 100.0, 1000, &moment, &bench.state));
  TpLogSetLevel(TP_LOG_PRODUCTION);
  TpTestExpect(!TpStateIsFinite(&bench.state) && isnan(bench.state.energy) && TpEngineHasLostAtoms(bench.engine));
  TpTestExpectClose(bench.state.x[0], x, 0.0);
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 1e-6, &bench.state));
  PetscCall(TpEngineAdvance(bench.engine, 1e-6, 10, &moment, &bench.state));
  TpTestExpect(TpStateIsFinite(&bench.state) && bench.state.x[0] != x && !TpEngineHasLostAtoms(bench.engine));
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&script));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* File names in a script are relative to its folder, wherever the program runs; files that it includes are as good as its own lines. */
static PetscErrorCode TestFolders(void)
{
  char       folder[] = "/tmp/tempera-test-XXXXXX", path[2][96], before[PETSC_MAX_PATH_LEN], after[PETSC_MAX_PATH_LEN];
  TpTestFile files[2];

  PetscFunctionBeginUser;
  PetscCheck(mkdtemp(folder), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "no temporary folder");
  PetscCall(PetscSNPrintf(path[0], sizeof(path[0]), "%s/in.all", folder));
  PetscCall(PetscSNPrintf(path[1], sizeof(path[1]), "%s/in.part", folder));
  PetscCall(TpTestFileWrite("include in.part\n\nrun 5\n", &files[0]));
  PetscCall(TpTestFileWrite(GAS("p p p", "fix 1 all nvt temp 1 1 1"), &files[1]));
  for (int i = 0; i < 2; ++i)
    PetscCheck(!rename(files[i].path, path[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path[i]);
  const TpEngineSettings settings = Settings(path[0], "lj", 0.005);
  PetscCheck(getcwd(before, sizeof(before)), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "no working folder");
  TpTestExpectInputError(Try(&settings), "/in.part:12: fix 1 (nvt) moves atoms");
  PetscCheck(getcwd(after, sizeof(after)), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "no working folder");
  TpTestExpectText(after, before);
  for (int i = 0; i < 2; ++i) PetscCheck(!unlink(path[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", path[i]);
  PetscCheck(!rmdir(folder), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Comments and blanks change nothing; commands, data, time step and friction do. */
static PetscErrorCode TestHash(void)
{
  static const char *const data[] = {
      "start\n\n2 atoms\n1 atom types\n0 5 xlo xhi\n0 5 ylo yhi\n0 5 zlo zhi\n\nAtoms\n\n1 1 1 1 1\n2 1 2 2 2\n",
      "start\n\n2 atoms\n1 atom types\n0 5 xlo xhi\n0 5 ylo yhi\n0 5 zlo zhi\n\nAtoms\n\n1 1 1 1 1\n2 1 2 2 3\n"};
  static const char *const forms[] = {
      "units lj\nread_data %s\nmass 1 1\npair_style lj/cut 2\npair_coeff 1 1 1 1\n",
      "# c\nunits  lj\n\nread_data %s # x\nmass 1 1\npair_style lj/cut 2\npair_coeff &\n 1 1 1 1\n",
      "units lj\nread_data %s\nmass 1 1\npair_style lj/cut 2\npair_coeff 1 1 1 2\n"};
  uint64_t hash[6];

  PetscFunctionBeginUser;
  TpTestFile file, script;
  for (int i = 0; i < 6; ++i) {
    char text[256];

    if (i == 0) PetscCall(TpTestFileWrite(data[0], &file));
    if (i == 3) { /* the same name, other contents */
      FILE *stream = fopen(file.path, "w");

      PetscCheck(stream && fputs(data[1], stream) >= 0 && !fclose(stream), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s",
                 file.path);
    }
    PetscCall(PetscSNPrintf(text, sizeof(text), forms[i < 3 ? i : 0], file.path));
    PetscCall(TpTestFileWrite(text, &script));
    TpEngineSettings settings = Settings(script.path, "lj", i == 4 ? 0.004 : 0.005);
    if (i == 5) settings.friction = 2.0;
    PetscCall(HashOf(&settings, &hash[i]));
    PetscCall(TpTestFileRemove(&script));
  }
  TpTestExpect(hash[0] == hash[1]);
  TpTestExpect(hash[0] != hash[2] && hash[0] != hash[3]);
  TpTestExpect(hash[3] != hash[4] && hash[3] != hash[5] && hash[4] != hash[5]);
  PetscCall(TpTestFileRemove(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
#ifndef TP_HAVE_LAMMPS
  return TpTestSkip("this build has no LAMMPS");
#endif
  TpTestCall(TestOwnership());
  TpTestCall(TestScriptThermostat());
  TpTestCall(TestLammpsErrors());
  TpTestCall(TestSystems());
  TpTestCall(TestSettings());
  TpTestCall(TestLostAtoms());
  TpTestCall(TestFolders());
  TpTestCall(TestHash());
  return TpTestEnd();
}
