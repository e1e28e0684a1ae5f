/* Inside of the configuration: what its files share. Private to base. */
#pragma once

#include "tempera/base.h"
#include "yaml.h"

/** What the user gave for one row of the table. **/
typedef struct {
  PetscBool   is_given;
  char       *name;   /* the file, or "--set key=value" */
  char       *folder; /* relative paths start here; "" for the working folder */
  TpYamlEntry entry;
} TpConfigValue;

struct TpConfig_ {
  const TpParameter *table;
  PetscInt           num_rows;
  TpConfigValue     *values; /* [num_rows] */
  char              *name;   /* the file read last, "" if none */
  char              *folder; /* its folder; relative paths in defaults start here */
};

/** "name:line", or "name" for line 0. **/
void TpConfigWriteWhere(const char *name, int line, size_t size, char where[]);

/** What follows "unknown key; ": the nearest key or section, or what keys there are. **/
void TpConfigSuggest(const TpParameter table[], const char *key, PetscBool is_section, size_t size, char text[]);

/* ----------------------------------------------------------------------------------------------- the table (config-table.c) */

/** The row of `key`, -1 if there is none. **/
PetscInt TpConfigFindRow(const TpParameter table[], const char *key);

/** Whether `key` is a section of the table: whether keys "key.something" exist. **/
PetscBool TpConfigIsSection(const TpParameter table[], const char *key);

/** Whether a type is a list. **/
PetscBool TpConfigIsList(TpParameterType type);

/** The row of type TP_TEXT_MAP that `key` lies below, -1 if there is none. **/
PetscInt TpConfigFindMap(const TpParameter table[], const char *key);

/** Length of the section's name in "section.name"; 0 for a key without section. **/
size_t TpConfigSectionLength(const char *key);

/** The key without its section. **/
const char *TpConfigNameInSection(const char *key);

/**
  Walk through the table section by section, as a section stands in a file once. NULL gives the first row, the last row gives NULL.

  Sections come in the order of their first rows, rows in the order of the table.
**/
const TpParameter *TpConfigNextRow(const TpParameter table[], const TpParameter *row);

/** Whether this row begins its section in that walk. **/
PetscBool TpConfigIsFirstOfSection(const TpParameter table[], const TpParameter *row);

/* --------------------------------------------------------------------------------------------- words (config-describe.c) */

/** What a parameter may be: "1 to 4096", "above 0 ps", "model, openmm", "true, false, ..."; "" if anything goes. **/
void TpConfigDescribeAllowed(const TpParameter *row, TpUnitSystem system, size_t size, char text[]);

/** What kind of thing a parameter is: "whole number", "time (fs, ps, ns, us)", "list of temperatures (K)". **/
void TpConfigDescribeType(const TpParameter *row, size_t size, char text[]);

/* -------------------------------------------------------------------------------------------------- maps (config-map.c) */

/** Add one entry below a row of type TP_TEXT_MAP to its list of texts; replaces what the list has of that name. **/
PetscErrorCode TpConfigTakeIntoMap(const TpParameter *row, const char *where, const TpYamlEntry *entry,
                                   TpYamlEntry *list);

/* ------------------------------------------------------------------------------------------------ paths (config-path.c) */

/** The folder of a file: all before the last slash, "" if there is none. Free with PetscFree(). **/
PetscErrorCode TpPathFolder(const char *path, char **folder);

/** The path as seen from where `folder` is seen from, without ".", "//" and "name/..". Free with PetscFree(). **/
PetscErrorCode TpPathResolve(const char *folder, const char *path, char **resolved);

/**
  The reverse of TpPathResolve(): how to write `path` in a file in `folder`, NULL for the absolute path. Free with PetscFree().

  Absolute paths stay as they are; so do, made absolute, paths whose way back from `folder` can't be told by names alone.
**/
PetscErrorCode TpPathRelative(const char *folder, const char *path, char **relative);
