/*
  Every key of the table of parameters, with every kind of broken value that its row tells: another type, a number outside its range, no number, a word
  that is none of its own, a list for a value and a value for a list. And values that contradict each other. Each is refused by one line that names the
  key and what is wrong. A key that is added to the table is tried without a word here.
*/
#include "../../../src/app/app-impl.h"
#include "test.h"

#include <math.h>
#include <string.h>

static const char *const input = "run: {rounds: 10}\n"
                                 "engine: {kind: model, timestep: 0.01}\n"
                                 "ladder: {temperatures: [1, 2]}\n";

static TpTestFile file;

/* What the input with these settings is refused by; "" if it is taken. */
static const char *Refusal(const char *verb, PetscInt num_sets, const char *sets[])
{
  const TpCommandLine command  = {.verb = verb, .operand = file.path, .num_sets = num_sets, .sets = sets};
  TpSettings          settings = {0};
  TpConfig            config   = NULL;

  TpInputErrorClear();
  const PetscErrorCode code = TpReadInput(PETSC_COMM_SELF, &command, &config, &settings);
  TpTestExpectThat(!code || code == TP_ERR_INPUT, "%s: code %d", num_sets ? sets[0] : "", (int)code);
  TpTestCall(TpSettingsDestroy(&settings));
  TpTestCall(TpConfigDestroy(&config));
  return TpInputErrorMessage();
}

/* `value` for a key is refused by a line that holds the key behind "--set ...: ", and `part`. */
static void Refuse(const TpParameter *row, const char *value, const char *part)
{
  char        set[512], start[600];
  const char *sets[] = {set}, *line;

  snprintf(set, sizeof(set), "%s=%s", row->key, value);
  snprintf(start, sizeof(start), "--set %s: %s: ", set, row->key);
  line = Refusal("run", 1, sets);
  TpTestExpectThat(!strncmp(line, start, strlen(start)) && strstr(line, part) && !strchr(line, '\n'),
                   "%s: expected '%s...%s', found '%s'", set, start, part, line);
}

/* As Refuse(), in brackets for a list. */
static void RefuseNumber(const TpParameter *row, const char *number, const char *part)
{
  char value[128];

  snprintf(value, sizeof(value), row->type == TP_REAL_LIST ? "[%s]" : "%s", number);
  Refuse(row, value, part);
}

/* The nearest numbers outside of the range that a user would think of. */
static void RefuseRange(const TpParameter *row)
{
  const PetscBool is_whole = row->type == TP_INT ? PETSC_TRUE : PETSC_FALSE;
  char            number[64];

  if (row->minimum == 0.0 && row->maximum == 0.0) return;
  if (row->minimum > -PETSC_MAX_REAL) {
    const double below = is_whole              ? row->minimum - 1.0
                         : row->minimum > 0.0  ? 0.5 * row->minimum
                         : row->minimum == 0.0 ? -1e-9
                                               : 2.0 * row->minimum;

    snprintf(number, sizeof(number), is_whole ? "%.0f" : "%.17g", below);
    RefuseNumber(row, number, "out of range; allowed");
    RefuseNumber(row, is_whole ? "-9223372036854775807" : "-1e30", "out of range; allowed");
  }
  if (row->maximum < PETSC_MAX_REAL) {
    if (is_whole) /* also where a double can't tell it from the maximum, 2^53 */
      snprintf(number, sizeof(number), "%lld", (long long)row->maximum + 1);
    else
      snprintf(number, sizeof(number), "%.17g", 2.0 * row->maximum);
    RefuseNumber(row, number, "out of range; allowed");
  }
}

static void RefuseNoNumber(const TpParameter *row)
{
  static const char *const numbers[] = {"some",  "''",   ".nan", "nan",  ".inf", "-.inf",
                                        "1e999", "0x10", "1 2",  "true", "~"};

  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(numbers); ++i) RefuseNumber(row, numbers[i], "");
  if (row->dimension == TP_DIMENSION_NONE) RefuseNumber(row, "3 fs", "");
  RefuseNumber(row, "3 fortnights", "");
}

