/* Attributes: texts, integers, reals. */
#include "file-impl.h"

#include <string.h>

PetscErrorCode TpFileTextType(size_t length, PetscBool ascii, hid_t *type)
{
  PetscFunctionBeginUser;
  *type = H5Tcopy(H5T_C_S1);
  TpCallHDF5(*type);
  TpCallHDF5(H5Tset_size(*type, length + 1));
  if (!ascii) TpCallHDF5(H5Tset_cset(*type, H5T_CSET_UTF8));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetScalar(hid_t object, const char *name, hid_t stored, hid_t memory, const void *value)
{
  const hid_t space = H5Screate(H5S_SCALAR);
  hid_t       attribute;

  PetscFunctionBeginUser;
  attribute = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
  TpCallHDF5(attribute);
  TpCallHDF5(H5Awrite(attribute, memory, value));
  TpCallHDF5(H5Aclose(attribute));
  TpCallHDF5(H5Sclose(space));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One text short enough for HDF5. */
static PetscErrorCode SetShortText(hid_t object, const char *name, const char *text, size_t length)
{
  PetscBool ascii = PETSC_TRUE;
  char     *copy;
  hid_t     type = H5I_INVALID_HID;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < length; ++i)
    if ((unsigned char)text[i] > 127) ascii = PETSC_FALSE;
  PetscCall(PetscCalloc1(length + 1, &copy));
  PetscCall(PetscArraycpy(copy, text, length));
  PetscCall(TpFileTextType(length, ascii, &type));
  PetscCall(SetScalar(object, name, type, type, copy));
  TpCallHDF5(H5Tclose(type));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileSetText(hid_t object, const char *name, const char *text)
{
  const size_t length    = strlen(text);
  char         part[256] = "";

  PetscFunctionBeginUser;
  PetscCall(SetShortText(object, name, text, PetscMin(length, TP_FILE_MAX_TEXT)));
  /* the rest of a long one goes into "name.1", "name.2", ... */
  for (size_t done = TP_FILE_MAX_TEXT; done < length; done += TP_FILE_MAX_TEXT) {
    PetscCall(PetscSNPrintf(part, sizeof(part), "%s.%d", name, (int)(done / TP_FILE_MAX_TEXT)));
    PetscCall(SetShortText(object, part, text + done, PetscMin(length - done, TP_FILE_MAX_TEXT)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileSetUnit(hid_t object, const char *unit)
{
  hid_t type = H5I_INVALID_HID;

  PetscFunctionBeginUser;
  type = H5Tcopy(H5T_C_S1);
  TpCallHDF5(type);
  TpCallHDF5(H5Tset_size(type, H5T_VARIABLE));
  PetscCall(SetScalar(object, "unit", type, type, &unit));
  TpCallHDF5(H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileSetChecksum(hid_t object, uint64_t sum)
{
  PetscFunctionBeginUser;
  PetscCall(SetScalar(object, "checksum", H5T_STD_U64LE, H5T_NATIVE_UINT64, &sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- write */

static PetscErrorCode OpenToWrite(TpFile file, const char *object, const char *name, hid_t *handle)
{
  PetscFunctionBeginUser;
  PetscCheck(file->mode == TP_FILE_CREATE, PETSC_COMM_SELF, PETSC_ERR_ORDER,
             "%s is published: attribute '%s' can't be added", file->path, name);
  *handle = H5Oopen(file->handle, object, H5P_DEFAULT);
  TpCallHDF5(*handle);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteText(TpFile file, const char *object, const char *name, const char *text)
{
  hid_t handle = H5I_INVALID_HID;

  PetscFunctionBeginUser;
  PetscCall(OpenToWrite(file, object, name, &handle));
  PetscCall(TpFileSetText(handle, name, text));
  TpCallHDF5(H5Oclose(handle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteNumber(TpFile file, const char *object, const char *name, hid_t stored, hid_t memory,
                                  const void *value)
{
  hid_t handle = H5I_INVALID_HID;

  PetscFunctionBeginUser;
  PetscCall(OpenToWrite(file, object, name, &handle));
  PetscCall(SetScalar(handle, name, stored, memory, value));
  TpCallHDF5(H5Oclose(handle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileWriteText(TpFile file, const char *object, const char *name, const char *text)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, WriteText(file, object, name, text)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileWriteInteger(TpFile file, const char *object, const char *name, PetscInt64 value)
{
  const int64_t number = value;

  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, WriteNumber(file, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &number)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileWriteReal(TpFile file, const char *object, const char *name, double value)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, WriteNumber(file, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -------------------------------------------------------------------------------------------------------------- read */

PetscErrorCode TpFileHasAttribute(TpFile file, const char *object, const char *name, PetscBool *has)
{
  PetscFunctionBeginUser;
  PetscCall(TpFileHas(file, object, has));
  if (*has || !strcmp(object, "/"))
    *has = H5Aexists_by_name(file->handle, object, name, H5P_DEFAULT) > 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One value of the class expected, in one of the forms in which we write it: nothing that HDF5 would have to convert or look up. */
static PetscBool IsRight(hid_t attribute, hid_t type, H5T_class_t class)
{
  const hid_t space = H5Aget_space(attribute);
  TpFileType  found;
  PetscBool   right =
      space >= 0 && H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(type) == class ? PETSC_TRUE : PETSC_FALSE;

  if (space >= 0) H5Sclose(space);
  if (class == H5T_STRING)
    return right && H5Tis_variable_str(type) == 0 && H5Tget_size(type) <= TP_FILE_MAX_TEXT + 1 ? PETSC_TRUE
                                                                                               : PETSC_FALSE;
  return right && TpFileFindType(type, &found) ? PETSC_TRUE : PETSC_FALSE;
}

/* A scalar attribute of the class expected, open; and its type. */
static PetscErrorCode OpenScalar(TpFile file, const char *object, const char *name, H5T_class_t class, hid_t *attribute,
                                 hid_t *type)
{
  PetscBool has;

  PetscFunctionBeginUser;
  PetscCall(TpFileHasAttribute(file, object, name, &has));
  TpCheckInput(has, "%s: '%s' has no attribute '%s'", file->path, object, name);
  *attribute = H5Aopen_by_name(file->handle, object, name, H5P_DEFAULT, H5P_DEFAULT);
  TpReadHDF5(file, *attribute);
  *type = H5Aget_type(*attribute);
  if (*type >= 0 && IsRight(*attribute, *type, class)) PetscFunctionReturn(PETSC_SUCCESS);
  if (*type >= 0) H5Tclose(*type);
  H5Aclose(*attribute);
  PetscFunctionReturn(TpInputError("%s: attribute '%s' of '%s' is not %s", file->path, name, object,
                                   class == H5T_STRING ? "a text" : (class == H5T_INTEGER ? "an integer" : "a real")));
}

static PetscErrorCode ReadNumber(TpFile file, const char *object, const char *name, H5T_class_t class, hid_t memory,
                                 void *value)
{
  hid_t  attribute, type;
  herr_t status;

  PetscFunctionBeginUser;
  PetscCall(OpenScalar(file, object, name, class, &attribute, &type));
  status = H5Aread(attribute, memory, value);
  H5Tclose(type);
  H5Aclose(attribute);
  TpReadHDF5(file, status);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileReadInteger(TpFile file, const char *object, const char *name, PetscInt64 *value)
{
  int64_t number = 0;

  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, ReadNumber(file, object, name, H5T_INTEGER, H5T_NATIVE_INT64, &number)));
  *value = (PetscInt64)number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileReadReal(TpFile file, const char *object, const char *name, double *value)
{
  PetscFunctionBeginUser;
  PetscCall(TpAgree(file->comm, ReadNumber(file, object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Add one part to the text, which is reallocated. */
static PetscErrorCode AppendText(TpFile file, const char *object, const char *name, char **text)
{
  hid_t  attribute = H5I_INVALID_HID, type = H5I_INVALID_HID;
  herr_t status;
  char  *part, *longer;

  PetscFunctionBeginUser;
  PetscCall(OpenScalar(file, object, name, H5T_STRING, &attribute, &type));
  PetscCall(PetscCalloc1(H5Tget_size(type) + 1, &part));
  status = H5Aread(attribute, type, part);
  H5Tclose(type);
  H5Aclose(attribute);
  if (status < 0) PetscCall(PetscFree(part));
  TpReadHDF5(file, status);
  if (*text) {
    const size_t length = strlen(*text) + strlen(part) + 1;

    PetscCall(PetscMalloc1(length, &longer));
    PetscCall(PetscSNPrintf(longer, length, "%s%s", *text, part));
    PetscCall(PetscFree(*text));
    PetscCall(PetscFree(part));
    part = longer;
  }
  *text = part;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadText(TpFile file, const char *object, const char *name, char **text)
{
  char      part[256];
  PetscBool has = PETSC_TRUE;

  PetscFunctionBeginUser;
  PetscCall(AppendText(file, object, name, text));
  for (int i = 1; has; ++i) {
    PetscCall(PetscSNPrintf(part, sizeof(part), "%s.%d", name, i));
    PetscCall(TpFileHasAttribute(file, object, part, &has));
    if (has) PetscCall(AppendText(file, object, part, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpFileReadText(TpFile file, const char *object, const char *name, char **text)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *text = NULL;
  code  = TpAgree(file->comm, ReadText(file, object, name, text));
  if (code) PetscCall(PetscFree(*text));
  PetscFunctionReturn(code);
}
