/* Attributes and lists of texts. */
#include "scratch.h"

enum { LONG_TEXT = 150000 }; /* more than HDF5 takes in one attribute */

static void FillLong(char text[])
{
  for (int i = 0; i < LONG_TEXT; ++i) text[i] = (char)('!' + (i * 7 + i / 1000) % 90);
  text[LONG_TEXT] = '\0';
}

static PetscErrorCode Write(void)
{
  static const char *const words[3] = {"phi", "", "a much longer name, \303\204 in it"};
  const PetscInt64         shape    = 1;
  const double             one      = 1;
  TpFile                   file;
  char                    *text;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(LONG_TEXT + 1, &text));
  FillLong(text);
  PetscCall(TpFileCreate(MPI_COMM_WORLD, Path("a.h5"), &test_header, &file));
  PetscCall(TpFileWriteAll(file, "group/data", TP_FILE_DOUBLE, 1, &shape, &one, "ps", "one number"));
  PetscCall(TpFileWriteText(file, "/", "long", text));
  PetscCall(TpFileWriteText(file, "group", "empty", ""));
  PetscCall(TpFileWriteText(file, "group/data", "short", "caf\303\251"));
  PetscCall(TpFileWriteInteger(file, "/", "integer", -((PetscInt64)1 << 60) - 1));
  PetscCall(TpFileWriteReal(file, "group", "real", 1.0 / 3.0));
  PetscCall(TpFileWriteTexts(file, "group/texts", 3, words, "names"));
  PetscCall(TpFileWriteTexts(file, "no-texts", 0, NULL, "none"));
  PetscCall(TpFilePublish(&file));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectText(TpFile file, const char *object, const char *name, const char *expected)
{
  char *text;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadText(file, object, name, &text));
  TpTestExpectThat(!strcmp(text, expected), "%s of %s: '%.40s'", name, object, text);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTexts(TpFile file)
{
  char   **texts;
  PetscInt count;

  PetscFunctionBeginUser;
  PetscCall(TpFileReadTexts(file, "group/texts", &count, &texts));
  TpTestExpectEqual(count, 3);
  TpTestExpect(!strcmp(texts[0], "phi") && !strcmp(texts[1], "") &&
               !strcmp(texts[2], "a much longer name, \303\204 in it"));
  for (PetscInt i = 0; i < count; ++i) PetscCall(PetscFree(texts[i]));
  PetscCall(PetscFree(texts));
  PetscCall(TpFileReadTexts(file, "no-texts", &count, &texts));
  TpTestExpectEqual(count, 0);
  PetscCall(PetscFree(texts));
  TpTestExpectInputError(TpFileReadTexts(file, "group/data", &count, &texts), "not a list of texts");
  TpTestExpectInputError(TpFileReadTexts(file, "nothing", &count, &texts), "no dataset 'nothing'");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(void)
{
  TpFile     file;
  PetscInt64 integer;
  double     real;
  char      *text;

  PetscFunctionBeginUser;
  PetscCall(TpFileOpen(MPI_COMM_WORLD, Path("a.h5"), NULL, 0, &file));
  PetscCall(PetscMalloc1(LONG_TEXT + 1, &text));
  FillLong(text);
  PetscCall(ExpectText(file, "/", "long", text));
  PetscCall(PetscFree(text));
  PetscCall(ExpectText(file, "/", "format", "tempera test"));
  PetscCall(ExpectText(file, "/", "program", "tempera 0"));
  PetscCall(ExpectText(file, "/", "parameters", "a: 1\n"));
  PetscCall(ExpectText(file, "group", "empty", ""));
  PetscCall(ExpectText(file, "group/data", "short", "caf\303\251"));
  PetscCall(ExpectText(file, "group/data", "description", "one number"));
  PetscCall(TpFileReadInteger(file, "/", "integer", &integer));
  TpTestExpect(integer == -((PetscInt64)1 << 60) - 1);
  PetscCall(TpFileReadReal(file, "group", "real", &real));
  TpTestExpectClose(real, 1.0 / 3.0, 0);
  TpTestExpectInputError(TpFileReadInteger(file, "/", "format", &integer), "'format' of '/' is not an integer");
  TpTestExpectInputError(TpFileReadInteger(file, "group", "real", &integer), "is not an integer");
  TpTestExpectInputError(TpFileReadReal(file, "/", "integer", &real), "is not a real");
  TpTestExpectInputError(TpFileReadText(file, "/", "integer", &text), "is not a text");
  TpTestExpectInputError(TpFileReadText(file, "group/data", "unit", &text),
                         "'unit' of 'group/data' is not a text"); /* of variable length */
  TpTestExpectInputError(TpFileReadText(file, "/", "missing", &text), "'/' has no attribute 'missing'");
  TpTestExpectInputError(TpFileReadText(file, "nowhere", "unit", &text), "'nowhere' has no attribute 'unit'");
  PetscCall(ReadTexts(file));
  PetscCall(TpFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
  ScratchCreate();
  TpTestCall(Write());
  TpTestCall(Read());
  ScratchDestroy();
  return TpTestEnd();
}
