/* Errors: the first line wins, and it is one line. */
#include "test.h"

#include <string.h>

static PetscErrorCode Refuse(double value)
{
  PetscFunctionBeginUser;
  TpCheckInput(value > 0.0, "value %g; allowed above 0", value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RefuseBelow(double value)
{
  PetscFunctionBeginUser;
  PetscCall(Refuse(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char long_text[4096];

  TpTestBegin(&argc, &argv);
  TpTestExpect(!strcmp(TpInputErrorMessage(), ""));
  TpTestExpectEqual(RefuseBelow(1.0), PETSC_SUCCESS);
  TpTestExpect(!strcmp(TpInputErrorMessage(), ""));

  TpTestExpectEqual(RefuseBelow(-2.0), TP_ERR_INPUT);
  TpTestExpect(!strcmp(TpInputErrorMessage(), "value -2; allowed above 0"));
  TpTestExpectEqual(TpInputError("second"), TP_ERR_INPUT);
  TpTestExpectEqual(TpStopError("third"), TP_ERR_STOPPED);
  TpTestExpect(!strcmp(TpInputErrorMessage(), "value -2; allowed above 0"));

  TpInputErrorClear();
  TpTestExpect(!strcmp(TpInputErrorMessage(), ""));
  TpTestExpectEqual(TpStopError("NaN in rung %d", 3), TP_ERR_STOPPED);
  TpTestExpect(!strcmp(TpInputErrorMessage(), "NaN in rung 3"));

  /* what a user wrote may hold line ends and a terminal's escape codes; a line shows none of them */
  TpInputErrorClear();
  TpTestExpectEqual(TpInputError("'%s'", "a\r\nb\x1b[31m\tc"), TP_ERR_INPUT);
  TpTestExpect(!strcmp(TpInputErrorMessage(), "'a  b [31m c'"));

  TpInputErrorClear();
  memset(long_text, 'x', sizeof(long_text) - 1);
  long_text[sizeof(long_text) - 1] = '\0';
  TpTestExpectEqual(TpInputError("%s", long_text), TP_ERR_INPUT);
  TpTestExpectEqual(strlen(TpInputErrorMessage()), 2047);
  return TpTestEnd();
}
