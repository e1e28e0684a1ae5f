/* What the tests of the engine lammps share: settings, and scripts. */
#pragma once

#include "engine-bench.h"

#include <math.h>
#include <string.h>

#define SEED   UINT64_C(20240801)
#define INPUTS TP_SOURCE_DIR "/input/lammps/"

/* The time step in internal units; the friction is 1/ps, or 1 in reduced units. */
static inline TpEngineSettings Settings(char *script, const char *units, double timestep)
{
  return (TpEngineSettings){
      .kind     = WordIndex(tp_engine_words, "lammps"),
      .timestep = timestep,
      .friction = 1.0,
      .lammps   = {.script = script, .units = WordIndex(tp_lammps_unit_words, units)},
  };
}

/* An ideal gas of 1000 particles on a lattice, in reduced units; what follows may hold it. */
#define GAS(boundary, more)                                                                                            \
  "units lj\natom_style atomic\nboundary " boundary "\nlattice sc 1.0\nregion cell block 0 10 0 10 0 10\n"             \
  "create_box 1 cell\ncreate_atoms 1 box\nmass 1 1.0\npair_style zero 0.5\npair_coeff * *\n"                           \
  "neigh_modify every 1 delay 0 check yes\n" more "\n"

/* The shipped molecules with another sum over charges, as a mesh has forces that are no derivatives of its energy. */
#define MOLECULES(kspace, more)                                                                                        \
  "units real\natom_style full\nbond_style harmonic\nangle_style harmonic\ndihedral_style opls\n"                      \
  "pair_style lj/cut/coul/long 7.5\npair_modify mix geometric shift yes table 0\nkspace_style " kspace "\n"            \
  "special_bonds lj 0 0 0.5 coul 0 0 0.5\nread_data " INPUTS "data.dichloroethane\nbond_coeff 1 250 1.79\n"            \
  "bond_coeff 2 260 1.53\nangle_coeff 1 65 109.5\ndihedral_coeff 1 -0.8 -0.4 3.2 0.0\npair_coeff 1 1 0.300 3.40\n"     \
  "pair_coeff 2 2 0.118 3.90\nminimize 1e-6 1e-6 200 1000\n" more "\n"
