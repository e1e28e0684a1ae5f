/* Parameters: reading, defaults, every kind of mistake with its line, and used parameters that read back bit for bit. */
#include "test.h"

#include <float.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  PetscInt   kind;
  double     timestep, mass;
  char      *structure;
  PetscInt64 num_rungs, seed;
  TpRealList temperatures;
  PetscBool  is_tuned;
  char      *title;
  double     max_time;
  TpTextList torsions, files;
} Settings;

static const char *const kinds[] = {"model", "openmm", "no", NULL};

static const TpParameter table[] = {
    {"version", TP_INT, TP_DIMENSION_NONE, offsetof(Settings, seed), "7", -1e19, 1e19, NULL, "A key without section."},
    {"engine.kind", TP_WORD, TP_DIMENSION_NONE, offsetof(Settings, kind), NULL, 0, 0, kinds, "What computes forces."},
    {"engine.timestep", TP_REAL, TP_DIMENSION_TIME, offsetof(Settings, timestep), "2 fs", DBL_MIN, 0.01, NULL,
     "Step | of time."},
    {"engine.structure", TP_PATH, TP_DIMENSION_NONE, offsetof(Settings, structure), "", 0, 0, NULL,
     "Where the atoms are."},
    {"ladder.num_rungs", TP_INT, TP_DIMENSION_NONE, offsetof(Settings, num_rungs), "4", 1, 4096, NULL,
     "Number of rungs."},
    {"ladder.temperatures", TP_REAL_LIST, TP_DIMENSION_TEMPERATURE, offsetof(Settings, temperatures), "[300, 310 K]", 0,
     1e9, NULL, "T."},
    {"ladder.tune.on", TP_BOOL, TP_DIMENSION_NONE, offsetof(Settings, is_tuned), "no", 0, 0, NULL, "Whether to tune."},
    {"run.title", TP_TEXT, TP_DIMENSION_NONE, offsetof(Settings, title), "", 0, 0, NULL, "For you."},
    {"run.max_time", TP_REAL, TP_DIMENSION_WALL_TIME, offsetof(Settings, max_time), "90 min", 0, PETSC_MAX_REAL, NULL,
     "When to stop."},
    {"feature.torsions", TP_TEXT_LIST, TP_DIMENSION_NONE, offsetof(Settings, torsions), "", 0, 0, NULL, "Torsions."},
    {"feature.files", TP_PATH_LIST, TP_DIMENSION_NONE, offsetof(Settings, files), "[a.txt, ./b]", 0, 0, NULL, "Files."},
    {"engine.mass", TP_REAL, TP_DIMENSION_MASS, offsetof(Settings, mass), "12 Da", 0, 0, NULL,
     "Apart from its section's other rows."},
    {NULL},
};

/* Read a text as input/x.yaml, then assignments, then apply. */
static PetscErrorCode Read(const char *text, const char *set, TpUnitSystem system, TpConfig *config, Settings *settings)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *settings = (Settings){0};
  PetscCall(TpConfigCreate(table, config));
  code = TpConfigReadText(*config, "input/x.yaml", "input", text);
  if (!code && set) code = TpConfigSet(*config, set);
  if (!code) code = TpConfigApply(*config, system, settings);
  if (code) PetscCall(TpConfigDestroy(config));
  PetscFunctionReturn(code);
}

