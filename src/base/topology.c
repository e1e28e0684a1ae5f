/* Topology: names and positions from a PDB file (format 3.3, fixed columns). */
#include "tempera/base.h"
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define ANGSTROM_PER_NM 10.0

/* The reader walks through the file twice: first to count the atoms, then to fill the arrays. */
typedef struct {
  const char *path;
  FILE       *file;
  int         line_number;
  char        line[128];         /* padded with blanks, so that every column exists */
  char        residue_id[8];     /* chain, number and insertion code of the current residue */
  char        alternate;         /* the residue's alternate location that we keep, ' ' before the first */
  PetscInt    residue;           /* counted from 1 */
  PetscBool   is_chain_finished; /* a TER record: the next atom begins a residue, even one with the same number */
} Reader;

static void ReaderRewind(Reader *reader)
{
  rewind(reader->file);
  reader->line_number       = 0;
  reader->residue           = 0;
  reader->residue_id[0]     = '\0';
  reader->alternate         = ' ';
  reader->is_chain_finished = PETSC_FALSE;
}

/* The next line without its end; false after the last line. Longer lines are cut: the format ends at column 80. */
static PetscBool ReaderNextLine(Reader *reader)
{
  char  *line = reader->line;
  size_t length;

  if (!fgets(line, sizeof(reader->line), reader->file)) return PETSC_FALSE;
  ++reader->line_number;
  length = strcspn(line, "\r\n");
  if (length == sizeof(reader->line) - 1) {
    for (int c = fgetc(reader->file); c != EOF && c != '\n';) c = fgetc(reader->file);
  }
  memset(line + length, ' ', sizeof(reader->line) - 1 - length);
  line[sizeof(reader->line) - 1] = '\0';
  return PETSC_TRUE;
}

static PetscBool IsRecord(const Reader *reader, const char *name)
{
  return strncmp(reader->line, name, strlen(name)) ? PETSC_FALSE : PETSC_TRUE;
}

/* Columns are counted from 1, ends included, as in the description of the format. */
static void GetColumns(const Reader *reader, int first, int last, char text[])
{
  const int length = last - first + 1;

  memcpy(text, reader->line + first - 1, (size_t)length);
  text[length] = '\0';
}

/* The same without blanks around it. */
static void GetName(const Reader *reader, int first, int last, char text[8])
{
  char        columns[8];
  const char *start = columns;

  GetColumns(reader, first, last, columns);
  while (isspace((unsigned char)*start)) ++start;
  strcpy(text, start);
  text[strcspn(text, " \t")] = '\0';
}

