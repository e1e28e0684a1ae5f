/* The log: lines for people. Numbers for programs go to metrics.csv and HDF5. */
#include "tempera/base.h"

#include <stdarg.h>
#include <string.h>

static TpLogLevel max_level = TP_LOG_PRODUCTION;
static FILE      *copy;

void TpLogSetLevel(TpLogLevel level)
{
  max_level = level;
}

void TpLogSetFile(FILE *file)
{
  copy = file;
}

/* In one write: mpirun, which passes the lines of all ranks on, would put its own between the parts of ours. */
static void WriteLine(FILE *file, TpLogLevel level, const char *format, va_list arguments)
{
  const char *title = level == TP_LOG_ERROR ? "tempera: error: " : level == TP_LOG_WARNING ? "tempera: warning: " : "";
  char        line[8192];
  const int   length = snprintf(line, sizeof(line), "%s", title);

  vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
  strcat(line, "\n");
  fputs(line, file);
  fflush(file);
}

void TpLog(TpLogLevel level, const char *format, ...)
{
  va_list arguments;

  if (level > max_level) return;
  va_start(arguments, format);
  WriteLine(level <= TP_LOG_WARNING ? stderr : stdout, level, format, arguments);
  va_end(arguments);
  if (!copy) return;
  va_start(arguments, format);
  WriteLine(copy, level, format, arguments);
  va_end(arguments);
}