static PetscErrorCode Done(TpConfig *config, Settings *settings)
{
  PetscFunctionBeginUser;
  PetscCall(TpConfigFree(table, settings));
  PetscCall(TpConfigDestroy(config));
  TpTestExpect(!settings->title && !settings->structure && !settings->torsions.values && !settings->temperatures.size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

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
                                "  files: [/abs/../x, ../../y, z/..]\n";

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
  PetscCall(TpConfigSet(config, "run.title=first"));
  PetscCall(TpConfigSet(config, "run.title=a=b"));
  PetscCall(TpConfigGetWord(config, "engine.kind", &kind));
  PetscCall(TpConfigApply(config, TP_UNITS_MOLECULAR, &settings));
  TpTestExpectEqual(kind, 0);
  TpTestExpectEqual(settings.kind, 0);
  TpTestExpectSame(settings.structure, "b.pdb");
  TpTestExpectEqual(settings.temperatures.size, 3);
  TpTestExpectSame(settings.title, "a=b");
  TpTestExpectInputError(TpConfigError(config, "run.title", "too %s", "short"),
                         "--set run.title=a=b: run.title: too short");
  TpTestExpectInputError(TpConfigError(config, "engine.timestep", "bad"), "input/x.yaml:5: engine.timestep: bad");
  TpTestExpectInputError(TpConfigError(config, "engine.mass", "bad"), "input/x.yaml: engine.mass: bad");
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- mistakes */

static PetscErrorCode Try(const char *text, const char *set, TpUnitSystem system)
{
  TpConfig config;
  Settings settings;

  PetscFunctionBeginUser;
  PetscCall(Read(text, set, system, &config, &settings));
  PetscCall(Done(&config, &settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *text;
  const char *line; /* the error line begins with this */
} Mistake;

static const Mistake mistakes[] = {
    /* keys */
    {"engine:\n  kinds: model\n", "input/x.yaml:2: engine.kinds: unknown key; did you mean engine.kind?"},
    {"engine.kind: model\nladder:\n  rungs: 2\n",
     "input/x.yaml:3: ladder.rungs: unknown key; did you mean ladder.num_rungs?"},
    {"run:\n  timestep: 2\n", "input/x.yaml:2: run.timestep: unknown key; did you mean engine.timestep?"},
    {"run:\n  colour: red\n", "input/x.yaml:2: run.colour: unknown key; allowed in section run: title, max_time"},
    {"colour: red\n", "input/x.yaml:1: colour: unknown key; allowed sections: version, engine, ladder, run, feature"},
    {"ladders:\n  num_rungs: 2\n", "input/x.yaml:1: ladders: unknown section; did you mean ladder?"},
    {"engine:\n  kind: model\n  kind: model\n", "input/x.yaml:3: engine.kind: given twice, first in line 2"},
    {"engine:\n  kind: model\nengine.kind: openmm\n", "input/x.yaml:3: engine.kind: given twice, first in line 2"},
    {"run:\n  title: a\nladder:\nrun:\n  title: b\n", "input/x.yaml:4: run: given twice, first in line 1"},
    {"# nothing\n", "input/x.yaml: engine.kind is missing; allowed model, openmm, no. What computes forces."},
    {"", "input/x.yaml: engine.kind is missing"},
    {"---\n", "input/x.yaml: engine.kind is missing"},
    /* shapes */
    {"engine: model\n", "input/x.yaml:1: engine: is a section"},
    {"engine: [model]\n", "input/x.yaml:1: engine: is a section"},
    {"ladder.tune: true\n", "input/x.yaml:1: ladder.tune: is a section"},
    {"engine:\n  kind: {a: b}\n", "input/x.yaml:2: engine.kind: a section where a value is expected"},
    {"engine:\n  kind: [model]\n", "input/x.yaml:2: engine.kind: a list; allowed a single value"},
    {"engine:\n  kind:\n", "input/x.yaml:2: engine.kind: no value is given"},
    {"ladder:\n  temperatures: 300 K\n",
     "input/x.yaml:2: ladder.temperatures: '300 K' is a single value; allowed a list"},
    {"ladder:\n  temperatures:\n  - 300\n  -\n", "input/x.yaml:2: ladder.temperatures: item 2 of the list is empty"},
    {"feature:\n  torsions: [[[1]]]\n", "input/x.yaml:2:15: lists are nested too deeply"},
    {"feature:\n  torsions: [a: b]\n", "input/x.yaml:2:14: 'key: value' within a list"},
    {"hello\n", "input/x.yaml:1:1: no 'section:' or 'key: value'"},
    {"- hello\n", "input/x.yaml:1:1: no 'section:' or 'key: value'"},
    {"[a, b]: c\n", "input/x.yaml:1:1: a list or section where a key is expected"},
    {"'': c\n", "input/x.yaml:1:1: a value without a key"},
    {"a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n", "input/x.yaml:1:32: sections are nested too deeply"},
    /* YAML that has no place in an input file */
    {"engine: &x\n  kind: model\n", "input/x.yaml:1:9: anchors (&name) and aliases (*name) are not read"},
    {"engine:\n  kind: *x\n", "input/x.yaml:2:9: anchors (&name) and aliases (*name) are not read"},
    {"engine:\n  <<: {kind: model}\n", "input/x.yaml:2:3: merge keys (<<) are not read"},
    {"engine:\n  kind: !!str model\n", "input/x.yaml:2:9: tags (!name) are not read"},
    {"engine.kind: model\n---\nengine.kind: model\n", "input/x.yaml:2:1: a second document"},
    {"run.title: \"a\\0b\"\n", "input/x.yaml:1:12: a NUL character"},
    /* YAML that is none */
    {"engine:\n  kind: [model\n", "input/x.yaml:3:1: not valid YAML: did not find expected ',' or ']'"},
    {"engine:\n\tkind: model\n",
     "input/x.yaml:2:1: not valid YAML: found character that cannot start any token (indent by blanks"},
    {"engine:\n  kind: model\n kind: model\n", "input/x.yaml:3:2: not valid YAML"},
    {"run:\n  title: 'a\n", "input/x.yaml:3:1: not valid YAML"},
    {"run:\n  title: a\xff\n", "input/x.yaml:2:11: not valid YAML: invalid leading UTF-8 octet"},
    {"run:\n  title: a\x01\n", "input/x.yaml:2:11: not valid YAML: control characters are not allowed"},
    /* values */
    {"engine.kind: lammps\n", "input/x.yaml:1: engine.kind: 'lammps' is no choice; allowed model, openmm, no"},
    {"engine: {kind: model,\n  timestep: 2 K}\n",
     "input/x.yaml:2: engine.timestep: '2 K': a temperature where a time is expected; allowed fs, ps, ns, us"},
    {"engine: {kind: model,\n  timestep: 2 parsec}\n",
     "input/x.yaml:2: engine.timestep: '2 parsec': unknown unit 'parsec'; allowed fs, ps"},
    {"engine: {kind: model,\n  timestep: fast}\n", "input/x.yaml:2: engine.timestep: 'fast' is not a finite number"},
    {"engine: {kind: model,\n  timestep: .nan}\n", "input/x.yaml:2: engine.timestep: '.nan' is not a finite number"},
    {"engine: {kind: model,\n  timestep: 0 fs}\n",
     "input/x.yaml:2: engine.timestep: 0 fs is out of range; allowed above 0, at most 0.01 ps"},
    {"engine: {kind: model,\n  timestep: 20 fs}\n",
     "input/x.yaml:2: engine.timestep: 20 fs is out of range; allowed above 0"},
    {"engine.kind: model\nrun.max_time: -1 h\n",
     "input/x.yaml:2: run.max_time: -1 h is out of range; allowed 0 h or more"},
    {"engine.kind: model\nladder.temperatures: [300,\n 1e10]\n",
     "input/x.yaml:3: ladder.temperatures: 1e10 is out of range; allowed 0 to 1000000000 K"},
    {"engine.kind: model\nladder.temperatures: [[300]]\n",
     "input/x.yaml:2: ladder.temperatures: a list within the list"},
    {"engine.kind: model\nfeature.files: [[a]]\n", "input/x.yaml:2: feature.files: a list within the list"},
    {"engine.kind: model\nladder.num_rungs: 0\n",
     "input/x.yaml:2: ladder.num_rungs: 0 is out of range; allowed 1 to 4096"},
    {"engine.kind: model\nladder.num_rungs: 4097\n", "input/x.yaml:2: ladder.num_rungs: 4097 is out of range"},
    {"engine.kind: model\nladder.num_rungs: 1.5\n", "input/x.yaml:2: ladder.num_rungs: '1.5' is not a whole number"},
    {"engine.kind: model\nladder.num_rungs: 0x10\n", "input/x.yaml:2: ladder.num_rungs: '0x10' is not a whole number"},
    {"engine.kind: model\nladder.num_rungs: 12abc\n",
     "input/x.yaml:2: ladder.num_rungs: '12abc' is not a whole number"},
    {"engine.kind: model\nladder.num_rungs: 4 K\n", "input/x.yaml:2: ladder.num_rungs: '4 K' is not a whole number"},
    {"engine.kind: model\nversion: 9223372036854775808\n",
     "input/x.yaml:2: version: '9223372036854775808' is not a whole number of at most 64 bits"},
    {"engine.kind: model\nversion: 1e17\n", "input/x.yaml:2: version: '1e17' is not a whole number"},
    {"engine.kind: model\nladder.tune.on: maybe\n",
     "input/x.yaml:2: ladder.tune.on: 'maybe' is neither true nor false; allowed true, false, yes"},
    {"engine.kind: model\nladder.tune.on: 1\n", "input/x.yaml:2: ladder.tune.on: '1' is neither true nor false"},
};

static void ExpectMistake(const Mistake *mistake, PetscErrorCode code)
{
  const char *message = TpInputErrorMessage();

  TpTestExpectThat(code == TP_ERR_INPUT, "'%s' gave code %d", mistake->text, (int)code);
  TpTestExpectThat(!strncmp(message, mistake->line, strlen(mistake->line)), "'%s' gave '%s', expected '%s'",
                   mistake->text, message, mistake->line);
  TpInputErrorClear();
}

static void CheckMistakes(void)
{
  for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); ++i)
    ExpectMistake(&mistakes[i], Try(mistakes[i].text, NULL, TP_UNITS_MOLECULAR));
}

static void CheckMistakesOfSet(void)
{
  static const Mistake of_set[] = {
      {"foo.bar=3", "--set foo.bar=3: foo.bar: unknown key; allowed sections: version, engine"},
      {"engine.kin=3", "--set engine.kin=3: engine.kin: unknown key; did you mean engine.kind?"},
      {"engine.timestep=2 K",
       "--set engine.timestep=2 K: engine.timestep: '2 K': a temperature where a time is expected"},
      {"engine.timestep=", "--set engine.timestep=: engine.timestep: no value is given"},
      {"engine.timestep", "--set engine.timestep: no key and value; allowed --set section.key=value"},
      {"=3", "--set =3: no key and value"},
      {"", "--set : no key and value"},
      {"ladder.temperatures=[1, 2", "--set ladder.temperatures=[1, 2: not valid YAML"},
      {"ladder.temperatures=3", "--set ladder.temperatures=3: ladder.temperatures: '3' is a single value"},
      {"engine={kind: model}", "--set engine={kind: model}: a section where a value is expected"},
      {"ladder.num_rungs=0", "--set ladder.num_rungs=0: ladder.num_rungs: 0 is out of range; allowed 1 to 4096"},
  };

  for (size_t i = 0; i < sizeof(of_set) / sizeof(of_set[0]); ++i)
    ExpectMistake(&of_set[i], Try("engine.kind: model\n", of_set[i].text, TP_UNITS_MOLECULAR));
}

static void CheckReducedUnits(void)
{
  TpTestExpectInputError(
      Try("engine.kind: model\nengine.timestep: 2 fs\n", NULL, TP_UNITS_REDUCED),
      "input/x.yaml:2: engine.timestep: '2 fs': a unit in the reduced unit system; allowed a plain number");
  TpTestExpectInputError(Try("engine.kind: model\nengine.timestep: 1\n", NULL, TP_UNITS_REDUCED),
                         "input/x.yaml:2: engine.timestep: 1 is out of range; allowed above 0, at most 0.01");
  TpTestCall(Try("engine.kind: model\nengine.timestep: 0.005\nrun.max_time: 3 min\n", NULL, TP_UNITS_REDUCED));
}

/* Sizes are bounded, so that a wrong file costs little. */
static PetscErrorCode CheckLimits(void)
{
  const size_t size = 1 << 17;
  char        *text;
  size_t       length = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &text));
  for (int i = 0; i < 5000; ++i) length += (size_t)snprintf(text + length, size - length, "key%d: 1\n", i);
  TpTestExpectInputError(Try(text, NULL, TP_UNITS_MOLECULAR), "input/x.yaml:4097:10: more than 4096 keys");
  memset(text, 'k', 300);
  strcpy(text + 300, ": 1\n");
  TpTestExpectInputError(Try(text, NULL, TP_UNITS_MOLECULAR), "input/x.yaml:1:1: a key of more than 200 characters");
  memcpy(text, "feature.torsions: [[", 20);
  memset(text + 20, '1', 5000);
  strcpy(text + 5020, "]]\n");
  TpTestExpectInputError(Try(text, NULL, TP_UNITS_MOLECULAR), "an inner list of more than 4096 characters");
  memset(text, '[', size - 1);
  text[size - 1] = '\0';
  TpTestExpectInputError(Try(text, NULL, TP_UNITS_MOLECULAR), "input/x.yaml:1:1: no 'section:' or 'key: value'");
  PetscCall(PetscFree(text));
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
  CheckMistakes();
  CheckMistakesOfSet();
  CheckReducedUnits();
  TpTestCall(CheckLimits());
  TpTestCall(CheckRoundTrip(TP_UNITS_MOLECULAR));
  TpTestCall(CheckRoundTrip(TP_UNITS_REDUCED));
  TpTestCall(CheckPaths());
  TpTestCall(CheckHelp());
  TpTestCall(CheckFilesInNewFolder());
  return TpTestEnd();
}