static PetscErrorCode GetNumber(const Reader *reader, int first, int last, const char *what, double *value)
{
  char text[16];

  PetscFunctionBeginUser;
  GetColumns(reader, first, last, text);
  TpCheckInput(TpNumberReadAll(text, value), "%s:%d: %s is no number: '%s' in columns %d to %d", reader->path,
               reader->line_number, what, text, first, last);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void BeginResidueIfNew(Reader *reader)
{
  char id[8];

  GetColumns(reader, 22, 27, id);
  if (!reader->is_chain_finished && !strcmp(id, reader->residue_id)) return;
  strcpy(reader->residue_id, id);
  reader->is_chain_finished = PETSC_FALSE;
  reader->alternate         = ' ';
  ++reader->residue;
}

/* Of atoms with alternate locations ("A", "B"), the first location named in the residue counts. */
static PetscBool IsChosenLocation(Reader *reader)
{
  const char location = reader->line[16];

  if (location == ' ') return PETSC_TRUE;
  if (reader->alternate == ' ') reader->alternate = location;
  return location == reader->alternate ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode ReadAtom(const Reader *reader, PetscInt i, TpTopology *topology)
{
  double *x = topology->x + 3 * i;

  PetscFunctionBeginUser;
  GetName(reader, 13, 16, topology->atom_name[i]);
  GetName(reader, 18, 21,
          topology->residue_name[i]); /* column 21 is free by the format, and used for names of four letters */
  topology->residue[i] = reader->residue;
  PetscCall(GetNumber(reader, 31, 38, "x", &x[0]));
  PetscCall(GetNumber(reader, 39, 46, "y", &x[1]));
  PetscCall(GetNumber(reader, 47, 54, "z", &x[2]));
  for (int k = 0; k < 3; ++k) x[k] /= ANGSTROM_PER_NM;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* cos(90 degrees) is to be 0, not 6e-17: a right angle must give a box that is seen to be rectangular. */
static double CosDegrees(double angle)
{
  return angle == 90.0 ? 0.0 : cos(angle * PETSC_PI / 180.0);
}

/* Box vectors from lengths and angles, in the lower triangular, reduced form that MD programs ask for. */
static void MakeBox(const double length[3], const double angle[3], double box[9])
{
  const double cos_alpha = CosDegrees(angle[0]), cos_beta = CosDegrees(angle[1]), cos_gamma = CosDegrees(angle[2]);
  const double sin_gamma = sqrt(1.0 - cos_gamma * cos_gamma);
  const double y         = (cos_alpha - cos_beta * cos_gamma) / sin_gamma;
  double      *a = box, *b = box + 3, *c = box + 6;

  a[0] = length[0];
  a[1] = a[2] = 0.0;
  b[0]        = length[1] * cos_gamma;
  b[1]        = length[1] * sin_gamma;
  b[2]        = 0.0;
  c[0]        = length[2] * cos_beta;
  c[1]        = length[2] * y;
  c[2]        = length[2] * sqrt(1.0 - cos_beta * cos_beta - y * y);
  c[0] -= b[0] * round(c[1] / b[1]);
  c[1] -= b[1] * round(c[1] / b[1]);
  c[0] -= a[0] * round(c[0] / a[0]);
  b[0] -= a[0] * round(b[0] / a[0]);
}

static PetscErrorCode ReadBox(const Reader *reader, double box[9])
{
  double length[3], angle[3];

  PetscFunctionBeginUser;
  for (int k = 0; k < 3; ++k) {
    PetscCall(GetNumber(reader, 7 + 9 * k, 15 + 9 * k, "length of the box", &length[k]));
    PetscCall(GetNumber(reader, 34 + 7 * k, 40 + 7 * k, "angle of the box", &angle[k]));
  }
  /* the format asks for a unit cube where there is no crystal */
  if (length[0] == 1.0 && length[1] == 1.0 && length[2] == 1.0) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < 3; ++k) {
    TpCheckInput(length[k] > 0.0, "%s:%d: length of the box %g; allowed above 0", reader->path, reader->line_number,
                 length[k]);
    length[k] /= ANGSTROM_PER_NM;
  }
  MakeBox(length, angle, box);
  TpCheckInput(box[8] > 0.0, "%s:%d: angles %g, %g and %g make no box", reader->path, reader->line_number, angle[0],
               angle[1], angle[2]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Go to the next atom of the first model. CRYST1 stands before the atoms; it is read on the way if `box` is given. */
static PetscErrorCode ReaderNextAtom(Reader *reader, double box[9], PetscBool *found)
{
  PetscFunctionBeginUser;
  *found = PETSC_FALSE;
  while (!*found && ReaderNextLine(reader)) {
    if (IsRecord(reader, "ENDMDL")) break;
    if (IsRecord(reader, "TER ")) reader->is_chain_finished = PETSC_TRUE;
    if (IsRecord(reader, "CRYST1") && box) PetscCall(ReadBox(reader, box));
    if (!IsRecord(reader, "ATOM  ") && !IsRecord(reader, "HETATM")) continue;
    BeginResidueIfNew(reader);
    *found = IsChosenLocation(reader);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFile(Reader *reader, TpTopology *topology)
{
  PetscBool found;
  PetscInt  num_atoms = 0;

  PetscFunctionBeginUser;
  ReaderRewind(reader);
  PetscCall(ReaderNextAtom(reader, NULL, &found));
  while (found) {
    ++num_atoms;
    PetscCall(ReaderNextAtom(reader, NULL, &found));
  }
  TpCheckInput(!ferror(reader->file), "%s: can't be read: %s", reader->path, strerror(errno));
  TpCheckInput(num_atoms, "%s: holds no ATOM or HETATM record; is it a PDB file?", reader->path);

  topology->num_atoms = num_atoms;
  PetscCall(PetscCalloc1(num_atoms, &topology->atom_name));
  PetscCall(PetscCalloc1(num_atoms, &topology->residue_name));
  PetscCall(PetscCalloc1(num_atoms, &topology->residue));
  PetscCall(PetscCalloc1(3 * num_atoms, &topology->x));
  ReaderRewind(reader);
  for (PetscInt i = 0; i < num_atoms; ++i) {
    PetscCall(ReaderNextAtom(reader, topology->box, &found));
    TpCheckInput(found, "%s: changed while it was read", reader->path);
    PetscCall(ReadAtom(reader, i, topology));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTopologyReadPDB(const char *path, TpTopology *topology)
{
  Reader         reader = {.path = path};
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *topology   = (TpTopology){0};
  reader.file = fopen(path, "r");
  TpCheckInput(reader.file, "%s: can't be read: %s", path, strerror(errno));
  code = ReadFile(&reader, topology);
  fclose(reader.file);
  if (code) PetscCall(TpTopologyDestroy(topology));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpTopologyDestroy(TpTopology *topology)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(topology->atom_name));
  PetscCall(PetscFree(topology->residue_name));
  PetscCall(PetscFree(topology->residue));
  PetscCall(PetscFree(topology->x));
  *topology = (TpTopology){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
