/* Broken input: thousands of mutated files are read or refused in one line; nothing crashes, nothing leaks. */
#include "test.h"

#include <stddef.h>
#include <string.h>

#define NUM_INPUTS 5000
#define MAX_LENGTH 1024

typedef struct {
  PetscInt   kind;
  double     timestep;
  PetscInt64 count;
  PetscBool  flag;
  char      *title, *path;
  TpRealList reals;
  TpTextList texts, map, paths;
} Settings;

static const char *const kinds[] = {"model", "openmm", NULL};

static const TpParameter table[] = {
    {"a.kind", TP_WORD, TP_DIMENSION_NONE, offsetof(Settings, kind), "model", 0, 0, kinds, "A word."},
    {"a.timestep", TP_REAL, TP_DIMENSION_TIME, offsetof(Settings, timestep), "2 fs", 0, 1, NULL, "A time."},
    {"a.count", TP_INT, TP_DIMENSION_NONE, offsetof(Settings, count), "4", 1, 4096, NULL, "A number."},
    {"b.flag", TP_BOOL, TP_DIMENSION_NONE, offsetof(Settings, flag), "no", 0, 0, NULL, "A switch."},
    {"b.title", TP_TEXT, TP_DIMENSION_NONE, offsetof(Settings, title), "", 0, 0, NULL, "A text."},
    {"b.path", TP_PATH, TP_DIMENSION_NONE, offsetof(Settings, path), "", 0, 0, NULL, "A path."},
    {"c.reals", TP_REAL_LIST, TP_DIMENSION_TEMPERATURE, offsetof(Settings, reals), "", 0, 1e9, NULL, "Numbers."},
    {"c.texts", TP_TEXT_LIST, TP_DIMENSION_NONE, offsetof(Settings, texts), "", 0, 0, NULL, "Texts."},
    {"c.map", TP_TEXT_MAP, TP_DIMENSION_NONE, offsetof(Settings, map), "", 0, 0, NULL, "Names."},
    {"c.paths", TP_PATH_LIST, TP_DIMENSION_NONE, offsetof(Settings, paths), "", 0, 0, NULL, "Paths."},
    {NULL},
};

static const char *const original = "# an input file\n"
                                    "a:\n"
                                    "  kind: openmm\n"
                                    "  timestep: 1.5 fs  # a comment\n"
                                    "  count: 1e2\n"
                                    "b: {flag: yes, title: 'some: text', path: ../x/./y}\n"
                                    "c:\n"
                                    "  reals: [300, 310.5 K, 400 K]\n"
                                    "  texts:\n"
                                    "    - phi\n"
                                    "    - [4, 6, 8, 14]\n"
                                    "    - \"\\u00e9\\n \\\" b\"\n"
                                    "  map: {left: {x 1: [0, -1 deg]}, right.x: 2}\n"
                                    "  paths: [a, /b/../c]\n";

/* What breaks parsers: YAML's own signs, ends of lines, numbers beyond bounds, bytes that are no characters. */
static const char *const pieces[] = {"[",        "]",           "{",
                                     "}",        ":",           ": ",
                                     ",",        "-",           "- ",
                                     "\n",       "\n  ",        "\t",
                                     "'",        "\"",          "#",
                                     "&x ",      "*x",          "!",
                                     "!!int ",   "|\n",         ">\n",
                                     "---\n",    "...\n",       "<<: ",
                                     "? ",       "%",           "@",
                                     "\\",       "\xff",        "\xc3",
                                     "\xe2\x80", "\x01",        "\xef\xbb\xbf",
                                     "1e999",    "nan",         "-1",
                                     "0x1",      "null",        "~",
                                     "true",     "a.count: 1",  "..",
                                     "\"\\0\"",  "\r",          "\xc2\x85",
                                     "[[[[[[[[", "{a: {a: {a: "};

static uint32_t Random(PetscInt input, PetscInt draw, uint32_t limit)
{
  return (uint32_t)(TpRandomBits(1, TP_RANDOM_TEST, (uint32_t)input, (uint64_t)draw) % limit);
}

