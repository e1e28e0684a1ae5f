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

/* One option at argument *i, or an operand. */
static PetscErrorCode ParseArgument(int argc, char **argv, int *i, TpCommandLine *command)
{
  const char *argument = argv[*i], *value;

  PetscFunctionBeginUser;
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
  else if ((value = ValueOf("--steps", argc, argv, i)))
    PetscCall(ParseInteger("--steps", value, 1, &command->steps));
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

/* Options that a verb has no use for are mistakes, not noise. */
static PetscErrorCode CheckVerb(const TpCommandLine *command)
{
  const PetscBool run      = !strcmp(command->verb, "run") ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool generate = !strcmp(command->verb, "generate") ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool analyze  = !strcmp(command->verb, "analyze") ? PETSC_TRUE : PETSC_FALSE;
  const PetscBool info     = !strcmp(command->verb, "info") ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  TpCheckInput(run || generate || analyze || info, "'%s' is no verb of tempera; allowed run, generate, analyze, info",
               command->verb);
  TpCheckInput(command->operand, "%s: the file is missing; see tempera --help", command->verb);
  TpCheckInput(run || analyze || !command->num_sets, "%s: --set belongs to tempera run and tempera analyze",
               command->verb);
  TpCheckInput(run || !(command->check || command->restart || command->max_hours > 0.0 || command->reseed_rung >= 0),
               "%s: --check, --restart, --reseed-rung and --max-hours belong to tempera run", command->verb);
  TpCheckInput(run || !command->verify, "%s: --verify-restart belongs to tempera run", command->verb);
  TpCheckInput(run || !command->pilot, "%s: --pilot belongs to tempera run", command->verb);
  TpCheckInput(!command->pilot || !(command->restart || command->check || command->verify || command->max_hours > 0.0),
               "--pilot: goes with none of --restart, --check, --verify-restart and --max-hours");
  TpCheckInput(!command->verify || !(command->restart || command->check),
               "--verify-restart: goes neither with --restart nor with --check");
  TpCheckInput(command->restart || command->reseed_rung < 0,
               "--reseed-rung: replaces a configuration at a restart; give --restart too");
  TpCheckInput(generate || !(command->temperatures || command->samples || command->sampler || command->steps ||
                             command->seed >= 0),
               "%s: --temperature, --samples, --seed, --sampler and --steps belong to tempera generate", command->verb);
  TpCheckInput(generate || analyze || !command->output, "%s: --output belongs to tempera generate and tempera analyze",
               command->verb);
  TpCheckInput(analyze || !(command->input || command->export_format),
               "%s: --input and --export belong to tempera analyze", command->verb);
  TpCheckInput(!command->export_format || !strcmp(command->export_format, "alchemlyb"),
               "--export: '%s' is no format; allowed alchemlyb", command->export_format);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCommandLineParse(int argc, char **argv, TpCommandLine *command)
{
  PetscFunctionBeginUser;
  *command = (TpCommandLine){.seed = -1, .reseed_rung = -1};
  PetscCall(PetscMalloc1(argc + 1, &command->sets));
  for (int i = 1; i < argc && strcmp(argv[i], "--"); ++i) PetscCall(ParseArgument(argc, argv, &i, command));
  TpCheckInput(command->verb, "what to do is missing: tempera run INPUT.yaml, tempera generate MODEL.h5, tempera "
                              "analyze RUN, tempera info FILE; see tempera --help");
  PetscCall(CheckVerb(command));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpCommandLineDestroy(TpCommandLine *command)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(command->sets));
  PetscFunctionReturn(PETSC_SUCCESS);
}
