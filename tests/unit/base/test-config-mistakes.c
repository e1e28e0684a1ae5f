/* Parameters: every kind of mistake, with its line. */
#include "config-table.h"

#include <stdlib.h>
#include <string.h>

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
      {"feature.boxes=3", "--set feature.boxes=3: feature.boxes: is a section; write names below it"},
      {"feature.boxes.a=[[1]]", "--set feature.boxes.a=[[1]]: feature.boxes.a: a list within the list; allowed values"},
      {"feature.boxes.a=\"[x\"",
       "--set feature.boxes.a=\"[x\": feature.boxes.a: '[x'; allowed are letters, digits, blanks"},
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

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  CheckMistakes();
  CheckMistakesOfSet();
  CheckReducedUnits();
  TpTestCall(CheckLimits());
  return TpTestEnd();
}
