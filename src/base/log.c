/* The log: lines for people. Numbers for programs go to metrics.csv and HDF5. */
#include "tempera/base.h"

#include <stdarg.h>

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

static void WriteLine(FILE *file, TpLogLevel level, const char *format, va_list arguments)
{
  if (level == TP_LOG_ERROR) fputs("tempera: error: ", file);
  if (level == TP_LOG_WARNING) fputs("tempera: warning: ", file);
  vfprintf(file, format, arguments);
  fputc('\n', file);
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
