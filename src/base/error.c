/* Errors: one remembered line for the user, and a silent traceback for it. */
#include "tempera/base.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* One line per process: the first mistake is the cause, and there is nobody to hand it to on the way up but the return code. */
static char message[2048];

static PetscErrorCode Remember(PetscErrorCode code, const char *format, va_list arguments)
{
  if (!message[0]) {
    vsnprintf(message, sizeof(message), format, arguments);
    for (char *c = message; *c; ++c)
      if (iscntrl((unsigned char)*c)) *c = ' '; /* it quotes what a user wrote: line ends, escape codes of terminals */
  }
  return code;
}

PetscErrorCode TpInputError(const char *format, ...)
{
  va_list        arguments;
  PetscErrorCode code;

  va_start(arguments, format);
  code = Remember(TP_ERR_INPUT, format, arguments);
  va_end(arguments);
  return code;
}

PetscErrorCode TpStopError(const char *format, ...)
{
  va_list        arguments;
  PetscErrorCode code;

  va_start(arguments, format);
  code = Remember(TP_ERR_STOPPED, format, arguments);
  va_end(arguments);
  return code;
}

const char *TpInputErrorMessage(void)
{
  return message;
}

void TpInputErrorClear(void)
{
  message[0] = '\0';
}

static PetscErrorCode ErrorHandler(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                   PetscErrorType type, const char *text, void *context)
{
  if (code == TP_ERR_INPUT || code == TP_ERR_STOPPED) return code;
  return PetscTraceBackErrorHandler(comm, line, function, file, code, type, text, context);
}

PetscErrorCode TpErrorHandlerInstall(void)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPushErrorHandler(ErrorHandler, NULL));
  PetscCall(PetscRegisterFinalize(PetscPopErrorHandler)); /* PetscFinalize() leaves it allocated */
  PetscFunctionReturn(PETSC_SUCCESS);
}