/* Delete, double or overwrite a stretch of text, or put a piece in. */
static void Mutate(PetscInt input, PetscInt draw, char text[])
{
  const size_t length   = strlen(text);
  const size_t position = Random(input, draw, (uint32_t)length + 1);
  const size_t stretch  = PetscMin(length - position, 1 + Random(input, draw + 1, 12));
  const char  *piece    = pieces[Random(input, draw + 2, sizeof(pieces) / sizeof(pieces[0]))];
  const char  *inserted = piece;
  char         doubled[16];

  switch (Random(input, draw + 3, 4)) {
  case 0:
    memmove(text + position, text + position + stretch, length - position - stretch + 1);
    return;
  case 1:
    snprintf(doubled, sizeof(doubled), "%.*s", (int)stretch, text + position);
    inserted = doubled;
    break;
  case 2:
    if (position < length) text[position] = (char)(1 + Random(input, draw + 4, 255));
    return;
  default:
    break;
  }
  if (length + strlen(inserted) >= MAX_LENGTH) return;
  memmove(text + position + strlen(inserted), text + position, length - position + 1);
  memcpy(text + position, inserted, strlen(inserted));
}

static PetscErrorCode ReadAndWrite(TpConfig config, const char *text, Settings *settings)
{
  char *written;

  PetscFunctionBeginUser;
  PetscCall(TpConfigReadText(config, "x.yaml", "folder", text));
  PetscCall(TpConfigApply(config, TP_UNITS_MOLECULAR, settings));
  /* what was read can be written and read again */
  PetscCall(TpConfigWriteText(config, TP_UNITS_MOLECULAR, settings, "run", &written));
  TpTestCall(TpConfigReadText(config, "used.yaml", "run", written));
  PetscCall(PetscFree(written));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The value of --set is YAML, too. */
static void CheckSet(TpConfig config, const char *text)
{
  char           assignment[MAX_LENGTH + 16];
  PetscErrorCode code;

  TpInputErrorClear();
  snprintf(assignment, sizeof(assignment), "c.texts=%s", strchr(text, '[') ? strchr(text, '[') : text);
  code = TpConfigSet(config, assignment);
  TpTestExpect(code == PETSC_SUCCESS || (code == TP_ERR_INPUT && !strncmp(TpInputErrorMessage(), "--set ", 6)));
}

static PetscErrorCode CheckInput(PetscInt input, PetscInt *num_read)
{
  const PetscInt num_mutations = 1 + Random(input, 0, 3);
  char           text[MAX_LENGTH];
  Settings       settings = {0};
  TpConfig       config;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  strcpy(text, original);
  for (PetscInt i = 0; i < num_mutations; ++i) Mutate(input, 10 + 10 * i, text);
  TpInputErrorClear();
  PetscCall(TpConfigCreate(table, &config));
  code = ReadAndWrite(config, text, &settings);
  if (code) {
    TpTestExpectThat(code == TP_ERR_INPUT, "input %d: code %d", (int)input, (int)code);
    TpTestExpectThat(!strncmp(TpInputErrorMessage(), "x.yaml", 6), "input %d: '%s'", (int)input, TpInputErrorMessage());
    TpTestExpectThat(!strpbrk(TpInputErrorMessage(), "\r\n\x1b"), "input %d: more than one line", (int)input);
  } else {
    ++*num_read;
  }
  CheckSet(config, text);
  PetscCall(TpConfigFree(table, &settings));
  PetscCall(TpConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscInt num_read = 0;

  TpTestBegin(&argc, &argv);
  for (PetscInt input = 0; input < NUM_INPUTS; ++input) TpTestCall(CheckInput(input, &num_read));
  /* of both kinds there are enough for the test to mean something */
  TpTestExpectThat(num_read > NUM_INPUTS / 20 && num_read < NUM_INPUTS - NUM_INPUTS / 4, "%d of %d were read",
                   (int)num_read, NUM_INPUTS);
  TpInputErrorClear();
  return TpTestEnd();
}
