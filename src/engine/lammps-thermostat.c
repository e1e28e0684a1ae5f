/*
  Thermostats of the engine `lammps`: our own, or the script's.

  Our own is Langevin's as LAMMPS's fix langevin has it (Schneider and Stoll, Phys. Rev. B 17 (1978) 1302), through LAMMPS's fix external:

    F = -m friction v + sqrt(2 m friction k T/dt) w,    w of mean 0 and variance 1: uniform in (-sqrt 3, sqrt 3)

  The numbers w are a pure function of seed, rung, round, step and the atom's number: nothing is remembered, nothing depends on where LAMMPS
  keeps an atom, and no fix is made anew in a round.

  The same force ends one step and begins the next, together a kick of variance 2 friction dt k T/m. Between two rounds these are two forces,
  each for half a step, whose variances add up to one half of that. The first one of a round is therefore made sqrt 3 times as strong: left as
  they are, the temperature would be too low by a part of 1/(2 steps of a round).
*/
#include "lammps-impl.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------------ our own */

static void AddOwnForces(void *context, int64_t step, int count, const int tag[], const double v[], double forces[])
{
  const TpLammpsThermostat *thermostat = &((const TpLammpsEngine *)context)->thermostat;
  const TpMoment           *moment     = &thermostat->moment;
  const double              scale      = thermostat->scale * (step == 0 ? sqrt(3.0) : 1.0);
  const PetscInt            size       = 3 * ((const TpLammpsEngine *)context)->system.num_particles;

  if (!thermostat->is_on) {
    memset(forces, 0, 3 * (size_t)count * sizeof(double));
    return;
  }
  TpRandomCentred(moment->seed, TP_RANDOM_LANGEVIN, (uint32_t)moment->rung, TpEngineMomentStep(moment, step), size,
                  thermostat->noise);
  for (int i = 0; i < count; ++i) {
    const int     atom = tag[i] - 1;
    const double  drag = thermostat->drag[atom], kick = scale * thermostat->kick[atom];
    const double *noise = thermostat->noise + 3 * atom;

    for (int k = 0; k < 3; ++k) forces[3 * i + k] = drag * v[3 * i + k] + kick * noise[k];
  }
}

TpLammpsCode TpLammpsAddThermostat(TpLammpsEngine *data)
{
  data->thermostat.is_on = PETSC_FALSE;
  if (TpLammpsCommand(data->lammps, "fix tempera_nve all nve") != TP_LAMMPS_OK) return TP_LAMMPS_FAILED;
  return TpLammpsAddForces(data->lammps, "tempera_langevin", AddOwnForces, data);
}

void TpLammpsFillThermostat(TpEngine engine, TpLammpsEngine *data)
{
  const TpEngineSettings *settings   = engine->settings;
  TpLammpsThermostat     *thermostat = &data->thermostat;
  const double force = data->units.energy / data->units.length, speed = data->units.length / data->units.time;
  const double variance = 1.0 / 12.0; /* of the random numbers */

  for (PetscInt i = 0; i < data->system.num_particles; ++i) {
    const double resistance = settings->friction * data->mass[i];

    thermostat->drag[i] = -resistance * speed / force;
    thermostat->kick[i] =
        sqrt(2.0 * resistance * TpBoltzmann(engine->info.units) / (settings->timestep * variance)) / force;
  }
}

/* -------------------------------------------------------------------------------------------------------- the script's */

/* A seed that LAMMPS takes: 1 to 900000000. */
static int SeedOf(const TpMoment *moment)
{
  const uint64_t bits =
      TpRandomBits(moment->seed, TP_RANDOM_ENGINE_SEED, (uint32_t)moment->rung, (uint64_t)moment->round);

  return (int)(bits % 900000000) + 1;
}

/* A rung keeps its temperature, and what a thermostat remembers is the rung's: fixes are made anew only for another temperature. */
static TpLammpsCode SetScriptThermostat(TpLammpsEngine *data, double temperature, int seed)
{
  if (temperature == data->script_temperature) return TP_LAMMPS_OK;
  data->script_temperature = temperature;
  for (PetscInt i = 0; i < data->fixes.count; ++i) {
    const TpLammpsKnownFix *fix = &data->fixes.fix[i];

    if (!fix->is_thermostat) continue;
    /* no noise where forces are wanted; other thermostats act on velocities alone, and refuse a temperature of 0 */
    const double target = temperature > 0.0 || !strcmp(fix->style, "langevin") ? temperature : 1.0;

    if (TpLammpsFormat(data->lammps, "variable temperature string %.17g", target) != TP_LAMMPS_OK ||
        TpLammpsFormat(data->lammps, "variable seed string %d", seed) != TP_LAMMPS_OK)
      return TP_LAMMPS_FAILED;
    for (PetscInt j = 0; j < data->script.count; ++j)
      if (data->script.line[j].place == fix->place &&
          TpLammpsCommand(data->lammps, data->script.line[j].text) != TP_LAMMPS_OK)
        return TP_LAMMPS_FAILED;
  }
  return TP_LAMMPS_OK;
}

TpLammpsCode TpLammpsSetThermostat(TpEngine engine, double temperature, const TpMoment *moment)
{
  TpLammpsEngine     *data       = engine->data;
  TpLammpsThermostat *thermostat = &data->thermostat;

  if (engine->settings->lammps.thermostat == TP_LAMMPS_THERMOSTAT_SCRIPT)
    return SetScriptThermostat(data, temperature, moment ? SeedOf(moment) : 1);
  thermostat->is_on = moment ? PETSC_TRUE : PETSC_FALSE;
  thermostat->scale = sqrt(temperature);
  if (moment) thermostat->moment = *moment;
  return TP_LAMMPS_OK;
}
