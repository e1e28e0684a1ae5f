/* Topology: PDB files as programs write them, and broken ones. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64] = "/tmp/tempera-topology-XXXXXX";
static char path[128];

static PetscErrorCode ReadText(const char *text, TpTopology *topology)
{
  FILE *file = fopen(path, "w");

  PetscFunctionBeginUser;
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", path);
  fputs(text, file);
  fclose(file);
  PetscCall(TpTopologyReadPDB(path, topology));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two chains with equal numbers, an insertion code, alternate locations, a second model. */
static const char *const full = "REMARK   1 ATOM records that are none\n"
                                "MODEL        1\n"
                                "HETATM    1 HH31 ACE A   1       3.011  -2.722   0.016  1.00  0.00           H  \n"
                                "HETATM    2  CH3 ACE A   1       2.815  -2.013   0.820  1.00  0.00           C  \n"
                                "ATOM      3  N   ALA A   2      -1.000   0.500 100.000\n"
                                "ATOM      4  CA AALA A   2       1.000   1.000   1.000  0.60\n"
                                "ATOM      5  CA BALA A   2       9.000   9.000   9.000  0.40\n"
                                "ATOM      6  N   GLY A   2A      2.000   2.000   2.000\r\n"
                                "TER\n"
                                "ATOM      7  O   HOH A   2A      3.000   3.000   3.000\n"
                                "ATOM      8  O   HOH B   2A      4.000   4.000   4.000\n"
                                "ATOM      9  CB BHISDB   3A      5.000   5.000   5.000\n"
                                "ENDMDL\n"
                                "MODEL        2\n"
                                "ATOM     10  O   HOH B   4       4.000   4.000   4.000\n"
                                "ENDMDL\n";

static PetscErrorCode CheckFull(void)
{
  static const struct {
    const char *atom, *residue_name;
    PetscInt    residue;
    double      x, z;
  } expected[] = {
      {"HH31", "ACE", 1, 0.3011, 0.0016}, {"CH3", "ACE", 1, 0.2815, 0.082}, {"N", "ALA", 2, -0.1, 10.0},
      {"CA", "ALA", 2, 0.1, 0.1},         {"N", "GLY", 3, 0.2, 0.2},        {"O", "HOH", 4, 0.3, 0.3},
      {"O", "HOH", 5, 0.4, 0.4},          {"CB", "HISD", 6, 0.5, 0.5},
  };
  TpTopology topology;

  PetscFunctionBeginUser;
  PetscCall(ReadText(full, &topology));
  TpTestExpectEqual(topology.num_atoms, 8);
  for (int i = 0; i < 8 && topology.num_atoms == 8; ++i) {
    TpTestExpectThat(!strcmp(topology.atom_name[i], expected[i].atom), "atom %d is '%s'", i, topology.atom_name[i]);
    TpTestExpectThat(!strcmp(topology.residue_name[i], expected[i].residue_name), "atom %d in '%s'", i,
                     topology.residue_name[i]);
    TpTestExpectEqual(topology.residue[i], expected[i].residue);
    TpTestExpectClose(topology.x[3 * i], expected[i].x, 1e-15);
    TpTestExpectClose(topology.x[3 * i + 2], expected[i].z, 1e-15);
  }
  for (int k = 0; k < 9; ++k) TpTestExpect(topology.box[k] == 0.0);
  PetscCall(TpTopologyDestroy(&topology));
  TpTestExpect(!topology.x && !topology.num_atoms);
  PetscCall(TpTopologyDestroy(&topology));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define ONE_ATOM "ATOM      1  N   ALA A   2      -1.000   0.500 100.000\n"

/* Lengths and angles come back from the box vectors, which are lower triangular and reduced. */
static PetscErrorCode CheckBox(const char *record, const double length[3], const double cosine[3])
{
  TpTopology topology;
  char       text[256];
  double    *a = topology.box, *b = topology.box + 3, *c = topology.box + 6;

  PetscFunctionBeginUser;
  snprintf(text, sizeof(text), "%s\n" ONE_ATOM, record);
  PetscCall(ReadText(text, &topology));
  TpTestExpect(a[1] == 0.0 && a[2] == 0.0 && b[2] == 0.0);
  TpTestExpect(2.0 * fabs(b[0]) <= a[0] && 2.0 * fabs(c[0]) <= a[0] && 2.0 * fabs(c[1]) <= b[1]);
  TpTestExpectClose(a[0], length[0], 1e-14);
  TpTestExpectClose(hypot(b[0], b[1]), length[1], 1e-14);
  TpTestExpectClose(sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2]), length[2], 1e-14);
  TpTestExpectClose(b[0] * c[0] + b[1] * c[1], length[1] * length[2] * cosine[0], 1e-14);
  TpTestExpectClose(a[0] * c[0], length[0] * length[2] * cosine[1], 1e-14);
  TpTestExpectClose(a[0] * b[0], length[0] * length[1] * cosine[2], 1e-14);
  PetscCall(TpTopologyDestroy(&topology));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CheckBoxes(void)
{
  TpTopology topology;

  TpTestCall(CheckBox("CRYST1   20.000   25.000   31.000  90.00  90.00  90.00 P 1           1",
                      (double[]){2.0, 2.5, 3.1}, (double[]){0.0, 0.0, 0.0}));
  TpTestCall(CheckBox("CRYST1   20.000   21.000   22.000  70.00  80.00 105.00 P 1           1",
                      (double[]){2.0, 2.1, 2.2},
                      (double[]){0.3420201433256687, 0.17364817766693033, -0.25881904510252074}));
  /* no crystal: a unit cube, by the format */
  TpTestCall(ReadText("CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n" ONE_ATOM, &topology));
  for (int k = 0; k < 9; ++k) TpTestExpect(topology.box[k] == 0.0);
  TpTestCall(TpTopologyDestroy(&topology));
}

