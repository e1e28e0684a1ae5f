/* Engine openmm: what its files may hold. Boxes, fixed atoms, relaxation, the hash of a System, and what is refused. */
#include "openmm-bench.h"

/* Two argon atoms and a heavy one that is fixed, in a box; `force` may add one. */
#define ARGON(force)                                                                                                   \
  "<?xml version=\"1.0\" ?>\n<!-- two <atoms> -->\n<System openmmVersion=\"7.7\" type=\"System\" version=\"1\">\n"     \
  "<PeriodicBoxVectors><A x=\"2\" y=\"0\" z=\"0\"/><B x=\"0.5\" y=\"2.5\" z=\"0\"/><C x=\"0\" y=\"0\" "                \
  "z=\"3\"/></PeriodicBoxVectors>\n"                                                                                   \
  "<Particles><Particle mass=\"39.948\"/><Particle mass=\"39.948\"/><Particle "                                        \
  "mass=\"0\"/></Particles>\n<Constraints/>\n<Forces>\n" force                                                         \
  "<Force cutoff=\"0.9\" dispersionCorrection=\"0\" ewaldTolerance=\".0005\" exceptionsUsePeriodic=\"0\" "             \
  "forceGroup=\"0\" includeDirectSpace=\"1\" ljAlpha=\"0\" ljnx=\"0\" ljny=\"0\" ljnz=\"0\" alpha=\"0\" method=\"2\" " \
  "name=\"N\" nx=\"0\" ny=\"0\" nz=\"0\" recipForceGroup=\"-1\" rfDielectric=\"1\" switchingDistance=\"-1\" "          \
  "type=\"NonbondedForce\" useSwitchingFunction=\"0\" version=\"4\">"                                                  \
  "<GlobalParameters/><ParticleOffsets/><ExceptionOffsets/><Particles><Particle eps=\"1\" q=\"0\" "                    \
  "sig=\".34\"/><Particle eps=\"1\" q=\"0\" sig=\".34\"/><Particle eps=\"0\" q=\"0\" "                                 \
  "sig=\".34\"/></Particles><Exceptions/></Force>\n</Forces>\n</System>\n"

static const char argon_pdb[] = "CRYST1   20.000   25.495   30.000  90.00  90.00  78.69 P 1           1\n"
                                "ATOM      1  AR  ARG A   1       1.000   1.000   1.000  1.00  0.00          AR\n"
                                "ATOM      2  AR  ARG A   2      18.000   2.000  29.000  1.00  0.00          AR\n"
                                "ATOM      3  AR  ARG A   3      10.000  10.000  10.000  1.00  0.00          AR\n";

static double LennardJones(double r)
{
  const double s6 = pow(0.34 / r, 6);

  return 4.0 * (s6 * s6 - s6);
}

