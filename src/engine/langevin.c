/* Langevin dynamics by the BAOAB splitting: Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34. */
#include "engine-impl.h"
#include "potential-impl.h"

#include <math.h>

static void Kick(PetscInt size, double factor, const double f[], double v[])
{
  for (PetscInt i = 0; i < size; ++i) v[i] += factor * f[i];
}

static void Drift(PetscInt size, double dt, const double v[], double x[])
{
  for (PetscInt i = 0; i < size; ++i) x[i] += dt * v[i];
}

static void Thermostat(PetscInt size, double keep, double strength, const double noise[], double v[])
{
  for (PetscInt i = 0; i < size; ++i) v[i] = keep * v[i] + strength * noise[i];
}

void TpLangevinAdvance(const TpLangevin *langevin, double temperature, PetscInt64 num_steps, const TpMoment *moment,
                       TpState *state)
{
  const TpPotential potential = langevin->potential;
  const PetscInt    size      = potential->size;
  const double      dt        = langevin->timestep;
  const double      kick      = 0.5 * dt / langevin->mass;
  const double      keep      = exp(-langevin->friction * dt);
  const double      strength  = sqrt(-expm1(-2.0 * langevin->friction * dt) * temperature / langevin->mass);

  potential->ops->compute(potential, state->x, &state->energy, langevin->f);
  for (PetscInt64 step = 0; step < num_steps; ++step) {
    TpRandomNormal(moment->seed, TP_RANDOM_LANGEVIN, (uint32_t)moment->rung, TpEngineMomentStep(moment, step), size,
                   langevin->noise);
    Kick(size, kick, langevin->f, state->v);
    Drift(size, 0.5 * dt, state->v, state->x);
    Thermostat(size, keep, strength, langevin->noise, state->v);
    Drift(size, 0.5 * dt, state->v, state->x);
    /* folded before the last forces, so that the energy is that of the positions handed back, to the last bit */
    if (step == num_steps - 1 && potential->ops->fold) potential->ops->fold(potential, state->x);
    potential->ops->compute(potential, state->x, &state->energy, langevin->f);
    Kick(size, kick, langevin->f, state->v);
  }
}
