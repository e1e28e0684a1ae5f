/* Parameters: reading, defaults, used parameters that read back bit for bit, help, files. Mistakes: test-config-mistakes.c. */
#include "config-table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void ExpectSame(const char *text, const char *expected, int line)
{
  TpTestCheck(!strcmp(text, expected), __FILE__, line, "'%s', expected '%s'", text, expected);
}
#define TpTestExpectSame(text, expected) ExpectSame(text, expected, __LINE__)

/* ----------------------------------------------------------------------------------------------------------- values */

static PetscErrorCode CheckDefaults(TpUnitSystem system)
{
  TpConfig  config;
  Settings  settings;
  PetscBool given;

  PetscFunctionBeginUser;
  PetscCall(Read("engine.kind: openmm\n", NULL, system, &config, &settings));
  TpTestExpectEqual(settings.kind, 1);
  TpTestExpect(settings.timestep == 0.002 && settings.max_time == 1.5 && settings.mass == 12.0);
  TpTestExpectEqual(settings.num_rungs, 4);
  TpTestExpectEqual(settings.temperatures.size, 2);
  TpTestExpect(settings.temperatures.values[0] == 300.0 && settings.temperatures.values[1] == 310.0);
  TpTestExpect(!settings.is_tuned);
  TpTestExpectSame(settings.title, "");
  TpTestExpectSame(settings.structure, "");
  TpTestExpectEqual(settings.torsions.size, 0);
  TpTestExpectEqual(settings.files.size, 2);
  TpTestExpectSame(settings.files.values[0], "input/a.txt");
  TpTestExpectSame(settings.files.values[1], "input/b");
  PetscCall(TpConfigIsGiven(config, "engine.kind", &given));
  TpTestExpect(given);
  PetscCall(TpConfigIsGiven(config, "engine.timestep", &given));
  TpTestExpect(!given);
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const full = "# everything, in many styles\n"
                                "version: 9223372036854775807\n"
                                "engine:\n"
                                "  kind: \"openmm\"\n"
                                "  timestep: 1 fs   # short\n"
                                "  structure: ../molecules/./a b.pdb\n"
                                "ladder: {num_rungs: 1e3, tune: {on: yes}}\n"
                                "ladder.temperatures:\n"
                                "  - 300 K\n"
                                "  - 412.5\n"
                                "run.title: 'a: \"quoted\" # title'\n"
                                "feature:\n"
                                "  torsions: [[4, 6, 8, 14], phi, \"b c\"]\n"
                                "  files: [/abs/../x, ../../y, z/..]\n"
                                "  boxes:\n"
                                "    left: {phi2: [0, 115 deg], distance 0-7: [0.1, 0.2]}\n"
                                "    right.phi2: [-1, 0]\n";

static PetscErrorCode CheckValues(void)
{
  TpConfig config;
  Settings settings;

  PetscFunctionBeginUser;
  PetscCall(Read(full, "run.max_time=2 h", TP_UNITS_MOLECULAR, &config, &settings));
  TpTestExpect(settings.seed == INT64_MAX);
  TpTestExpectEqual(settings.kind, 1);
  TpTestExpect(settings.timestep == 0.001 && settings.max_time == 2.0);
  TpTestExpectSame(settings.structure, "molecules/a b.pdb");
  TpTestExpectEqual(settings.num_rungs, 1000);
  TpTestExpect(settings.is_tuned);
  TpTestExpectEqual(settings.temperatures.size, 2);
  TpTestExpect(settings.temperatures.values[1] == 412.5);
  TpTestExpectSame(settings.title, "a: \"quoted\" # title");
  TpTestExpectEqual(settings.torsions.size, 3);
  TpTestExpectSame(settings.torsions.values[0], "4 6 8 14");
  TpTestExpectSame(settings.torsions.values[1], "phi");
  TpTestExpectSame(settings.torsions.values[2], "b c");
  TpTestExpectSame(settings.files.values[0], "/x");
  TpTestExpectSame(settings.files.values[1], "../y");
  TpTestExpectSame(settings.files.values[2], "input");
  TpTestExpectEqual(settings.boxes.size, 3);
  TpTestExpectSame(settings.boxes.values[0], "left.phi2: [0, 115 deg]");
  TpTestExpectSame(settings.boxes.values[1], "left.distance 0-7: [0.1, 0.2]");
  TpTestExpectSame(settings.boxes.values[2], "right.phi2: [-1, 0]");
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is set later wins; paths of --set start from the working folder; lists are YAML. */
static PetscErrorCode CheckSet(void)
{
  TpConfig config;
  Settings settings = {0};
  PetscInt kind;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(table, &config));
  PetscCall(TpConfigReadText(config, "input/x.yaml", "input", full));
  PetscCall(TpConfigSet(config, "engine.kind=model"));
  PetscCall(TpConfigSet(config, "engine.structure=./b.pdb"));
  PetscCall(TpConfigSet(config, "ladder.temperatures=[1, 2, 3 K]"));
  PetscCall(TpConfigSet(config, "feature.boxes.right.phi2=[3, 4]"));
  PetscCall(TpConfigSet(config, "feature.boxes.top.x=[5, 6]"));
  PetscCall(TpConfigSet(config, "run.title=first"));
  PetscCall(TpConfigSet(config, "run.title=a=b"));
  PetscCall(TpConfigGetWord(config, "engine.kind", &kind));
  PetscCall(TpConfigApply(config, TP_UNITS_MOLECULAR, &settings));
  TpTestExpectEqual(kind, 0);
  TpTestExpectEqual(settings.kind, 0);
  TpTestExpectSame(settings.structure, "b.pdb");
  TpTestExpectEqual(settings.temperatures.size, 3);
  TpTestExpectSame(settings.title, "a=b");
  TpTestExpectEqual(settings.boxes.size, 4);
  TpTestExpectSame(settings.boxes.values[2], "right.phi2: [3, 4]");
  TpTestExpectSame(settings.boxes.values[3], "top.x: [5, 6]");
  TpTestExpectInputError(TpConfigError(config, "run.title", "too %s", "short"),
                         "--set run.title=a=b: run.title: too short");
  TpTestExpectInputError(TpConfigError(config, "engine.timestep", "bad"), "input/x.yaml:5: engine.timestep: bad");
  TpTestExpectInputError(TpConfigError(config, "engine.mass", "bad"), "input/x.yaml: engine.mass: bad");
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------- round trips */

static void ExpectSameTexts(const TpTextList *a, const TpTextList *b)
{
  TpTestExpectEqual(a->size, b->size);
  for (PetscInt i = 0; i < a->size && a->size == b->size; ++i) TpTestExpectSame(a->values[i], b->values[i]);
}

static void ExpectSameSettings(const Settings *a, const Settings *b)
{
  TpTestExpectEqual(a->kind, b->kind);
  TpTestExpectEqual(a->num_rungs, b->num_rungs);
  TpTestExpectEqual(a->seed, b->seed);
  TpTestExpectEqual(a->is_tuned, b->is_tuned);
  TpTestExpect(!memcmp(&a->timestep, &b->timestep, sizeof(double)));
  TpTestExpect(!memcmp(&a->mass, &b->mass, sizeof(double)));
  TpTestExpect(!memcmp(&a->max_time, &b->max_time, sizeof(double)));
  TpTestExpectSame(a->structure, b->structure);
  TpTestExpectSame(a->title, b->title);
  TpTestExpectEqual(a->temperatures.size, b->temperatures.size);
  if (a->temperatures.size == b->temperatures.size)
    TpTestExpect(
        !memcmp(a->temperatures.values, b->temperatures.values, (size_t)a->temperatures.size * sizeof(double)));
  ExpectSameTexts(&a->torsions, &b->torsions);
  ExpectSameTexts(&a->files, &b->files);
  ExpectSameTexts(&a->boxes, &b->boxes);
}

/* Write for a file in `folder`, read it there, compare. */
static PetscErrorCode CheckRoundTripOf(TpConfig config, TpUnitSystem system, const Settings *settings,
                                       const char *folder)
{
  char    *text, *again;
  TpConfig second;
  Settings copy = {0};

  PetscFunctionBeginUser;
  PetscCall(TpConfigWriteText(config, system, settings, folder, &text));
  PetscCall(TpConfigCreate(table, &second));
  PetscCall(TpConfigReadText(second, "used.yaml", folder, text));
  PetscCall(TpConfigApply(second, system, &copy));
  ExpectSameSettings(settings, &copy);
  PetscCall(TpConfigWriteText(second, system, &copy, folder, &again));
  TpTestExpectSame(again, text);
  PetscCall(PetscFree(text));
  PetscCall(PetscFree(again));
  PetscCall(Done(&second, &copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers with all their bits, and texts that YAML would take for something else, or for nothing. */
static PetscErrorCode CheckRoundTrip(TpUnitSystem system)
{
  static const char *const texts[]   = {"",
                                        " ",
                                        "true",
                                        "1.0",
                                        "null",
                                        "~",
                                        "- a",
                                        "a: b",
                                        "#",
                                        "a # b",
                                        "'",
                                        "\"",
                                        "\\n",
                                        "a\nb\n",
                                        "\t x \r",
                                        "[",
                                        "{a",
                                        "&a",
                                        "*",
                                        "!",
                                        "%",
                                        "@",
                                        "`",
                                        ": ",
                                        "\xc3\xa9",
                                        "\xe2\x80\xa8 x",
                                        "\xc2\x85",
                                        "\xef\xbb\xbf",
                                        "\xf0\x9f\x98\x80",
                                        "\x01\x7f\x1b[0m",
                                        "---",
                                        "...",
                                        ".5",
                                        ".inf",
                                        "a,b",
                                        "a]",
                                        "../x",
                                        "0x10",
                                        "12:30",
                                        "=",
                                        "<<",
                                        "\xc2\xa0",
                                        "x "};
  static const double      numbers[] = {
           0.1, 1.0 / 3.0, 2.0 / 3.0, 1e-300, 4.9e-324, 123456789.123456789, 9999.999999999998, 0.30000000000000004, -0.0};
  TpConfig config;
  Settings settings;

  PetscFunctionBeginUser;
  PetscCall(Read("engine.kind: no\nengine.structure: s.pdb\n", NULL, system, &config, &settings));
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
    PetscCall(PetscFree(settings.title));
    PetscCall(PetscStrallocpy(texts[i], &settings.title));
    settings.mass                   = numbers[i % 9] * (i + 1.0);
    settings.max_time               = 1.0 / (i + 3.0);
    settings.timestep               = PetscAbsReal(numbers[i % 4]) / 100.0 + 1e-5;
    settings.temperatures.values[0] = numbers[i % 9];
    settings.seed                   = INT64_MIN + (PetscInt64)i;
    PetscCall(CheckRoundTripOf(config, system, &settings, "out/run"));
  }
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckPaths(void)
{
  static const char *const folders[] = {"", ".", "input", "out/run", "./out//run/", "../up"};
  TpConfig                 config;
  Settings                 settings;
  char                    *text, folder[PETSC_MAX_PATH_LEN], expected[PETSC_MAX_PATH_LEN + 32];

  PetscFunctionBeginUser;
  PetscCall(Read(full, NULL, TP_UNITS_MOLECULAR, &config, &settings));
  for (int i = 0; i < 5; ++i) PetscCall(CheckRoundTripOf(config, TP_UNITS_MOLECULAR, &settings, folders[i]));
  PetscCall(TpConfigWriteText(config, TP_UNITS_MOLECULAR, &settings, "out/run", &text));
  TpTestExpectText(text, "structure: \"../../molecules/a b.pdb\"\n");
  TpTestExpectText(text, "timestep: 0.001 ps\n");
  TpTestExpectText(text, "temperatures: [300 K, 412.5 K]\n");
  TpTestExpectText(text, "max_time: 1.5 h\n");
  TpTestExpectText(text, "tune.on: true\n");
  PetscCall(PetscFree(text));
  /* no folder, or one whose way back is not known by name: absolute paths */
  TpTestExpect(getcwd(folder, sizeof(folder)) != NULL);
  snprintf(expected, sizeof(expected), "structure: \"%s/molecules/a b.pdb\"\n", folder);
  for (int i = 0; i < 2; ++i) {
    PetscCall(TpConfigWriteText(config, TP_UNITS_MOLECULAR, &settings, i ? "../up" : NULL, &text));
    TpTestExpectText(text, expected);
    PetscCall(PetscFree(text));
  }
  PetscCall(PetscFree(settings.title));
  PetscCall(PetscStrallocpy("a\xff", &settings.title));
  TpTestExpectInputError(TpConfigWriteText(config, TP_UNITS_MOLECULAR, &settings, NULL, &text), "is not UTF-8");
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- help */

static PetscErrorCode CheckHelp(void)
{
  char    *text = NULL;
  size_t   size;
  FILE    *file = open_memstream(&text, &size);
  TpConfig config;
  Settings settings;

  PetscFunctionBeginUser;
  PetscCall(TpConfigWriteExample(table, file));
  fclose(file);
  TpTestExpectText(text,
                   "engine:\n  # What computes forces.\n  # word; allowed model, openmm, no\n  kind: # required\n");
  TpTestExpectText(text, "  # time (fs, ps, ns, us); allowed above 0, at most 0.01 ps\n  timestep: 2 fs\n");
  /* the example is a file like any other, but for what only the user can say */
  TpTestExpectInputError(Try(text, NULL, TP_UNITS_MOLECULAR), "engine.kind: no value is given");
  memcpy(strstr(text, "# required"), "model     ", 10);
  PetscCall(Read(text, NULL, TP_UNITS_MOLECULAR, &config, &settings));
  TpTestExpect(settings.mass == 12.0 && settings.timestep == 0.002);
  PetscCall(Done(&config, &settings));
  free(text);

  file = open_memstream(&text, &size);
  PetscCall(TpConfigWriteReference(table, file));
  fclose(file);
  TpTestExpectText(text, "## engine\n\n| key | value | default | meaning |\n|---|---|---|---|\n| `engine.kind` | word; "
                         "allowed model, openmm, no | required |");
  TpTestExpectText(text, "| `2 fs` | Step \\| of time. |\n");
  free(text);

  file = open_memstream(&text, &size);
  PetscCall(TpConfigWriteHelp(table, "ladder.n", file));
  PetscCall(TpConfigWriteHelp(table, "nonsense", file));
  fclose(file);
  TpTestExpectSame(text, "ladder.num_rungs: 4\n    Number of rungs.\n    whole number; allowed 1 to 4096\n"
                         "no parameter has 'nonsense' in its key\n");
  free(text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- files */

static PetscErrorCode WriteFile(const char *path, const char *text, size_t length)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0) {
    FILE *file = fopen(path, "w");

    PetscCheck(file && fwrite(text, 1, length, file) == length && !fclose(file), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN,
               "%s", path);
  }
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFile(const char *path, Settings *settings)
{
  TpConfig       config;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(TpConfigCreate(table, &config));
  code = TpConfigReadFile(config, PETSC_COMM_WORLD, path);
  if (!code) code = TpConfigApply(config, TP_UNITS_MOLECULAR, settings);
  PetscCall(TpConfigDestroy(&config));
  PetscFunctionReturn(code);
}

/* All ranks get the text that rank 0 read, or its error. */
static PetscErrorCode CheckFiles(const char *folder)
{
  Settings settings = {0};
  char     path[256], expected[512];
  char    *large;

  PetscFunctionBeginUser;
  snprintf(path, sizeof(path), "%s/x.yaml", folder);
  TpTestExpectInputError(ReadFile(path, &settings), "x.yaml: can't be read: No such file or directory");
  TpTestExpectInputError(ReadFile(folder, &settings), ": can't be read: Is a directory");
  PetscCall(WriteFile(path, full, strlen(full)));
  PetscCall(ReadFile(path, &settings));
  snprintf(expected, sizeof(expected), "%s", folder);
  strcpy(strrchr(expected, '/'), "/molecules/a b.pdb");
  TpTestExpectSame(settings.structure, expected);
  PetscCall(TpConfigFree(table, &settings));
  PetscCall(WriteFile(path, "engine:\n  kid: 1\n", 17));
  TpTestExpectInputError(ReadFile(path, &settings), "x.yaml:2: engine.kid: unknown key; did you mean engine.kind?");
  PetscCall(WriteFile(path, "a: 1\n\0b", 7));
  TpTestExpectInputError(ReadFile(path, &settings), "x.yaml: holds NUL characters; is it a text file?");
  PetscCall(WriteFile(path, "", 0));
  TpTestExpectInputError(ReadFile(path, &settings), "x.yaml: engine.kind is missing");
  PetscCall(PetscMalloc1((16 << 20) + 1, &large));
  memset(large, '#', (16 << 20) + 1);
  PetscCall(WriteFile(path, large, (16 << 20) + 1));
  TpTestExpectInputError(ReadFile(path, &settings), "x.yaml: more than 16 MiB");
  PetscCall(PetscFree(large));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFilesInNewFolder(void)
{
  char folder[64] = "/tmp/tempera-config-XXXXXX", path[128];
  int  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0) PetscCheck(mkdtemp(folder), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", folder);
  PetscCallMPI(MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, PETSC_COMM_WORLD));
  PetscCall(CheckFiles(folder));
  snprintf(path, sizeof(path), "%s/x.yaml", folder);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) TpTestExpect(!unlink(path) && !rmdir(folder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(CheckDefaults(TP_UNITS_MOLECULAR));
  TpTestCall(CheckDefaults(TP_UNITS_REDUCED));
  TpTestCall(CheckValues());
  TpTestCall(CheckSet());
  TpTestCall(CheckRoundTrip(TP_UNITS_MOLECULAR));
  TpTestCall(CheckRoundTrip(TP_UNITS_REDUCED));
  TpTestCall(CheckPaths());
  TpTestCall(CheckHelp());
  TpTestCall(CheckFilesInNewFolder());
  return TpTestEnd();
}
