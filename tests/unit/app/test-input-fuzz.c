/*
  Broken input files, all the way to checked settings, a ladder and a network: 20,000 mutations of the inputs that are shipped. Each is read or
  refused by one line that names the file; and no number is taken that a strict reader of its own, below, does not take for one.
*/
#include "../../../src/app/app-impl.h"
#include "test.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUM_INPUTS = 16000, NUM_NUMBERS = 4000, MAX_LENGTH = 65536, MAX_SECONDS = 2 };

static const char *const seeds[] = {
    "aib9.yaml",      "alanine-dipeptide.yaml", "double-well.yaml", "lammps-dichloroethane.yaml",
    "lammps-lj.yaml", "lammps-melt.yaml",       "parameters.yaml"};
enum { NUM_SEEDS = sizeof(seeds) / sizeof(seeds[0]) };

/* What breaks parsers: YAML's own signs, ends of lines, bytes that are no characters, numbers in the forms of other languages. */
static const char *const pieces[] = {
    "[",
    "]",
    "{",
    "}",
    ":",
    ": ",
    ",",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "'",
    "\"",
    "#",
    "&x ",
    "*x",
    "!",
    "!!int ",
    "|\n",
    ">\n",
    "---\n",
    "...\n",
    "<<: ",
    "? ",
    "%YAML 1.1\n",
    "@",
    "\\",
    "\xff",
    "\xc3",
    "\xe2\x80",
    "\x01",
    "\xef\xbb\xbf",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\r",
    "\r\n",
    "\xc2\x85",
    "\"\\0\"",
    "1e999",
    ".nan",
    "nan",
    ".inf",
    "-.inf",
    "inf",
    "-1",
    "0x10",
    "0o17",
    "1_000",
    "1e3x",
    "1,5",
    "0b101",
    "1:30",
    "true",
    "null",
    "~",
    "99999999999999999999",
    "1e400",
    "1e-400",
    "-0",
    "NaN(1)",
    "[[[[[[[[",
    "{a: {a: {a: ",
    "1e18",
    "9223372036854775808",
    "-9223372036854775809",
    "0x1p4",
    "1d5",
    "1e",
    "+",
    "e5",
};
enum { NUM_PIECES = sizeof(pieces) / sizeof(pieces[0]) };

static const char *const bomb =
    "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\n";

typedef struct {
  size_t length;
  char   text[MAX_LENGTH];
} Text;

typedef struct {
  uint32_t input, draw; /* the moment of the next random number */
} Chance;

static char path[256]; /* of the file that all inputs are written to */

static uint32_t Random(Chance *chance, size_t limit)
{
  return (uint32_t)(TpRandomBits(7, TP_RANDOM_TEST, chance->input, chance->draw++) % limit);
}

/* -------------------------------------------------------------------------------------------------------------- text */

static void Replace(Text *text, size_t position, size_t removed, const char *inserted, size_t length)
{
  if (text->length - removed + length >= MAX_LENGTH) return;
  memmove(text->text + position + length, text->text + position + removed, text->length - position - removed);
  memcpy(text->text + position, inserted, length);
  text->length += length;
  text->length -= removed;
}

/* A line, its end included. */
static void PickLine(const Text *text, Chance *chance, size_t *start, size_t *length)
{
  size_t end;

  *start = text->length ? Random(chance, text->length) : 0;
  while (*start > 0 && text->text[*start - 1] != '\n') --*start;
  for (end = *start; end < text->length && text->text[end] != '\n';) ++end;
  *length = end - *start + (end < text->length ? 1 : 0);
}

