/* Features: torsions of known geometry and sign, periodic images, names resolved on real molecules, and what is refused. */
#include "test.h"

#include "tempera/feature.h"

#include <math.h>
#include <string.h>

#define SEED 20240607

/* A text list in place; the strings are not written to. */
#define TEXTS(count, ...)                                                                                              \
  (TpTextList)                                                                                                         \
  {                                                                                                                    \
    .size = (count), .values = (char *[])                                                                              \
    {                                                                                                                  \
      __VA_ARGS__                                                                                                      \
    }                                                                                                                  \
  }

static const double no_box[9];

static TpFeatureSystem Particles(PetscInt count, PetscBool has_box)
{
  return (TpFeatureSystem){.size          = 3 * count,
                           .num_particles = count,
                           .dimension     = 3,
                           .has_box       = has_box,
                           .boltzmann     = TpBoltzmann(TP_UNITS_MOLECULAR)};
}

static PetscErrorCode ComputeOnce(const TpFeatureSettings *settings, const TpFeatureSystem *system, const double x[],
                                  const double box[], float raw[])
{
  TpFeatures features;

  PetscFunctionBeginUser;
  PetscCall(TpFeaturesCreate(settings, system, &features));
  PetscCall(TpFeaturesCompute(features, x, box, raw));
  PetscCall(TpFeaturesDestroy(&features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Looking along the middle bond, the far atom is turned clockwise by `angle` from the near one: IUPAC's positive torsion. The bonds are
   not at right angles, the whole is turned and moved, so that no product vanishes by chance. */
static void BuildTorsion(double angle, double x[12])
{
  const double local[4][3] = {
      {0.9, 0.0, -0.3}, {0.0, 0.0, 0.0}, {0.0, 0.0, 1.4}, {1.1 * cos(angle), 1.1 * sin(angle), 1.9}};
  const double axis[3][3] = {
      {2.0 / 3.0, -1.0 / 3.0, 2.0 / 3.0}, {2.0 / 3.0, 2.0 / 3.0, -1.0 / 3.0}, {-1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0}};

  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 3; ++j)
      x[3 * i + j] = 0.7 * (j + 1) + local[i][0] * axis[0][j] + local[i][1] * axis[1][j] + local[i][2] * axis[2][j];
}

static PetscErrorCode TestKnownTorsions(void)
{
  const TpFeatureSettings settings  = {.torsions = TEXTS(1, "0 1 2 3")};
  const TpFeatureSystem   system    = Particles(4, PETSC_FALSE);
  const double            near_pi[] = {PETSC_PI, -PETSC_PI, PETSC_PI - 1e-9, 1e-9 - PETSC_PI, PETSC_PI + 1e-9};
  double                  x[12];
  float                   raw;

  PetscFunctionBeginUser;
  for (int i = -179; i < 180; ++i) {
    const double angle = i * PETSC_PI / 180.0;

    BuildTorsion(angle, x);
    PetscCall(ComputeOnce(&settings, &system, x, no_box, &raw));
    TpTestExpectClose(raw, angle, 3e-7);
  }
  for (int i = 0; i < 5; ++i) {
    BuildTorsion(near_pi[i], x);
    PetscCall(ComputeOnce(&settings, &system, x, no_box, &raw));
    TpTestExpectClose(fabsf(raw), PETSC_PI, 3e-7);
    TpTestExpectThat((double)raw > -PETSC_PI && (double)raw <= PETSC_PI, "%.9g is outside (-pi, pi]", (double)raw);
  }
  x[4] = NAN;
  PetscCall(ComputeOnce(&settings, &system, x, no_box, &raw));
  TpTestExpectThat(isnan(raw), "a position that is NaN gave %g", (double)raw);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- images */

static const double boxes[][9] = {
    {3.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 5.0},          /* orthorhombic */
    {4.0, 0.0, 0.0, 1.9, 4.0, 0.0, -1.9, 1.8, 3.5},         /* triclinic, as OpenMM wants it */
    {4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 2.0, 2.0, 2.8284271247}, /* rhombic dodecahedron */
    {6.0, 0.0, 0.0, 3.0, 2.0, 0.0, 3.0, 1.0, 2.0},          /* one vector much longer than the others */
    {1.0, 2.0, 3.0, 4.0, 4.5, -2.0, 5.5, 6.0, 2.0},         /* any three vectors */
};

enum { NUM_BOXES = 5 };

static double NearestByHand(const double box[9], const double d[3])
{
  double nearest = INFINITY;

  for (int k = 0; k < 21 * 21 * 21; ++k) {
    const double n[3] = {k % 21 - 10.0, k / 21 % 21 - 10.0, k / 441 - 10.0};
    double       sum  = 0.0;

    for (int j = 0; j < 3; ++j) {
      const double component = d[j] + n[0] * box[j] + n[1] * box[3 + j] + n[2] * box[6 + j];

      sum += component * component;
    }
    nearest = fmin(nearest, sqrt(sum));
  }
  return nearest;
}

static PetscErrorCode TestDistancesAgainstAllImages(void)
{
  const TpFeatureSettings settings = {.distances = TEXTS(1, "0 1")};
  const TpFeatureSystem   system   = Particles(2, PETSC_TRUE);

  PetscFunctionBeginUser;
  for (int b = 0; b < NUM_BOXES; ++b) {
    for (int sample = 0; sample < 100; ++sample) {
      double x[6] = {0.0}, number[3];
      float  raw;

      TpRandomUniform(SEED, TP_RANDOM_TEST, (uint32_t)b, (uint64_t)sample, 3, number);
      for (int j = 0; j < 3; ++j)
        x[3 + j] = number[0] * boxes[b][j] + number[1] * boxes[b][3 + j] + number[2] * boxes[b][6 + j];
      PetscCall(ComputeOnce(&settings, &system, x, boxes[b], &raw));
      TpTestExpectClose(raw, NearestByHand(boxes[b], x + 3), 1e-6);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms moved by lattice vectors: the bonds are shorter than half the box, so the torsion stays. */
static PetscErrorCode TestTorsionsOfImages(void)
{
  const TpFeatureSettings settings = {.torsions = TEXTS(1, "0 1 2 3")};
  const TpFeatureSystem   system   = Particles(4, PETSC_TRUE);

  PetscFunctionBeginUser;
  for (int b = 0; b < 3; ++b) {
    for (int sample = 0; sample < 20; ++sample) {
      double x[12], number[12];
      float  raw;

      BuildTorsion(0.3 * sample - 3.0, x);
      TpRandomUniform(SEED + 1, TP_RANDOM_TEST, (uint32_t)b, (uint64_t)sample, 12, number);
      for (int i = 0; i < 12; ++i)
        for (int j = 0; j < 3; ++j) x[3 * (i / 3) + j] += floor(7.0 * number[i] - 3.0) * boxes[b][3 * (i % 3) + j];
      PetscCall(ComputeOnce(&settings, &system, x, boxes[b], &raw));
      TpTestExpectClose(raw, 0.3 * sample - 3.0, 1e-6);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- names */

static PetscErrorCode ReadMolecule(const char *name, TpTopology *topology, TpFeatureSystem *system)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/input/molecules/%s", TP_SOURCE_DIR, name));
  PetscCall(TpTopologyReadPDB(path, topology));
  *system          = Particles(topology->num_atoms, PETSC_FALSE);
  system->topology = topology;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The named torsions are, bit for bit, those of the atoms listed with the force field. */
static PetscErrorCode ExpectSameTorsions(const TpFeatureSystem *system, TpTextList names, TpTextList atoms,
                                         const char *const labels[])
{
  const TpFeatureSettings by_name = {.torsions = names}, by_index = {.torsions = atoms};
  TpFeatures              features;
  float                   raw_by_name[16], raw_by_index[16];

  PetscFunctionBeginUser;
  PetscCall(TpFeaturesCreate(&by_name, system, &features));
  TpTestExpectEqual(TpFeaturesCount(features), atoms.size);
  for (PetscInt i = 0; i < atoms.size; ++i) {
    TpTestExpectThat(!strcmp(TpFeaturesName(features, i), labels[i]), "name is %s, expected %s",
                     TpFeaturesName(features, i), labels[i]);
    TpTestExpectClose(TpFeaturesPeriods(features)[i], 2.0 * PETSC_PI, 0.0);
    TpTestExpectText(TpFeaturesUnit(features, i), "rad");
  }
  PetscCall(TpFeaturesCompute(features, system->topology->x, no_box, raw_by_name));
  PetscCall(TpFeaturesDestroy(&features));
  PetscCall(ComputeOnce(&by_index, system, system->topology->x, no_box, raw_by_index));
  for (PetscInt i = 0; i < atoms.size; ++i) TpTestExpectClose(raw_by_name[i], raw_by_index[i], 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestDipeptide(void)
{
  const TpFeatureSettings settings = {.torsions = TEXTS(2, "phi", "psi:2")};
  TpTopology              topology;
  TpFeatureSystem         system;
  float                   raw[2];

  PetscFunctionBeginUser;
  PetscCall(ReadMolecule("adp.pdb", &topology, &system));
  PetscCall(ExpectSameTorsions(&system, TEXTS(2, "phi", "psi"), TEXTS(2, "4 6 8 14", "6 8 14 16"),
                               (const char *[]){"phi2", "psi2"}));
  /* computed from the file by angles between projections, another formula */
  PetscCall(ComputeOnce(&settings, &system, topology.x, no_box, raw));
  TpTestExpectClose(raw[0], -1.1853660494, 1e-6);
  TpTestExpectClose(raw[1], 2.6865379403, 1e-6);
  /* the caps have no CA, so no peptide bond here has an omega */
  TpTestExpectInputError(
      ComputeOnce(&(TpFeatureSettings){.torsions = TEXTS(1, "omega")}, &system, topology.x, no_box, raw),
      "'omega': no such torsion");
  TpTestExpectInputError(
      ComputeOnce(&(TpFeatureSettings){.torsions = TEXTS(1, "phi:3")}, &system, topology.x, no_box, raw),
      "'phi:3': no such torsion");
  /* without its bond to the next residue, residue 2 has no psi: a chain break */
  topology.x[3 * 16] += 1.0;
  TpTestExpectInputError(
      ComputeOnce(&(TpFeatureSettings){.torsions = TEXTS(1, "psi:2")}, &system, topology.x, no_box, raw), "bonded");
  PetscCall(TpTopologyDestroy(&topology));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestPeptide(void)
{
  TpTopology      topology;
  TpFeatureSystem system;
  float           raw[32];

  PetscFunctionBeginUser;
  PetscCall(ReadMolecule("aib9.pdb", &topology, &system));
  PetscCall(
      ExpectSameTorsions(&system, TEXTS(1, "phi"),
                         TEXTS(9, "4 6 8 17", "17 19 21 30", "30 32 34 43", "43 45 47 56", "56 58 60 69", "69 71 73 82",
                               "82 84 86 95", "95 97 99 108", "108 110 112 121"),
                         (const char *[]){"phi2", "phi3", "phi4", "phi5", "phi6", "phi7", "phi8", "phi9", "phi10"}));
  PetscCall(ExpectSameTorsions(&system, TEXTS(4, "psi:10", "psi:2", "omega:2", "omega:9"),
                               TEXTS(4, "110 112 121 123", "6 8 17 19", "8 17 19 21", "99 108 110 112"),
                               (const char *[]){"psi10", "psi2", "omega2", "omega9"}));
  PetscCall(TpTopologyDestroy(&topology));
  /* a right-handed helix has negative phi and psi, a left-handed one positive: the sign that chemists use */
  for (int hand = 0; hand < 2; ++hand) {
    const double sign = hand ? 1.0 : -1.0;

    PetscCall(ReadMolecule(hand ? "aib9_left.pdb" : "aib9_right.pdb", &topology, &system));
    PetscCall(ComputeOnce(&(TpFeatureSettings){.torsions = TEXTS(2, "phi", "psi")}, &system, topology.x, no_box, raw));
    for (int i = 0; i < 16; ++i)
      TpTestExpectThat(sign * raw[i + i / 8] > 0.5 && sign * raw[i + i / 8] < 1.5, "helix %d torsion %d is %g", hand, i,
                       (double)raw[i + i / 8]);
    PetscCall(TpTopologyDestroy(&topology));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------- coordinates */

static PetscErrorCode TestCoordinates(void)
{
  const double      x[6]     = {0.5, 4.0, -4.0, 3.0 * PETSC_PI, 1e-3, -7.25};
  TpFeatureSettings settings = {.coordinates = TEXTS(2, "2 0", "5")};
  TpFeatureSystem   chain    = {.size = 6, .num_particles = 6, .dimension = 1, .boltzmann = 1.0};
  TpFeatureSystem   pair     = Particles(2, PETSC_FALSE);
  TpFeatures        features;
  float             raw[6];

  PetscFunctionBeginUser;
  PetscCall(TpFeaturesCreate(&settings, &chain, &features));
  TpTestExpectEqual(TpFeaturesCount(features), 3);
  TpTestExpect(!strcmp(TpFeaturesName(features, 0), "x2") && !strcmp(TpFeaturesUnit(features, 0), ""));
  PetscCall(TpFeaturesCompute(features, x, no_box, raw));
  TpTestExpect(raw[0] == -4.0f && raw[1] == 0.5f && raw[2] == -7.25f);
  PetscCall(TpFeaturesDestroy(&features));

  /* nothing selected: all of a model potential; angles come back into one period */
  chain.period = 2.0 * PETSC_PI;
  PetscCall(TpFeaturesCreate(&(TpFeatureSettings){.label = 0}, &chain, &features));
  TpTestExpectEqual(TpFeaturesCount(features), 6);
  TpTestExpectClose(TpFeaturesPeriods(features)[5], 2.0 * PETSC_PI, 0.0);
  PetscCall(TpFeaturesCompute(features, x, no_box, raw));
  for (int i = 0; i < 6; ++i) {
    TpTestExpectClose(sin(raw[i]), sin(x[i]), 1e-6);
    TpTestExpectClose(cos(raw[i]), cos(x[i]), 1e-6);
    TpTestExpect((double)raw[i] > -PETSC_PI && (double)raw[i] <= PETSC_PI);
  }
  PetscCall(TpFeaturesDestroy(&features));

  PetscCall(TpFeaturesCreate(&(TpFeatureSettings){.coordinates = TEXTS(1, "1"), .distances = TEXTS(1, "0 1")}, &pair,
                             &features));
  TpTestExpectEqual(TpFeaturesCount(features), 4);
  TpTestExpect(!strcmp(TpFeaturesName(features, 0), "distance 0-1") &&
               !strcmp(TpFeaturesName(features, 2), "atom 1 y"));
  TpTestExpectText(TpFeaturesUnit(features, 0), "nm");
  PetscCall(TpFeaturesCompute(features, x, no_box, raw));
  TpTestExpectClose(raw[0], sqrt(pow(x[3] - x[0], 2) + pow(x[4] - x[1], 2) + pow(x[5] - x[2], 2)), 1e-5);
  TpTestExpect(raw[1] == (float)x[3] && raw[3] == (float)x[5]);
  PetscCall(TpFeaturesDestroy(&features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All coordinates in any order are a configuration; some of them, and anything else, are none. */
static PetscErrorCode TestRestore(void)
{
  const double            box[9] = {3.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0};
  const TpFeatureSettings all = {.coordinates = TEXTS(2, "1", "2 0")}, some = {.coordinates = TEXTS(1, "1 2")};
  const TpFeatureSettings mixed     = {.coordinates = TEXTS(1, "1 2"), .distances = TEXTS(3, "0 1", "0 2", "1 2")};
  const TpFeatureSettings centred   = {.coordinates = TEXTS(1, "all"), .align = TP_ALIGN_CENTRE};
  const TpFeatureSettings turned    = {.coordinates = TEXTS(1, "all"), .align = TP_ALIGN_SUPERPOSE};
  const TpFeatureSettings refused[] = {some, mixed};
  double                  x[9], y[9];
  TpTopology              topology = {.num_atoms = 3, .x = x};
  TpFeatureSystem         system   = Particles(3, PETSC_TRUE);
  TpFeatures              features;
  float                   raw[9], again[9];

  PetscFunctionBeginUser;
  TpRandomNormal(SEED, TP_RANDOM_TEST, 9, 0, 9, x);
  PetscCall(TpFeaturesCreate(&all, &system, &features));
  TpTestExpect(TpFeaturesCanRestore(features));
  PetscCall(TpFeaturesCompute(features, x, box, raw));
  TpFeaturesRestore(features, raw, y);
  for (int i = 0; i < 9; ++i) TpTestExpect((float)x[i] == (float)y[i]);
  PetscCall(TpFeaturesDestroy(&features));
  for (int i = 0; i < 2; ++i) {
    PetscCall(TpFeaturesCreate(&refused[i], &system, &features));
    TpTestExpect(!TpFeaturesCanRestore(features));
    PetscCall(TpFeaturesDestroy(&features));
  }
  /* around the origin, and as one piece: the same features again */
  PetscCall(TpFeaturesCreate(&centred, &system, &features));
  TpTestExpect(TpFeaturesCanRestore(features));
  PetscCall(TpFeaturesCompute(features, x, box, raw));
  TpFeaturesRestore(features, raw, y);
  PetscCall(TpFeaturesCompute(features, y, box, again));
  for (int i = 0; i < 9; ++i) TpTestExpectClose(raw[i], again[i], 1e-6);
  PetscCall(TpFeaturesDestroy(&features));
  /* a molecule that is turned does not fit into its box as before */
  system.topology = &topology;
  for (int has_box = 0; has_box < 2; ++has_box) {
    system.has_box = has_box ? PETSC_TRUE : PETSC_FALSE;
    PetscCall(TpFeaturesCreate(&turned, &system, &features));
    TpTestExpectEqual(TpFeaturesCanRestore(features), !has_box);
    PetscCall(TpFeaturesDestroy(&features));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------ mistakes */

static PetscErrorCode Try(const TpFeatureSettings *settings, const TpFeatureSystem *system)
{
  TpFeatures features;

  PetscFunctionBeginUser;
  PetscCall(TpFeaturesCreate(settings, system, &features));
  PetscCall(TpFeaturesDestroy(&features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define REFUSED(member, text, part)                                                                                    \
  TpTestExpectInputError(Try(&(TpFeatureSettings){.member = TEXTS(1, text)}, &system), part)

static PetscErrorCode TestMistakes(void)
{
  TpTopology      topology;
  TpFeatureSystem system;

  PetscFunctionBeginUser;
  PetscCall(ReadMolecule("adp.pdb", &topology, &system));
  REFUSED(torsions, "0 1 2 22", "index 22 is out of range; allowed 0 to 21");
  REFUSED(torsions, "0 -1 2 3", "index -1 is out of range; allowed 0 to 21");
  REFUSED(torsions, "0 1 99999999999999999999 3", "out of range");
  REFUSED(torsions, "4 6 4 8", "names atom 4 twice");
  REFUSED(torsions, "4 6 8", "has 3 indices, needed are 4");
  REFUSED(torsions, "4 6 8 14 16", "too many indices; allowed 4");
  REFUSED(torsions, "4 6 8 1.5", "no list of atom indices");
  REFUSED(torsions, "chi", "'chi' is unknown; known are phi, psi, omega");
  REFUSED(torsions, "ph", "'ph' is unknown");
  REFUSED(torsions, "", "has 0 indices, needed are 4");
  REFUSED(torsions, "phi:4", "residue is out of range; allowed 1 to 3");
  REFUSED(torsions, "phi:2x", "out of range");
  REFUSED(torsions, "phi:", "out of range");
  REFUSED(distances, "0", "has 1 indices, needed are 2");
  REFUSED(distances, "3 3", "names atom 3 twice");
  REFUSED(coordinates, "22", "allowed 0 to 21");
  REFUSED(coordinates, "any", "no list of atom indices");
  TpTestExpectInputError(Try(&(TpFeatureSettings){.torsions = TEXTS(2, "phi", "phi:2")}, &system),
                         "'phi2' is selected twice");
  TpTestExpectInputError(Try(&(TpFeatureSettings){.coordinates = TEXTS(2, "1", "all")}, &system),
                         "'atom 1 x' is selected twice");
  TpTestExpectInputError(Try(&(TpFeatureSettings){.label = 0}, &system), "nothing is selected");
  system.topology = NULL;
  REFUSED(torsions, "phi", "needs the names of a PDB file's atoms");
  system = (TpFeatureSystem){.size = 4, .num_particles = 4, .dimension = 1, .boltzmann = 1.0};
  REFUSED(torsions, "0 1 2 3", "no points in space");
  REFUSED(distances, "0 1", "no points in space");
  PetscCall(TpTopologyDestroy(&topology));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A molecule that is turned, moved, and cut by the border of its box has the coordinates of the one that is not. */
static PetscErrorCode TestAlign(void)
{
  enum { ATOMS = 6 };
  const double            box[9] = {4.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 6.0};
  double                  x[3 * ATOMS], y[3 * ATOMS];
  TpTopology              topology  = {.num_atoms = ATOMS, .x = x};
  TpFeatureSystem         system    = Particles(ATOMS, PETSC_TRUE);
  const TpFeatureSettings centre    = {.coordinates = TEXTS(1, "1 2 3 5"), .align = TP_ALIGN_CENTRE};
  const TpFeatureSettings superpose = {.coordinates = TEXTS(1, "1 2 3 5"), .align = TP_ALIGN_SUPERPOSE};
  float                   raw[12], turned[12], moved[12];

  PetscFunctionBeginUser;
  system.topology = &topology;
  TpRandomUniform(SEED, TP_RANDOM_TEST, 7, 0, 3 * ATOMS, x);
  for (int n = 0; n < 20; ++n) {
    double q[4], size = 0.0, mean[3] = {0.0};

    TpRandomNormal(SEED, TP_RANDOM_TEST, 8, (uint64_t)n, 4, q);
    for (int i = 0; i < 4; ++i) size += q[i] * q[i];
    for (int i = 0; i < 4; ++i) q[i] /= sqrt(size);
    const double r[3][3] = {
        {1 - 2 * (q[2] * q[2] + q[3] * q[3]), 2 * (q[1] * q[2] - q[0] * q[3]), 2 * (q[1] * q[3] + q[0] * q[2])},
        {2 * (q[1] * q[2] + q[0] * q[3]), 1 - 2 * (q[1] * q[1] + q[3] * q[3]), 2 * (q[2] * q[3] - q[0] * q[1])},
        {2 * (q[1] * q[3] - q[0] * q[2]), 2 * (q[2] * q[3] + q[0] * q[1]), 1 - 2 * (q[1] * q[1] + q[2] * q[2])}};

    for (int i = 0; i < ATOMS; ++i)
      for (int j = 0; j < 3; ++j) {
        const double length = box[4 * j];

        y[3 * i + j] = r[j][0] * x[3 * i] + r[j][1] * x[3 * i + 1] + r[j][2] * x[3 * i + 2] + 0.3 * n;
        y[3 * i + j] -= length * floor(y[3 * i + j] / length);
      }
    PetscCall(ComputeOnce(&superpose, &system, x, box, raw));
    PetscCall(ComputeOnce(&superpose, &system, y, box, turned));
    for (int i = 0; i < 12; ++i) TpTestExpectClose(turned[i], raw[i], 2e-6);
    PetscCall(ComputeOnce(&centre, &system, y, box, moved));
    for (int i = 0; i < 12; ++i) mean[i % 3] += (double)moved[i];
    for (int j = 0; j < 3; ++j) TpTestExpectClose(mean[j], 0.0, 2e-6);
    /* a rotation keeps distances */
    TpTestExpectClose(
        hypot(hypot((double)(moved[0] - moved[9]), (double)(moved[1] - moved[10])), (double)(moved[2] - moved[11])),
        hypot(hypot((double)(raw[0] - raw[9]), (double)(raw[1] - raw[10])), (double)(raw[2] - raw[11])), 2e-6);
  }
  for (int n = 0; n < 2; ++n) {
    const TpFeatureSettings augment = {.coordinates = TEXTS(1, n ? "1" : "1 2 3 5"), .align = TP_ALIGN_AUGMENT};

    if (n)
      TpTestExpectInputError(ComputeOnce(&augment, &system, y, box, raw), "augment needs two atoms or more");
    else { /* turned later: here it is centred */
      PetscCall(ComputeOnce(&augment, &system, y, box, raw));
      for (int i = 0; i < 12; ++i) TpTestExpectEqual(raw[i], moved[i]);
    }
  }
  system.topology = NULL;
  TpTestExpectInputError(ComputeOnce(&superpose, &system, x, box, raw), "features.align: superpose turns atoms onto");
  TpTestExpectInputError(
      ComputeOnce(&(TpFeatureSettings){.distances = TEXTS(1, "0 1"), .align = TP_ALIGN_CENTRE}, &system, x, box, raw),
      "features.coordinates names no atoms");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(TestAlign());
  TpTestCall(TestKnownTorsions());
  TpTestCall(TestDistancesAgainstAllImages());
  TpTestCall(TestTorsionsOfImages());
  TpTestCall(TestDipeptide());
  TpTestCall(TestPeptide());
  TpTestCall(TestCoordinates());
  TpTestCall(TestRestore());
  TpTestCall(TestMistakes());
  return TpTestEnd();
}
