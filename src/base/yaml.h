/* The part of YAML that an input file needs: sections of keys, whose values are scalars or lists of scalars. Private to base. */
#pragma once

#include "tempera/base.h"

#define TP_YAML_MAX_KEY 200 /* characters of a whole key, "section.sub.name" */

typedef enum {
  TP_YAML_PLAIN,  /* written without quotes */
  TP_YAML_QUOTED, /* "..." or '...' or a block */
  TP_YAML_JOINED, /* a list within a list: its scalars, joined by blanks */
} TpYamlStyle;

typedef struct {
  char       *text;
  int         line; /* from 1; 0 if it comes from no file */
  TpYamlStyle style;
} TpYamlScalar;

typedef enum {
  TP_YAML_SCALAR,
  TP_YAML_LIST,
  TP_YAML_SECTION, /* a mapping; its keys are entries of their own */
} TpYamlKind;

typedef struct {
  char         *key; /* "section.name" */
  int           line;
  TpYamlKind    kind;
  PetscInt      size; /* scalars: 1 for a scalar */
  PetscInt      capacity;
  TpYamlScalar *scalars;
} TpYamlEntry;

/** All keys of a document in file order, sections before what they hold. **/
typedef struct {
  PetscInt     size;
  PetscInt     capacity;
  TpYamlEntry *entries;
} TpYaml;

/** Read a document; `name` stands for the file in messages. Free with TpYamlDestroy(), after an error too. **/
PetscErrorCode TpYamlReadDocument(const char *name, const char *text, TpYaml *yaml);

/** Read a value that stands alone, into one entry with this key. Messages give no lines. Free as above. **/
PetscErrorCode TpYamlReadValue(const char *name, const char *key, const char *text, TpYaml *yaml);

PetscErrorCode TpYamlDestroy(TpYaml *yaml);
PetscErrorCode TpYamlEntryDestroy(TpYamlEntry *entry);

/** Whether a scalar stands for "no value": nothing, ~ or null, without quotes. **/
PetscBool TpYamlIsNull(const TpYamlScalar *scalar);