/* Box vectors travel: the distance over the border sets the energy; the fixed atom stays; the centre of mass can be held. */
static PetscErrorCode TestBox(void)
{
  TpEngineSettings settings = Dipeptide("Reference");
  const TpMoment   moment   = {.seed = SEED};
  TpTestFile       system, positions;
  Bench            bench;
  double           energy, wide[9];

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(
      ARGON("<Force forceGroup=\"0\" frequency=\"1\" name=\"M\" type=\"CMMotionRemover\" version=\"1\"/>"), &system));
  PetscCall(TpTestFileWrite(argon_pdb, &positions));
  settings.openmm.system    = system.path;
  settings.openmm.positions = TEXTS(1, positions.path);
  PetscCall(Open(&settings, &bench));
  TpTestExpectEqual(bench.info->has_box, 1);
  TpTestExpectEqual(bench.info->degrees_of_freedom, 3);
  PetscCall(TpEngineStart(bench.engine, SEED, 0, 100.0, &bench.state));
  TpTestExpectClose(bench.state.box[4], 2.5, 0.0);
  TpTestExpectClose(bench.state.energy, LennardJones(sqrt(0.3 * 0.3 + 0.1 * 0.1 + 0.2 * 0.2)), 1e-9);
  for (int k = 0; k < 3; ++k) {
    TpTestExpectClose(bench.state.v[k] + bench.state.v[3 + k], 0.0, 1e-12);
    TpTestExpectClose(bench.state.v[6 + k], 0.0, 0.0);
  }
  memcpy(wide, bench.state.box, sizeof(wide));
  wide[0] = 2.1;
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, wide, &energy, NULL));
  TpTestExpectClose(energy, LennardJones(sqrt(0.4 * 0.4 + 0.1 * 0.1 + 0.2 * 0.2)), 1e-9);
  PetscCall(TpEngineEnergy(bench.engine, bench.state.x, NULL, &energy, NULL));
  TpTestExpectClose(energy, bench.state.energy, 1e-12);
  memcpy(bench.state.box, wide, sizeof(wide));
  PetscCall(TpEngineAdvance(bench.engine, 100.0, 0, &moment, &bench.state));
  TpTestExpectClose(bench.state.energy, LennardJones(sqrt(0.4 * 0.4 + 0.1 * 0.1 + 0.2 * 0.2)), 1e-9);
  PetscCall(TpEngineAdvance(bench.engine, 100.0, 20, &moment, &bench.state));
  TpTestExpectThat(bench.state.x[6] == 1.0 && bench.state.v[6] == 0.0, "the fixed atom is at %g", bench.state.x[6]);
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&system));
  PetscCall(TpTestFileRemove(&positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Motion is removed every third step, by OpenMM's own count: a stretch of four steps must not depend on the stretches before it. */
static PetscErrorCode TestStepCount(void)
{
  TpEngineSettings settings = Dipeptide("Reference");
  TpTestFile       system, positions;
  Bench            bench;
  double           results[2][11 + 2 * 9];

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(
      ARGON("<Force forceGroup=\"0\" frequency=\"3\" name=\"M\" type=\"CMMotionRemover\" version=\"1\"/>"), &system));
  PetscCall(TpTestFileWrite(argon_pdb, &positions));
  settings.openmm.system    = system.path;
  settings.openmm.positions = TEXTS(1, positions.path);
  PetscCall(Open(&settings, &bench));
  for (int i = 0; i < 2; ++i) {
    const TpMoment moment = {.seed = SEED};

    PetscCall(TpEngineStart(bench.engine, SEED, 0, 100.0, &bench.state));
    PetscCall(TpEngineAdvance(bench.engine, 100.0, 4, &moment, &bench.state));
    TpStatePack(&bench.state, results[i]);
  }
  TpTestExpect(!memcmp(results[0], results[1], sizeof(results[0])));
  PetscCall(Close(&bench));
  PetscCall(TpTestFileRemove(&system));
  PetscCall(TpTestFileRemove(&positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dipeptide with its atoms moved by 0.01 nm or so, as a PDB file. */
static PetscErrorCode WriteDistorted(TpTestFile *file)
{
  TpTopology topology;
  char       text[22 * 64] = "";
  double     moves[DIPEPTIDE];

  PetscFunctionBeginUser;
  PetscCall(TpTopologyReadPDB(MOLECULES "adp.pdb", &topology));
  TpRandomNormal(SEED, TP_RANDOM_TEST, 0, 0, DIPEPTIDE, moves);
  for (PetscInt i = 0; i < topology.num_atoms; ++i) {
    const double *x = topology.x + 3 * i, *move = moves + 3 * i;
    char          line[64];

    PetscCall(PetscSNPrintf(line, sizeof(line), "ATOM  %5d  %-3s %3s A%4d    %8.3f%8.3f%8.3f\n", (int)i + 1,
                            topology.atom_name[i], topology.residue_name[i], (int)topology.residue[i],
                            10.0 * x[0] + 0.1 * move[0], 10.0 * x[1] + 0.1 * move[1], 10.0 * x[2] + 0.1 * move[2]));
    PetscCall(PetscStrlcat(text, line, sizeof(text)));
  }
  PetscCall(TpTestFileWrite(text, file));
  PetscCall(TpTopologyDestroy(&topology));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* It relaxes to the energy of the relaxed molecule, or nearly: the search ends where the forces' root mean square is 10 kJ/mol/nm. */
static PetscErrorCode TestMinimize(void)
{
  TpEngineSettings settings = Dipeptide("Reference");
  TpTestFile       positions;
  double           energy[2];

  PetscFunctionBeginUser;
  PetscCall(WriteDistorted(&positions));
  settings.openmm.positions = TEXTS(1, positions.path);
  for (int relaxed = 0; relaxed < 2; ++relaxed) {
    Bench bench;

    settings.openmm.minimize = relaxed ? PETSC_TRUE : PETSC_FALSE;
    PetscCall(Open(&settings, &bench));
    PetscCall(TpEngineStart(bench.engine, SEED, 0, 100.0, &bench.state));
    energy[relaxed] = bench.state.energy;
    ExpectConstraints(&bench);
    PetscCall(Close(&bench));
  }
  TpTestExpectThat(energy[0] > -142.973 + 100.0, "distorted: %g", energy[0]);
  TpTestExpectThat(energy[1] < -142.973 + 2.0, "relaxed: %g", energy[1]);
  PetscCall(TpTestFileRemove(&positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

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

static PetscErrorCode TestHash(PetscBool has_cpu)
{
  TpEngineSettings settings = Dipeptide("Reference");
  TpTestFile       files[4];
  uint64_t         hash[6];

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(ARGON("\n"), &files[0]));
  PetscCall(TpTestFileWrite(ARGON("   \n\t\n"), &files[1]));
  PetscCall(TpTestFileWrite(
      ARGON("<Force forceGroup=\"0\" frequency=\"1\" name=\"M\" type=\"CMMotionRemover\" version=\"1\"/>"), &files[2]));
  PetscCall(TpTestFileWrite(argon_pdb, &files[3]));
  settings.openmm.positions = TEXTS(1, files[3].path);
  for (int i = 0; i < 3; ++i) {
    settings.openmm.system = files[i].path;
    PetscCall(HashOf(&settings, &hash[i]));
  }
  settings.openmm.system = files[0].path;
  if (has_cpu) settings.openmm.platform = "CPU";
  PetscCall(HashOf(&settings, &hash[3]));
  settings.timestep = 0.001;
  PetscCall(HashOf(&settings, &hash[4]));
  settings.timestep = 0.002;
  settings.friction = 2.0;
  PetscCall(HashOf(&settings, &hash[5]));
  TpTestExpect(hash[0] == hash[1] && hash[0] == hash[3]);
  TpTestExpect(hash[0] != hash[2] && hash[0] != hash[4] && hash[0] != hash[5] && hash[4] != hash[5]);
  for (int i = 0; i < 4; ++i) PetscCall(TpTestFileRemove(&files[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- mistakes */

static PetscErrorCode Try(const TpEngineSettings *settings)
{
  uint64_t unused;

  PetscFunctionBeginUser;
  PetscCall(HashOf(settings, &unused));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectSystemRefused(const char *xml, const char *part)
{
  TpEngineSettings settings = Dipeptide("Reference");
  TpTestFile       system, positions;

  PetscFunctionBeginUser;
  PetscCall(TpTestFileWrite(xml, &system));
  PetscCall(TpTestFileWrite(argon_pdb, &positions));
  settings.openmm.system    = system.path;
  settings.openmm.positions = TEXTS(1, positions.path);
  TpTestExpectInputError(Try(&settings), part);
  PetscCall(TpTestFileRemove(&system));
  PetscCall(TpTestFileRemove(&positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestSystemMistakes(void)
{
  PetscFunctionBeginUser;
  PetscCall(ExpectSystemRefused("", "is no XML file"));
  PetscCall(ExpectSystemRefused("hello", "is no XML file"));
  PetscCall(ExpectSystemRefused("<?xml version=\"1.0\"?><!-- only this", "is no XML file"));
  PetscCall(ExpectSystemRefused("<System type=\"System\" version=\"1\" openmmVersion=\"7.7\"><Particles>",
                                "engine.openmm.system: /tmp/"));
  PetscCall(ExpectSystemRefused("<System type=\"System\" version=\"99\" openmmVersion=\"9\"/>", "OpenMM: "));
  PetscCall(ExpectSystemRefused(
      "<State openmmVersion=\"7.7\" time=\"0\" type=\"State\" version=\"1\"><PeriodicBoxVectors/></State>",
      "holds <State>, which is no serialized System"));
  PetscCall(ExpectSystemRefused("<?xml version=\"1.0\"?><html type = \"System\">", "holds <html>"));
  PetscCall(ExpectSystemRefused(ARGON("<Force temperature=\"300\" frequency=\"1\" forceGroup=\"0\" name=\"A\" "
                                      "randomSeed=\"0\" type=\"AndersenThermostat\" version=\"1\"/>"),
                                "AndersenThermostat; take it out"));
  PetscCall(
      ExpectSystemRefused(ARGON("<Force forceGroup=\"0\" frequency=\"25\" name=\"B\" pressure=\"1\" randomSeed=\"0\" "
                                "temperature=\"300\" type=\"MonteCarloBarostat\" version=\"1\"/>"),
                          "MonteCarloBarostat; take it out"));
  PetscCall(ExpectSystemRefused(ARGON("<Force type=\"NoSuchForce\" version=\"1\"/>"), "NoSuchForce"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMistakes(void)
{
  TpEngineSettings settings;
  TpTestFile       positions, system;
  char            *moved;

  PetscFunctionBeginUser;
  settings               = Dipeptide("Reference");
  settings.openmm.system = MOLECULES "missing.xml";
  TpTestExpectInputError(Try(&settings), "missing.xml can't be read");
  settings.openmm.system = MOLECULES;
  TpTestExpectInputError(Try(&settings), "can't be read");
  settings                  = Dipeptide("Reference");
  settings.openmm.positions = TEXTS(1, MOLECULES "missing.pdb");
  TpTestExpectInputError(Try(&settings), "missing.pdb");
  settings.openmm.positions.size = 0;
  TpTestExpectInputError(Try(&settings), "no PDB file is given");
  settings.openmm.positions = TEXTS(2, MOLECULES "adp.pdb", MOLECULES "aib9.pdb");
  TpTestExpectInputError(Try(&settings), "aib9.pdb has 129 atoms, the System has 22 particles");
  settings = Dipeptide("Abacus");
  TpTestExpectInputError(Try(&settings), "'Abacus' is not available; OpenMM ");
  settings = Dipeptide("Ref");
  TpTestExpectInputError(Try(&settings), "has Reference");
  settings          = Dipeptide("Reference");
  settings.timestep = 0.0;
  TpTestExpectInputError(Try(&settings), "engine.timestep");
  settings          = Dipeptide("Reference");
  settings.friction = 0.0;
  TpTestExpectInputError(Try(&settings), "engine.friction");

  /* another molecule with as many atoms; another box */
  settings = Dipeptide("Reference");
  PetscCall(TpTestFileWrite(ARGON(""), &system));
  settings.openmm.system = system.path;
  PetscCall(PetscStrallocpy(argon_pdb, &moved));
  strstr(moved, "ARG A   2")[0] = 'X';
  PetscCall(TpTestFileWrite(moved, &positions));
  PetscCall(PetscFree(moved));
  {
    TpTestFile first, small;

    PetscCall(TpTestFileWrite(argon_pdb, &first));
    settings.openmm.positions = TEXTS(2, first.path, positions.path);
    TpTestExpectInputError(Try(&settings), "atom 1 is AR of XRG, in the first file it is AR of ARG");
    PetscCall(PetscStrallocpy(argon_pdb, &moved));
    memcpy(strstr(moved, "30.000"), "28.000", 6);
    PetscCall(TpTestFileWrite(moved, &small));
    PetscCall(PetscFree(moved));
    settings.openmm.positions = TEXTS(1, small.path);
    TpTestExpectInputError(Try(&settings), "its CRYST1 box is not the System's, which is 2 by 2.5 by 3 nm");
    PetscCall(TpTestFileRemove(&first));
    PetscCall(TpTestFileRemove(&small));
  }
  PetscCall(TpTestFileRemove(&system));
  PetscCall(TpTestFileRemove(&positions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscBool has_cpu = PETSC_FALSE;

  TpTestBegin(&argc, &argv);
#ifndef TP_HAVE_OPENMM
  return TpTestSkip("this build has no OpenMM");
#endif
  TpTestCall(HasPlatform("CPU", &has_cpu));
  TpTestCall(TestBox());
  TpTestCall(TestStepCount());
  TpTestCall(TestMinimize());
  TpTestCall(TestHash(has_cpu));
  TpTestCall(TestSystemMistakes());
  TpTestCall(TestMistakes());
  return TpTestEnd();
}