static void CheckMistakes(void)
{
  TpTopology topology;

  TpTestExpectInputError(TpTopologyReadPDB("/nonexistent/a.pdb", &topology),
                         "/nonexistent/a.pdb: can't be read: No such file");
  TpTestExpectInputError(TpTopologyReadPDB(folder, &topology), "can't be read: Is a directory");
  TpTestExpectInputError(ReadText("", &topology), "holds no ATOM or HETATM record");
  TpTestExpectInputError(ReadText("<?xml version=\"1.0\" ?>\n<System/>\n", &topology),
                         "holds no ATOM or HETATM record");
  TpTestExpectInputError(ReadText(ONE_ATOM "ATOM      2  N   ALA A   2      -1.000   0.5x0 100.000\n", &topology),
                         "a.pdb:2: y is no number: '   0.5x0' in columns 39 to 46");
  TpTestExpectInputError(ReadText(ONE_ATOM "\nATOM      2  N   ALA A   2      -1.000   0.500     nan\n", &topology),
                         "a.pdb:3: z is no number");
  TpTestExpectInputError(ReadText("ATOM      2  N   ALA A   2      -1.000\n", &topology), "a.pdb:1: y is no number");
  TpTestExpectInputError(ReadText("ATOM", &topology), "a.pdb:1: x is no number");
  TpTestExpectInputError(ReadText("CRYST1   20.000   25.000   31.0x0  90.00  90.00  90.00\n" ONE_ATOM, &topology),
                         "a.pdb:1: length of the box is no number");
  TpTestExpectInputError(ReadText("CRYST1   20.000   25.000   -1.000  90.00  90.00  90.00\n" ONE_ATOM, &topology),
                         "a.pdb:1: length of the box -1; allowed above 0");
  TpTestExpectInputError(ReadText("CRYST1   20.000   25.000   30.000  10.00  90.00 170.00\n" ONE_ATOM, &topology),
                         "make no box");
  TpTestExpectInputError(ReadText("CRYST1   20.000   25.000   30.000  90.00  90.00   0.00\n" ONE_ATOM, &topology),
                         "make no box");
  TpTestExpect(!topology.x && !topology.num_atoms);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestExpect(mkdtemp(folder) != NULL);
  snprintf(path, sizeof(path), "%s/a.pdb", folder);
  TpTestCall(CheckFull());
  CheckBoxes();
  CheckMistakes();
  TpTestExpect(!unlink(path) && !rmdir(folder));
  return TpTestEnd();
}
