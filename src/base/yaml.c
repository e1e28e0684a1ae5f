/* YAML: from libyaml's events to a flat list of keys and values. What an input file has no use for is refused in one line. */
#include "yaml.h"

#include <string.h>
#include <yaml.h>

#define MAX_DEPTH   8
#define MAX_ENTRIES 4096
#define MAX_JOINED  4096 /* characters of a list within a list */

typedef struct {
  const char   *name;
  const char   *text;
  PetscBool     has_lines;
  yaml_parser_t parser;
  yaml_event_t  event; /* the current one; the next takes its place */
  TpYaml       *yaml;
  char          key[TP_YAML_MAX_KEY + 1]; /* of the value being read, sections included */
  int           key_line;
} Reader;

static PetscErrorCode ReadNode(Reader *reader, int depth);

/* ------------------------------------------------------------------------------------------------------------ errors */

static int EventLine(const Reader *reader)
{
  return reader->has_lines ? (int)reader->event.start_mark.line + 1 : 0;
}

/* Return TP_ERR_INPUT with one line on the current event. */
static PetscErrorCode Refuse(const Reader *reader, const char *what)
{
  const yaml_mark_t mark = reader->event.start_mark;

  if (!reader->has_lines) return TpInputError("%s: %s", reader->name, what);
  return TpInputError("%s:%d:%d: %s", reader->name, (int)mark.line + 1, (int)mark.column + 1, what);
}

#define CheckEvent(reader, condition, what)                                                                            \
  do {                                                                                                                 \
    if (!(condition)) PetscFunctionReturn(Refuse(reader, what));                                                       \
  } while (0)

/* libyaml knows no line for bytes that are no characters, only how many bytes came before. */
static yaml_mark_t MarkOfOffset(const char *text, size_t offset)
{
  yaml_mark_t mark = {0};

  for (size_t i = 0; i < offset && text[i]; ++i) {
    ++mark.column;
    if (text[i] == '\n') {
      ++mark.line;
      mark.column = 0;
    }
  }
  return mark;
}

static PetscErrorCode RefuseSyntax(const Reader *reader)
{
  const yaml_parser_t *parser  = &reader->parser;
  const char          *problem = parser->problem ? parser->problem : "unknown problem";
  const char          *context = parser->context ? parser->context : "";
  yaml_mark_t          mark    = parser->problem_mark;

  if (parser->error == YAML_MEMORY_ERROR) return PETSC_ERR_MEM;
  if (strstr(problem, "cannot start any token"))
    context = "(indent by blanks, not tabs; put text that begins with @, ` or % in quotes)";
  if (!reader->has_lines) return TpInputError("%s: not valid YAML: %s %s", reader->name, problem, context);
  if (parser->error == YAML_READER_ERROR) mark = MarkOfOffset(reader->text, parser->problem_offset);
  return TpInputError("%s:%d:%d: not valid YAML: %s%s%s", reader->name, (int)mark.line + 1, (int)mark.column + 1,
                      problem, *context ? " " : "", context);
}

/* ------------------------------------------------------------------------------------------------------------ events */

