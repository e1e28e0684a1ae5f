/* The command line. */
#include "app-impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* If argument i is "--name=value" or "--name value", return the value and step over it; else NULL. */
static const char *ValueOf(const char *name, int argc, char **argv, int *i)
{
  const size_t length = strlen(name);

  if (strncmp(argv[*i], name, length)) return NULL;
  if (argv[*i][length] == '=') return argv[*i] + length + 1;
  if (argv[*i][length]) return NULL;
  return *i + 1 < argc ? argv[++*i] : "";
}

PetscErrorCode TpErrorAbout(PetscErrorCode code, const char *what)
{
  char line[1024];

  if (code != TP_ERR_INPUT) return code;
  snprintf(line, sizeof(line), "%s", TpInputErrorMessage());
  TpInputErrorClear();
  return TpInputError("%s: %s", what, line);
}

static PetscErrorCode ParseInteger(const char *name, const char *text, PetscInt64 low, PetscInt64 *value)
{
  char     *end;
  long long number;

  PetscFunctionBeginUser;
  errno  = 0;
  number = strtoll(text, &end, 10);
  TpCheckInput(!errno && end != text && !*end && number >= low, "%s: '%s' is not an integer of at least %lld", name,
               text, (long long)low);
  *value = number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseDecay(const char *text, double *decay)
{
  PetscFunctionBeginUser;
  PetscCall(TpErrorAbout(TpQuantityParse(text, TP_DIMENSION_NONE, TP_UNITS_REDUCED, decay), "--ema"));
  TpCheckInput(*decay >= 0.0 && *decay < 1.0, "--ema: '%s' is out of range; allowed 0 to 1", text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseTolerance(const char *text, double *tolerance)
{
  PetscFunctionBeginUser;
  PetscCall(TpErrorAbout(TpQuantityParse(text, TP_DIMENSION_NONE, TP_UNITS_REDUCED, tolerance), "--tolerance"));
  TpCheckInput(*tolerance >= 1e-10 && *tolerance <= 0.1, "--tolerance: '%s' is out of range; allowed 1e-10 to 0.1",
               text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options of tempera generate that begin or end densities. */
static PetscErrorCode ParseLikelihood(int argc, char **argv, int *i, TpCommandLine *command, PetscBool *found)
{
  const char *argument = argv[*i], *value;

  PetscFunctionBeginUser;
  *found = PETSC_TRUE;
  if (!strcmp(argument, "--likelihood"))
    command->likelihood = "raw";
  else if (!strncmp(argument, "--likelihood=", 13)) {
    command->likelihood = argument + 13;
    TpCheckInput(!strcmp(command->likelihood, "raw") || !strcmp(command->likelihood, "encoded"),
                 "--likelihood: '%s' is unknown; allowed raw, encoded", command->likelihood);
  } else if ((value = ValueOf("--probes", argc, argv, i))) {
    PetscCall(ParseInteger("--probes", value, 2, &command->probes));
    TpCheckInput(command->probes <= 100000, "--probes: %s is out of range; allowed 2 to 100000", value);
  } else if ((value = ValueOf("--given", argc, argv, i)))
    command->given = value;
  else
    *found = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One option at argument *i, or an operand. */
static PetscErrorCode ParseArgument(int argc, char **argv, int *i, TpCommandLine *command)
{
  const char *argument = argv[*i], *value;
  PetscBool   found;

  PetscFunctionBeginUser;
  PetscCall(ParseLikelihood(argc, argv, i, command, &found));
  if (found) PetscFunctionReturn(PETSC_SUCCESS);
  if ((value = ValueOf("--set", argc, argv, i)))
    command->sets[command->num_sets++] = value;
  else if (!strcmp(argument, "--check"))
    command->check = PETSC_TRUE;
  else if (!strcmp(argument, "--pilot"))
    command->pilot = PETSC_TRUE;
  else if (!strcmp(argument, "--restart"))
    command->restart = PETSC_TRUE;
  else if (!strncmp(argument, "--restart=", 10)) {
    command->restart      = PETSC_TRUE;
    command->restart_path = argument + 10;
  } else if (!strcmp(argument, "--verify-restart"))
    command->verify = PETSC_TRUE;
  else if (!strncmp(argument, "--verify-restart=", 17)) {
    command->verify = PETSC_TRUE;
    PetscCall(ParseInteger("--verify-restart", argument + 17, 1, &command->verify_rounds));
  } else if ((value = ValueOf("--reseed-rung", argc, argv, i)))
    PetscCall(ParseInteger("--reseed-rung", value, 0, &command->reseed_rung));
  else if ((value = ValueOf("--max-hours", argc, argv, i))) {
    PetscCall(TpErrorAbout(TpQuantityParse(value, TP_DIMENSION_WALL_TIME, TP_UNITS_MOLECULAR, &command->max_hours),
                           "--max-hours"));
    TpCheckInput(command->max_hours > 0.0, "--max-hours: '%s' is not positive", value);
  } else if ((value = ValueOf("--temperature", argc, argv, i)))
    command->temperatures = value;
  else if ((value = ValueOf("--samples", argc, argv, i)))
    PetscCall(ParseInteger("--samples", value, 1, &command->samples));
  else if ((value = ValueOf("--output", argc, argv, i)))
    command->output = value;
  else if ((value = ValueOf("--input", argc, argv, i)))
    command->input = value;
  else if ((value = ValueOf("--export", argc, argv, i)))
    command->export_format = value;
  else if ((value = ValueOf("--seed", argc, argv, i)))
    PetscCall(ParseInteger("--seed", value, 0, &command->seed));
  else if ((value = ValueOf("--sampler", argc, argv, i)))
    command->sampler = value;
  else if ((value = ValueOf("--ema", argc, argv, i)))
    PetscCall(ParseDecay(value, &command->ema));
  else if ((value = ValueOf("--condition", argc, argv, i)))
    command->conditions[command->num_conditions++] = value;
  else if ((value = ValueOf("--steps", argc, argv, i)))
    PetscCall(ParseInteger("--steps", value, 1, &command->steps));
  else if ((value = ValueOf("--tolerance", argc, argv, i)))
    PetscCall(ParseTolerance(value, &command->tolerance));
  else if ((value = ValueOf("--guidance", argc, argv, i)))
    command->guidance = value;
  else if ((value = ValueOf("--precision", argc, argv, i)))
    command->precision = value;
  else if (argument[0] == '-')
    PetscFunctionReturn(TpInputError("%s: unknown option; see tempera --help", argument));
  else if (!command->verb)
    command->verb = argument;
  else if (!command->operand)
    command->operand = argument;
  else
    PetscFunctionReturn(TpInputError("%s: one argument too many; see tempera --help", argument));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char verbs[] = "run, train, ti, anneal, generate, analyze, info";

/* Options that a verb has no use for are mistakes, not noise: which option belongs to which verbs. */
static const struct {
  const char *name;
  const char *verbs[6];
} options[] = {
    {"--set", {"run", "train", "ti", "anneal", "analyze"}},
    {"--check", {"run", "train", "ti", "anneal"}},
    {"--restart", {"run", "train", "ti", "anneal"}},
    {"--max-hours", {"run", "train", "ti", "anneal"}},
    {"--reseed-rung", {"run"}},
    {"--verify-restart", {"run"}},
    {"--pilot", {"run"}},
    {"--temperature", {"generate"}},
    {"--samples", {"generate"}},
    {"--seed", {"generate"}},
    {"--sampler", {"generate"}},
    {"--steps", {"generate"}},
    {"--tolerance", {"generate"}},
    {"--guidance", {"generate"}},
    {"--precision", {"generate"}},
    {"--likelihood", {"generate"}},
    {"--probes", {"generate"}},
    {"--given", {"generate", "analyze"}},
    {"--ema", {"generate"}},
    {"--condition", {"generate"}},
    {"--output", {"generate", "analyze"}},
    {"--input", {"analyze"}},
    {"--export", {"analyze"}},
};

/* "tempera run and tempera train" */
static void NameVerbs(const char *const names[], size_t size, char text[])
{
  size_t length = 0;

  text[0] = 0;
  for (int i = 0; names[i] && length < size; ++i)
    length += (size_t)snprintf(text + length, size - length, "%stempera %s", i ? " and " : "", names[i]);
}

static PetscErrorCode CheckOption(const char *verb, const char *argument)
{
  const size_t length = strcspn(argument, "=");
  char         owners[128];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(options); ++i) {
    int k = 0;

    if (strlen(options[i].name) != length || strncmp(options[i].name, argument, length)) continue;
    while (options[i].verbs[k] && strcmp(options[i].verbs[k], verb)) ++k;
    NameVerbs(options[i].verbs, sizeof(owners), owners);
    TpCheckInput(options[i].verbs[k], "%s: %s belongs to %s", verb, options[i].name, owners);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether `verb` is one of `verbs`. */
static PetscBool IsVerb(const char *verb)
{
  const size_t length = strlen(verb);

  for (const char *at = verbs; at; at = strchr(at, ','), at = at ? at + 2 : NULL)
    if (strcspn(at, ",") == length && !strncmp(at, verb, length)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode CheckVerb(const char *verb)
{
  PetscFunctionBeginUser;
  TpCheckInput(verb, "what to do is missing; allowed %s; see tempera --help", verbs);
  TpCheckInput(IsVerb(verb), "'%s' is no verb of tempera; allowed %s", verb, verbs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Options that contradict one another. */
static PetscErrorCode CheckTogether(const TpCommandLine *command)
{
  PetscFunctionBeginUser;
  TpCheckInput(command->operand, "%s: the file is missing; see tempera --help", command->verb);
  TpCheckInput(!command->pilot || !(command->restart || command->check || command->verify || command->max_hours > 0.0),
               "--pilot: goes with none of --restart, --check, --verify-restart and --max-hours");
  TpCheckInput(!command->verify || !(command->restart || command->check),
               "--verify-restart: goes neither with --restart nor with --check");
  TpCheckInput(command->restart || command->reseed_rung < 0,
               "--reseed-rung: replaces a configuration at a restart; give --restart too");
  TpCheckInput(!command->export_format || !strcmp(command->export_format, "alchemlyb"),
               "--export: '%s' is no format; allowed alchemlyb", command->export_format);
  TpCheckInput(command->likelihood || !(command->probes || (command->given && !strcmp(command->verb, "generate"))),
               "--probes and --given belong to --likelihood");
  TpCheckInput(!command->given || !(command->samples || command->sampler || command->steps),
               "--given: those samples are taken; --samples, --sampler and --steps have no use");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCommandLineParse(int argc, char **argv, TpCommandLine *command)
{
  PetscFunctionBeginUser;
  *command = (TpCommandLine){.seed = -1, .reseed_rung = -1, .ema = -1.0};
  PetscCall(PetscMalloc2(argc + 1, &command->sets, argc + 1, &command->conditions));
  for (int i = 1; i < argc && strcmp(argv[i], "--"); ++i) PetscCall(ParseArgument(argc, argv, &i, command));
  PetscCall(CheckVerb(command->verb));
  for (int i = 1; i < argc && strcmp(argv[i], "--"); ++i) PetscCall(CheckOption(command->verb, argv[i]));
  PetscCall(CheckTogether(command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCommandLineDestroy(TpCommandLine *command)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(command->sets, command->conditions));
  PetscFunctionReturn(PETSC_SUCCESS);
}
