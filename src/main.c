/* tempera VERB ...: see src/app/application.c for the way from here, and src/app/verb-*.c for what each verb does. */
#include "tempera/app.h"

int main(int argc, char **argv)
{
  return TpApplication(argc, argv);
}