/* Anchors, aliases and tags make a file hard to read and easy to get wrong: what is written is what counts. */
static PetscErrorCode CheckIsSimple(const Reader *reader)
{
  const yaml_event_t *event  = &reader->event;
  const yaml_char_t  *anchor = NULL, *tag = NULL;
  static const char  *no_anchors = "anchors (&name) and aliases (*name) are not read; write the value out";

  PetscFunctionBeginUser;
  CheckEvent(reader, event->type != YAML_ALIAS_EVENT, no_anchors);
  if (event->type == YAML_SCALAR_EVENT) {
    anchor = event->data.scalar.anchor;
    tag    = event->data.scalar.tag;
    CheckEvent(reader, strlen((const char *)event->data.scalar.value) == event->data.scalar.length,
               "a NUL character in a text");
  } else if (event->type == YAML_SEQUENCE_START_EVENT) {
    anchor = event->data.sequence_start.anchor;
    tag    = event->data.sequence_start.tag;
  } else if (event->type == YAML_MAPPING_START_EVENT) {
    anchor = event->data.mapping_start.anchor;
    tag    = event->data.mapping_start.tag;
  }
  CheckEvent(reader, !anchor, no_anchors);
  CheckEvent(reader, !tag, "tags (!name) are not read; leave them out, or put text that begins with ! in quotes");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NextEvent(Reader *reader)
{
  PetscFunctionBeginUser;
  yaml_event_delete(&reader->event);
  if (!yaml_parser_parse(&reader->parser, &reader->event)) PetscFunctionReturn(RefuseSyntax(reader));
  PetscCall(CheckIsSimple(reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ----------------------------------------------------------------------------------------------------------- entries */

static PetscErrorCode CheckIsNew(const Reader *reader)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < reader->yaml->size; ++i) {
    const TpYamlEntry *entry = &reader->yaml->entries[i];

    TpCheckInput(strcmp(entry->key, reader->key), "%s:%d: %s: given twice, first in line %d; allowed once",
                 reader->name, reader->key_line, reader->key, entry->line);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddEntry(Reader *reader, TpYamlKind kind, TpYamlEntry **entry)
{
  TpYaml *yaml = reader->yaml;

  PetscFunctionBeginUser;
  PetscCall(CheckIsNew(reader));
  CheckEvent(reader, yaml->size < MAX_ENTRIES, "more than 4096 keys; is this an input file?");
  if (yaml->size == yaml->capacity) {
    yaml->capacity = PetscMax(64, 2 * yaml->capacity);
    PetscCall(PetscRealloc((size_t)yaml->capacity * sizeof(*yaml->entries), &yaml->entries));
  }
  *entry  = &yaml->entries[yaml->size++];
  **entry = (TpYamlEntry){.line = reader->key_line, .kind = kind};
  PetscCall(PetscStrallocpy(reader->key, &(*entry)->key));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddScalar(TpYamlEntry *entry, const char *text, int line, TpYamlStyle style)
{
  PetscFunctionBeginUser;
  if (entry->size == entry->capacity) {
    entry->capacity = PetscMax(1, 2 * entry->capacity);
    PetscCall(PetscRealloc((size_t)entry->capacity * sizeof(*entry->scalars), &entry->scalars));
  }
  entry->scalars[entry->size] = (TpYamlScalar){.line = line, .style = style};
  PetscCall(PetscStrallocpy(text, &entry->scalars[entry->size++].text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ------------------------------------------------------------------------------------------------------------- nodes */

static PetscErrorCode ReadScalar(Reader *reader, TpYamlEntry *entry)
{
  const PetscBool is_plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBeginUser;
  PetscCall(AddScalar(entry, (const char *)reader->event.data.scalar.value, EventLine(reader),
                      is_plain ? TP_YAML_PLAIN : TP_YAML_QUOTED));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [4, 6] within a list becomes "4 6". */
static PetscErrorCode ReadInnerList(Reader *reader, TpYamlEntry *entry)
{
  const int line   = EventLine(reader);
  size_t    length = 0;
  char      joined[MAX_JOINED + 1];

  PetscFunctionBeginUser;
  joined[0] = '\0';
  PetscCall(NextEvent(reader));
  while (reader->event.type != YAML_SEQUENCE_END_EVENT) {
    CheckEvent(reader, reader->event.type == YAML_SCALAR_EVENT,
               "lists are nested too deeply; allowed are lists of lists of values");
    length += (size_t)snprintf(joined + length, sizeof(joined) - length, "%s%s", length ? " " : "",
                               (const char *)reader->event.data.scalar.value);
    CheckEvent(reader, length <= MAX_JOINED, "an inner list of more than 4096 characters");
    PetscCall(NextEvent(reader));
  }
  PetscCall(AddScalar(entry, joined, line, TP_YAML_JOINED));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadList(Reader *reader, TpYamlEntry *entry)
{
  PetscFunctionBeginUser;
  PetscCall(NextEvent(reader));
  while (reader->event.type != YAML_SEQUENCE_END_EVENT) {
    CheckEvent(reader, reader->event.type != YAML_MAPPING_START_EVENT,
               "'key: value' within a list; allowed are values");
    if (reader->event.type == YAML_SCALAR_EVENT)
      PetscCall(ReadScalar(reader, entry));
    else
      PetscCall(ReadInnerList(reader, entry));
    PetscCall(NextEvent(reader));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Go one section down: reader->key becomes "key.name". */
static PetscErrorCode AppendName(Reader *reader)
{
  const size_t length = strlen(reader->key);
  const char  *name;

  PetscFunctionBeginUser;
  CheckEvent(reader, reader->event.type == YAML_SCALAR_EVENT, "a list or section where a key is expected");
  name = (const char *)reader->event.data.scalar.value;
  CheckEvent(reader, name[0], "a value without a key");
  CheckEvent(reader, strcmp(name, "<<"), "merge keys (<<) are not read; write the values out");
  CheckEvent(reader, length + 1 + strlen(name) <= TP_YAML_MAX_KEY, "a key of more than 200 characters");
  snprintf(reader->key + length, sizeof(reader->key) - length, "%s%s", length ? "." : "", name);
  reader->key_line = EventLine(reader);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMapping(Reader *reader, int depth)
{
  const size_t length = strlen(reader->key);

  PetscFunctionBeginUser;
  CheckEvent(reader, depth < MAX_DEPTH, "sections are nested too deeply; allowed are 8 levels");
  PetscCall(NextEvent(reader));
  while (reader->event.type != YAML_MAPPING_END_EVENT) {
    PetscCall(AppendName(reader));
    PetscCall(NextEvent(reader));
    PetscCall(ReadNode(reader, depth + 1));
    reader->key[length] = '\0';
    PetscCall(NextEvent(reader));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Read the value of reader->key, from its first event to its last. */
static PetscErrorCode ReadNode(Reader *reader, int depth)
{
  TpYamlEntry *entry;

  PetscFunctionBeginUser;
  switch (reader->event.type) {
  case YAML_SCALAR_EVENT:
    PetscCall(AddEntry(reader, TP_YAML_SCALAR, &entry));
    PetscCall(ReadScalar(reader, entry));
    break;
  case YAML_SEQUENCE_START_EVENT:
    PetscCall(AddEntry(reader, TP_YAML_LIST, &entry));
    PetscCall(ReadList(reader, entry));
    break;
  default:
    PetscCall(AddEntry(reader, TP_YAML_SECTION, &entry));
    PetscCall(ReadMapping(reader, depth));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --------------------------------------------------------------------------------------------------------- documents */

static PetscErrorCode ReadRoot(Reader *reader)
{
  const yaml_event_t *event = &reader->event;

  PetscFunctionBeginUser;
  /* a file of comments below a "---" holds an empty scalar */
  if (event->type == YAML_SCALAR_EVENT && !event->data.scalar.length) PetscFunctionReturn(PETSC_SUCCESS);
  CheckEvent(reader, event->type == YAML_MAPPING_START_EVENT, "no 'section:' or 'key: value'; is this an input file?");
  PetscCall(ReadMapping(reader, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSingleValue(Reader *reader)
{
  PetscFunctionBeginUser;
  CheckEvent(reader, reader->event.type != YAML_MAPPING_START_EVENT, "a section where a value is expected");
  PetscCall(ReadNode(reader, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* stream start, document start, the root, document end, stream end; an empty text has no document */
static PetscErrorCode ReadStream(Reader *reader, PetscErrorCode (*read)(Reader *))
{
  PetscFunctionBeginUser;
  PetscCall(NextEvent(reader));
  PetscCall(NextEvent(reader));
  if (reader->event.type == YAML_STREAM_END_EVENT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NextEvent(reader));
  PetscCall((*read)(reader));
  PetscCall(NextEvent(reader));
  PetscCall(NextEvent(reader));
  CheckEvent(reader, reader->event.type == YAML_STREAM_END_EVENT, "a second document (---); allowed is one");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(Reader *reader, PetscErrorCode (*read)(Reader *))
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCheck(yaml_parser_initialize(&reader->parser), PETSC_COMM_SELF, PETSC_ERR_MEM, "libyaml could not start");
  yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->text, strlen(reader->text));
  code = ReadStream(reader, read);
  yaml_event_delete(&reader->event);
  yaml_parser_delete(&reader->parser);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpYamlReadDocument(const char *name, const char *text, TpYaml *yaml)
{
  Reader reader = {.name = name, .text = text, .has_lines = PETSC_TRUE, .yaml = yaml};

  PetscFunctionBeginUser;
  *yaml = (TpYaml){0};
  PetscCall(Read(&reader, ReadRoot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpYamlReadValue(const char *name, const char *key, const char *text, TpYaml *yaml)
{
  Reader       reader = {.name = name, .text = text, .yaml = yaml};
  TpYamlEntry *entry;

  PetscFunctionBeginUser;
  *yaml = (TpYaml){0};
  TpCheckInput(strlen(key) <= TP_YAML_MAX_KEY, "%s: a key of more than %d characters", name, TP_YAML_MAX_KEY);
  strcpy(reader.key, key);
  PetscCall(Read(&reader, ReadSingleValue));
  if (!yaml->size) { /* no text at all */
    PetscCall(AddEntry(&reader, TP_YAML_SCALAR, &entry));
    PetscCall(AddScalar(entry, "", 0, TP_YAML_PLAIN));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpYamlEntryDestroy(TpYamlEntry *entry)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < entry->size; ++i) PetscCall(PetscFree(entry->scalars[i].text));
  PetscCall(PetscFree(entry->scalars));
  PetscCall(PetscFree(entry->key));
  *entry = (TpYamlEntry){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpYamlDestroy(TpYaml *yaml)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < yaml->size; ++i) PetscCall(TpYamlEntryDestroy(&yaml->entries[i]));
  PetscCall(PetscFree(yaml->entries));
  *yaml = (TpYaml){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool TpYamlIsNull(const TpYamlScalar *scalar)
{
  const char *text = scalar->text;

  if (scalar->style != TP_YAML_PLAIN) return PETSC_FALSE;
  return !text[0] || !strcmp(text, "~") || !strcmp(text, "null") ? PETSC_TRUE : PETSC_FALSE;
}
