/* HDF5's own messages, for our errors. */
#include "file-impl.h"

#include <stdio.h>
#include <string.h>

typedef struct {
  char  *text;
  size_t length;
} Reason;

/* MPI-IO puts the reason ("MPI_ERR_NO_SPACE: ...") into an entry of its own further out; it says more than where HDF5 was. */
static herr_t TakeMessage(unsigned n, const H5E_error2_t *error, void *data)
{
  Reason *reason = data;

  if (error->desc && error->desc[0] && (n == 0 || strstr(error->desc, "MPI_ERR")))
    snprintf(reason->text, reason->length, "%s", error->desc);
  return 0;
}

void TpFileReason(char text[], size_t length)
{
  Reason reason = {text, length};

  snprintf(text, length, "HDF5 gives no reason");
  if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, TakeMessage, &reason) < 0) return;
  for (char *c = text; *c; ++c)
    if (*c == '\n' || *c == '\r') *c = ' ';
}

PetscErrorCode TpErrorHDF5(int line, const char *function, const char *file, const char *call)
{
  char reason[256];

  TpFileReason(reason, sizeof(reason));
  return PetscError(PETSC_COMM_SELF, line, function, file, PETSC_ERR_LIB, PETSC_ERROR_INITIAL, "%s: %s", call, reason);
}

PetscErrorCode TpErrorUnreadable(TpFile file)
{
  char reason[256];

  TpFileReason(reason, sizeof(reason));
  return TpInputError("%s: is damaged: HDF5 can't read it: %s", file->path, reason);
}