static void RefuseRow(const TpParameter *row)
{
  switch (row->type) {
  case TP_INT:
    RefuseNoNumber(row);
    RefuseNumber(row, "2.5", "whole number");
    RefuseNumber(row, "99999999999999999999", "whole number");
    RefuseRange(row);
    Refuse(row, "[1]", "a list");
    break;
  case TP_REAL:
    RefuseNoNumber(row);
    RefuseRange(row);
    Refuse(row, "[1]", "a list");
    break;
  case TP_REAL_LIST:
    RefuseNoNumber(row);
    RefuseRange(row);
    Refuse(row, "[[1]]", "");
    Refuse(row, "1", "list");
    break;
  case TP_WORD:
    Refuse(row, "no-such-word", row->choices[0]);
    Refuse(row, "''", row->choices[0]);
    Refuse(row, "[a]", "a list");
    break;
  case TP_BOOL:
    Refuse(row, "perhaps", "true, false");
    Refuse(row, "2", "true, false");
    Refuse(row, "[true]", "a list");
    break;
  case TP_TEXT:
  case TP_PATH:
    Refuse(row, "[a]", "a list");
    break;
  case TP_TEXT_LIST:
  case TP_PATH_LIST:
    Refuse(row, "a", "list");
    break;
  case TP_TEXT_MAP: /* its own words are tried where they are read: test-basins.c */
    Refuse(row, "[a]", "");
    break;
  }
}

/* Values that are fine each by itself: settings, and what the line says. */
static const struct {
  const char *verb;
  const char *sets[4];
  const char *parts[2];
} contradictions[] = {
    {"run", {"training.rate_schedule=cosine"}, {"training.decay_steps: 0 for a cosine rate", "warmup_steps"}},
    {"run",
     {"training.rate_schedule=cosine", "training.warmup_steps=10", "training.decay_steps=10"},
     {"training.decay_steps: 10 for a cosine rate", "more than training.warmup_steps"}},
    {"run",
     {"training.temperature=prior", "features.angles=wrapped"},
     {"training.temperature: prior", "sincos or raw"}},
    {"run", {"features.label=jitter"}, {"features.jitter: 0, but features.label is jitter", ""}},
    {"run", {"training.batch=130"}, {"training.batch: 130 is not a multiple of stream.shards, 4", ""}},
    {"run", {"groups.trainers=5"}, {"stream.shards: 4 shards for 5 trainers", ""}},
    {"run",
     {"output.energy_interval=2"},
     {"output.feature_interval: 1 is not a multiple of output.energy_interval, 2", ""}},
    {"run", {"network.embedding=5"}, {"network.embedding: 5 is odd", ""}},
    {"run", {"network.multipliers=[]"}, {"network.multipliers: 0 levels", "1 to 8"}},
    {"run", {"network.multipliers=[1, 1, 1, 1, 1, 1, 1, 1, 1]"}, {"network.multipliers: 9 levels", "1 to 8"}},
    {"run", {"network.multipliers=[1, 1.5]"}, {"network.multipliers: 1.5 is not a whole number", ""}},
    {"run", {"diffusion.times=50", "diffusion.steps=51"}, {"diffusion.steps: 51 steps", "only 50 diffusion.times"}},
    {"run", {"data.files=[a.npy]"}, {"data.files: belongs to tempera train", ""}},
    {"train", {"run.seed=1"}, {"data.files", "is missing"}},
};

static void RefuseContradictions(void)
{
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(contradictions); ++i) {
    const char *sets[4], *line;
    PetscInt    num = 0;

    for (; num < 4 && contradictions[i].sets[num]; ++num) sets[num] = contradictions[i].sets[num];
    line = Refusal(contradictions[i].verb, num, sets);
    for (int k = 0; k < 2; ++k)
      TpTestExpectThat(line[0] && strstr(line, contradictions[i].parts[k]), "%s: no '%s' in '%s'", sets[0],
                       contradictions[i].parts[k], line);
  }
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  TpTestCall(TpTestFileWrite(input, &file));
  TpTestExpectThat(!Refusal("run", 0, NULL)[0], "the input is not fine itself: %s", TpInputErrorMessage());
  for (const TpParameter *row = tp_parameters; row->key; ++row) RefuseRow(row);
  RefuseContradictions();
  TpTestCall(TpTestFileRemove(&file));
  return TpTestEnd();
}