/* What stands behind "key: " in some line, up to a comment; PETSC_FALSE if the line has none. */
static PetscBool PickValue(const Text *text, Chance *chance, size_t *start, size_t *length)
{
  size_t      first, count;
  const char *line, *colon;

  PickLine(text, chance, &first, &count);
  line  = text->text + first;
  colon = memchr(line, ':', count);
  if (!colon || memchr(line, '#', (size_t)(colon - line))) return PETSC_FALSE;
  for (++colon; colon < line + count && *colon == ' ';) ++colon;
  *start  = (size_t)(colon - text->text);
  *length = 0;
  while (colon + *length < line + count && !strchr("\n#", colon[*length])) ++*length;
  while (*length && colon[*length - 1] == ' ') --*length;
  return *length ? PETSC_TRUE : PETSC_FALSE;
}

/* --------------------------------------------------------------------------------------------------------- mutations */

static void ChangeBytes(Text *text, Chance *chance)
{
  const size_t position = Random(chance, text->length);
  const size_t stretch  = PetscMin(text->length - position, 1 + Random(chance, 12));
  char         copy[16];

  switch (Random(chance, 4)) {
  case 0:
    Replace(text, position, stretch, "", 0);
    return;
  case 1:
    memcpy(copy, text->text + position, stretch);
    Replace(text, position, 0, copy, stretch);
    return;
  case 2:
    text->text[position] = (char)Random(chance, 256); /* NUL, too */
    return;
  default:
    text->text[position] ^= (char)(1u << Random(chance, 8));
  }
}

static void ChangeLines(Text *text, Chance *chance)
{
  static const char *const indents[] = {" ", "  ", "    ", "\t"};
  size_t                   start, length;
  char                     copy[256];

  PickLine(text, chance, &start, &length);
  switch (Random(chance, 4)) {
  case 0:
    Replace(text, start, length, "", 0);
    return;
  case 1:
    length = PetscMin(length, sizeof(copy));
    memcpy(copy, text->text + start, length);
    PickLine(text, chance, &start, &(size_t){0});
    Replace(text, start, 0, copy, length);
    return;
  case 2:
    Replace(text, start, 0, indents[Random(chance, 4)], 1 + Random(chance, 1));
    return;
  default:
    if (length && text->text[start] == ' ')
      Replace(text, start, 1 + (length > 1 && text->text[start + 1] == ' '), "", 0);
  }
}

static void ChangeValue(Text *text, Chance *chance)
{
  const char *piece = pieces[Random(chance, NUM_PIECES)];
  size_t      start, length, other, other_length;
  char        copy[128];

  if (!PickValue(text, chance, &start, &length)) return;
  if (Random(chance, 3)) {
    Replace(text, start, Random(chance, 2) ? length : 0, piece, strlen(piece));
  } else if (PickValue(text, chance, &other, &other_length) && other_length <= sizeof(copy)) { /* that of another key */
    memcpy(copy, text->text + other, other_length);
    Replace(text, start, length, copy, other_length);
  }
}

static void ChangeWhole(Text *text, Chance *chance)
{
  const char  signs[] = "[{-\"";
  const char  sign    = signs[Random(chance, 4)];
  static char deep[4096];

  switch (Random(chance, 6)) {
  case 0:
    text->length = Random(chance, text->length);
    return;
  case 1:
    for (size_t i = text->length; i-- > 0;)
      if (text->text[i] == '\n') Replace(text, i, 0, "\r", 1);
    return;
  case 2:
    memset(deep, sign, sizeof(deep));
    Replace(text, Random(chance, text->length), 0, deep, 1 + Random(chance, sizeof(deep)));
    return;
  case 3:
    Replace(text, 0, 0, bomb, strlen(bomb));
    return;
  case 4:
    Replace(text, Random(chance, text->length), 0, "\0", 1);
    return;
  default:
    Replace(text, 0, 0, Random(chance, 2) ? "\xff\xfe" : "\xef\xbb\xbf", 2);
  }
}

static void Mutate(Text *text, Chance *chance)
{
  const char *piece = pieces[Random(chance, NUM_PIECES)];

  if (!text->length) return;
  switch (Random(chance, 8)) {
  case 0:
  case 1:
    ChangeBytes(text, chance);
    return;
  case 2:
    ChangeLines(text, chance);
    return;
  case 3:
  case 4:
  case 5:
    ChangeValue(text, chance);
    return;
  case 6:
    ChangeWhole(text, chance);
    return;
  default:
    Replace(text, Random(chance, text->length), 0, piece, strlen(piece));
  }
}

/* ----------------------------------------------------------------------------------------------------------- reading */

static PetscErrorCode Store(const Text *text)
{
  FILE *file = fopen(path, "wb");

  PetscFunctionBeginUser;
  TpTestExpect(file && fwrite(text->text, 1, text->length, file) == text->length);
  if (file) fclose(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The example's required keys are left to the user: fill them in. */
static void FillRequired(Text *text)
{
  static const char *const keys[]   = {"rounds: #", "kind: #", "timestep: #"};
  static const char *const values[] = {"100 ", "openmm ", "2 fs "};

  for (int i = 0; i < 3; ++i) {
    const char *found;

    text->text[text->length] = '\0';
    found                    = strstr(text->text, keys[i]);
    if (found) Replace(text, (size_t)(found - text->text) + strlen(keys[i]) - 1, 0, values[i], strlen(values[i]));
  }
}

static void Load(const char *name, Text *text)
{
  char  full[512];
  FILE *file;

  snprintf(full, sizeof(full), "%s/input/%s", TP_SOURCE_DIR, name);
  file = fopen(full, "rb");
  TpTestExpectThat(file != NULL, "%s: can't be read", full);
  text->length = file ? fread(text->text, 1, MAX_LENGTH - 1, file) : 0;
  if (file) fclose(file);
  FillRequired(text);
}

/* What a run makes of its settings before the engine. */
static PetscErrorCode Build(TpConfig config, const TpSettings *settings)
{
  TpUnitSystem units;
  TpLadder     ladder  = NULL;
  TpNetwork    network = NULL;
  char        *text;

  PetscFunctionBeginUser;
  PetscCall(TpSettingsUnits(config, PETSC_FALSE, &units));
  PetscCall(TpConfigWriteText(config, units, settings, NULL, &text));
  PetscCall(TpSettingsCompare(settings, config, tp_run_free_keys, text,
                              "written again")); /* what was read is written, and reads as the same */
  PetscCall(PetscFree(text));
  PetscCall(TpLadderCreate(&settings->ladder, TpBoltzmann(units), (uint64_t)settings->run.seed, &ladder));
  PetscCall(TpLadderDestroy(&ladder));
  PetscCall(TpNetworkCreate(&settings->network, 10, 1, &network));
  PetscCall(TpNetworkDestroy(&network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CheckLine(uint32_t input, PetscErrorCode code)
{
  const char *line = TpInputErrorMessage();

  TpTestExpectThat(code == TP_ERR_INPUT, "input %u: code %d: %s", input, (int)code, line);
  TpTestExpectThat(line[0] != '\0', "input %u: no line", input);
  TpTestExpectThat(!strpbrk(line, "\r\n\x1b"), "input %u: more than one line", input);
}

/* Read what lies in the file; returns the code of reading, 0 if it was accepted. */
static PetscErrorCode Read(uint32_t input, TpSettings *settings)
{
  const TpCommandLine command = {.verb = "run", .operand = path};
  const double        start   = MPI_Wtime();
  TpConfig            config  = NULL;
  PetscErrorCode      code;

  TpInputErrorClear();
  *settings = (TpSettings){0};
  code      = TpReadInput(MPI_COMM_SELF, &command, &config, settings);
  if (code) {
    CheckLine(input, code);
    TpTestExpectThat(!strncmp(TpInputErrorMessage(), path, strlen(path)), "input %u: '%s'", input,
                     TpInputErrorMessage());
  } else {
    code = Build(config, settings);
    if (code) CheckLine(input, code);
  }
  TpTestCall(TpConfigDestroy(&config));
  TpTestExpectThat(MPI_Wtime() - start < MAX_SECONDS, "input %u: took %.1f s", input, MPI_Wtime() - start);
  return code;
}

static void CheckInput(const Text originals[], uint32_t input, int *num_read)
{
  static Text text;
  Chance      chance = {input, 0};
  TpSettings  settings;

  text = originals[input % NUM_SEEDS];
  for (uint32_t i = 0, mutations = 1 + Random(&chance, 3); i < mutations; ++i) Mutate(&text, &chance);
  TpTestCall(Store(&text));
  if (!Read(input, &settings)) ++*num_read;
  TpTestCall(TpSettingsDestroy(&settings));
}

/* ----------------------------------------------------------------------------------------------------------- numbers */

/* A sign, digits with one point somewhere, an exponent; then blanks or the end. Returns what follows, NULL if it is no number. */
static const char *SkipNumber(const char *c)
{
  int digits = 0, exponent = 0;

  c += *c == '+' || *c == '-';
  for (; isdigit((unsigned char)*c); ++c) ++digits;
  if (*c == '.')
    for (++c; isdigit((unsigned char)*c); ++c) ++digits;
  if (!digits) return NULL;
  if (*c != 'e' && *c != 'E') return c;
  ++c;
  c += *c == '+' || *c == '-';
  for (; isdigit((unsigned char)*c); ++c) ++exponent;
  return exponent ? c : NULL;
}

/* Change some bytes of a number as written. */
static void MutateNumber(Chance *chance, size_t size, char number[])
{
  static const char signs[] = "0123456789+-.eExXnNaAiIfF_ ,ob'\"#%dpKs";
  const size_t      length = strlen(number), at = Random(chance, length + 1);
  const char        sign = signs[Random(chance, sizeof(signs) - 1)];

  if (Random(chance, 4) == 0)
    snprintf(number, size, "%s", pieces[Random(chance, NUM_PIECES)]);
  else if (Random(chance, 2) && at < length)
    number[at] = sign;
  else if (length + 2 < size) {
    memmove(number + at + 1, number + at, length - at + 1);
    number[at] = sign;
  }
}

/* YAML takes blanks and comments off. Empty: quotes or the ends of lines that only YAML knows, no value that this test can judge by itself. */
static void PlainValue(const char *written, size_t size, char plain[])
{
  const char *end = strstr(written, " #");

  snprintf(plain, size, "%.*s", end ? (int)(end - written) : (int)strlen(written), written);
  while (plain[0] == ' ') memmove(plain, plain + 1, strlen(plain));
  while (plain[0] && plain[strlen(plain) - 1] == ' ') plain[strlen(plain) - 1] = '\0';
  if (strpbrk(plain, "'\"\r\n\x85")) plain[0] = '\0';
}

/*
  One whole number and one real among others, each mutated: what is accepted is a number to the strict reader, and has its value. The input is in
  reduced units, where no unit can follow.
*/
static void CheckNumber(uint32_t input, int *num_read)
{
  const PetscBool whole  = input % 2 ? PETSC_TRUE : PETSC_FALSE;
  Chance          chance = {input, 0};
  char            number[64], plain[64];
  static Text     text;
  TpSettings      settings;

  snprintf(number, sizeof(number), "%s", whole ? "4711" : "2.5e-3");
  for (uint32_t i = 0, mutations = 1 + Random(&chance, 2); i < mutations; ++i)
    MutateNumber(&chance, sizeof(number), number);
  text.length =
      (size_t)snprintf(text.text, MAX_LENGTH,
                       "run:\n  rounds: %s\nengine:\n  kind: model\n  timestep: %s\nladder:\n  temperatures: [1, 2]\n",
                       whole ? number : "10", whole ? "0.01" : number);
  TpTestCall(Store(&text));
  if (!Read(input, &settings)) {
    const char  *end;
    const double value = whole ? (double)settings.run.rounds : settings.engine.timestep;

    ++*num_read;
    PlainValue(number, sizeof(plain), plain);
    end = SkipNumber(plain);
    TpTestExpectThat(!plain[0] || (end && !*end), "input %u: '%s' was taken for a number", input, number);
    TpTestExpectThat(!plain[0] || fabs(strtod(plain, NULL) - value) <= 1e-15 * fabs(value),
                     "input %u: '%s' was read as %.17g", input, number, value);
  }
  TpTestCall(TpSettingsDestroy(&settings));
}

/* Every number of the table, and every wrong kind of value: refused, by a line that names the key. */
static void CheckWrongKinds(void)
{
  static const char *const wrong[] = {"1e3x",  "0x10",  "1_000", ".nan",   "nan",  ".inf", "-.inf", "1e400", "true",
                                      "yes",   "0o17",  "1,5",   "1:30",   "0b11", "1d5",  "1e",    "- 1",   "'1 2'",
                                      "0x1p4", "{}",    "[1]",   "1 quux", "''",   "+",    "1..2",  "1.2.3", "--1",
                                      "1e+",   "1e5.5", "inf",   "None",   "1%",   "ten",  "1/2",   "1 e3"};

  for (const TpParameter *row = tp_parameters; row->key; ++row) {
    if (row->type != TP_INT && row->type != TP_REAL) continue;
    for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(wrong); ++i) {
      char       assignment[128];
      TpSettings settings = {0};
      TpConfig   config;

      snprintf(assignment, sizeof(assignment), "%s=%s", row->key, wrong[i]);
      TpInputErrorClear();
      TpTestCall(TpConfigCreate(tp_parameters, &config));
      TpTestCall(
          TpConfigReadText(config, "x.yaml", ".",
                           "run: {rounds: 1}\nengine: {kind: openmm, timestep: 1 fs}\nladder: {temperatures: [1]}\n"));
      PetscErrorCode code = TpConfigSet(config, assignment);
      if (!code) code = TpSettingsCreate(config, "x.yaml", PETSC_FALSE, &settings);
      TpTestExpectThat(code == TP_ERR_INPUT && strstr(TpInputErrorMessage(), row->key), "%s: code %d, '%s'", assignment,
                       (int)code, TpInputErrorMessage());
      TpTestCall(TpSettingsDestroy(&settings));
      TpTestCall(TpConfigDestroy(&config));
    }
  }
}

static void MakePath(void)
{
  const char *folder = getenv("TMPDIR");
  int         file;

  snprintf(path, sizeof(path), "%s/tempera-input-XXXXXX", folder ? folder : "/tmp");
  file = mkstemp(path);
  TpTestExpect(file >= 0);
  close(file);
}

int main(int argc, char **argv)
{
  static Text originals[NUM_SEEDS];
  int         num_read = 0, num_numbers = 0;
  TpSettings  settings;

  TpTestBegin(&argc, &argv);
  MakePath();
  for (int i = 0; i < NUM_SEEDS; ++i) {
    Load(seeds[i], &originals[i]);
    TpTestCall(Store(&originals[i]));
    const PetscErrorCode code = Read(0, &settings);
    TpTestExpectThat(!code || !strcmp(seeds[i], "parameters.yaml"), "%s: %s", seeds[i], TpInputErrorMessage());
    TpTestCall(TpSettingsDestroy(&settings));
  }
  CheckWrongKinds();
  for (uint32_t input = 0; input < NUM_INPUTS; ++input) CheckInput(originals, input, &num_read);
  for (uint32_t input = 0; input < NUM_NUMBERS; ++input) CheckNumber(NUM_INPUTS + input, &num_numbers);
  /* of both kinds there are enough for the test to mean something */
  TpTestExpectThat(num_read > NUM_INPUTS / 20 && num_read < NUM_INPUTS - NUM_INPUTS / 4, "%d of %d were read", num_read,
                   NUM_INPUTS);
  TpTestExpectThat(num_numbers > NUM_NUMBERS / 20 && num_numbers < NUM_NUMBERS - NUM_NUMBERS / 4,
                   "%d of %d numbers were read", num_numbers, NUM_NUMBERS);
  unlink(path);
  TpInputErrorClear();
  return TpTestEnd();
}
