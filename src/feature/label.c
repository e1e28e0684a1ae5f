/* Temperature labels: the bath's temperature, with or without jitter, or the kinetic temperature of a group of atoms. */
#include "feature-impl.h"

#include <math.h>
#include <string.h>

const char *const tp_label_words[] = {"bath", "kinetic", "jitter", NULL};

struct TpLabel_ {
  TpLabelKind kind;
  PetscInt    dimension;
  PetscInt    count;
  PetscInt   *particle; /* [count] moving particles of the group */
  double     *mass;     /* [count] */
  double      degrees_of_freedom;
  double      boltzmann;
};

/* Mark the particles of the group. */
static PetscErrorCode SelectGroup(const TpFeatureSettings *settings, const TpFeatureSystem *system, PetscBool inside[])
{
  PetscErrorCode code = PETSC_SUCCESS;
  PetscInt      *index, count;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(system->num_particles, &index));
  for (PetscInt i = 0; !code && i < settings->label_atoms.size; ++i) {
    const char *text = settings->label_atoms.values[i];

    if (!strcmp(text, "all")) {
      for (PetscInt k = 0; k < system->num_particles; ++k) inside[k] = PETSC_TRUE;
    } else {
      code = TpFeatureParseIndices("features.label_atoms", text, system->num_particles, system->num_particles, &count,
                                   index);
      for (PetscInt k = 0; !code && k < count; ++k) inside[index[k]] = PETSC_TRUE;
    }
  }
  PetscCall(PetscFree(index));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Degrees of freedom that the engine takes from the whole system beside the constraints: those of the centre of mass. */
static double RemovedByEngine(const TpFeatureSystem *system)
{
  PetscInt free_degrees = -system->num_constraints;

  if (!system->degrees_of_freedom) return 0.0;
  for (PetscInt i = 0; i < system->num_particles; ++i)
    if (system->mass[i] > 0.0) free_degrees += system->dimension;
  return (double)(free_degrees - system->degrees_of_freedom);
}

static double CountDegreesOfFreedom(const TpFeatureSystem *system, const PetscBool inside[])
{
  double count = 0.0, mass = 0.0, total_mass = 0.0;

  for (PetscInt i = 0; i < system->num_particles; ++i) {
    total_mass += system->mass[i];
    if (!inside[i] || !(system->mass[i] > 0.0)) continue;
    count += (double)system->dimension;
    mass += system->mass[i];
  }
  for (PetscInt i = 0; i < system->num_constraints; ++i)
    for (PetscInt end = 0; end < 2; ++end)
      if (inside[system->constraints[2 * i + end]]) count -= 0.5;
  /* a group of mass m moves with the centre of mass M by 3 (m/M) k_B T / 2 */
  return mass > 0.0 ? count - RemovedByEngine(system) * mass / total_mass : count;
}

static PetscErrorCode SetGroup(const TpFeatureSystem *system, const PetscBool inside[], TpLabel label)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(system->num_particles, &label->particle, system->num_particles, &label->mass));
  for (PetscInt i = 0; i < system->num_particles; ++i) {
    if (!inside[i] || !(system->mass[i] > 0.0)) continue;
    label->particle[label->count] = i;
    label->mass[label->count++]   = system->mass[i];
  }
  label->degrees_of_freedom = CountDegreesOfFreedom(system, inside);
  TpCheckInput(label->count && label->degrees_of_freedom > 1e-9,
               "features.label_atoms: the group has no moving degree of freedom, so it has no kinetic temperature; "
               "choose other atoms");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLabelCreate(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpLabel *label)
{
  PetscErrorCode code;
  PetscBool     *inside;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(label));
  (*label)->kind      = (TpLabelKind)settings->label;
  (*label)->dimension = system->dimension;
  (*label)->boltzmann = system->boltzmann;
  PetscCall(PetscCalloc1(system->num_particles, &inside));
  code = SelectGroup(settings, system, inside);
  if (!code && (*label)->kind == TP_LABEL_KINETIC) code = SetGroup(system, inside, *label);
  PetscCall(PetscFree(inside));
  if (code) PetscCall(TpLabelDestroy(label));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLabelDestroy(TpLabel *label)
{
  PetscFunctionBeginUser;
  if (!*label) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree2((*label)->particle, (*label)->mass));
  PetscCall(PetscFree(*label));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpLabelDegreesOfFreedom(TpLabel label)
{
  return label->degrees_of_freedom;
}

double TpLabelCompute(TpLabel label, double bath, const double v[])
{
  double twice_kinetic = 0.0;

  if (label->kind != TP_LABEL_KINETIC) return bath;
  for (PetscInt i = 0; i < label->count; ++i) {
    const double *velocity = v + label->dimension * label->particle[i];
    double        square   = 0.0;

    for (PetscInt j = 0; j < label->dimension; ++j) square += velocity[j] * velocity[j];
    twice_kinetic += label->mass[i] * square;
  }
  return twice_kinetic / (label->degrees_of_freedom * label->boltzmann);
}

/* ln of the label's density at a rung, up to what all rungs share. */
static double LogDensity(TpLabelKind kind, double degrees, double jitter, double temperature, double at)
{
  if (kind == TP_LABEL_KINETIC) return -0.5 * degrees * (log(temperature) + at / temperature);
  if (kind == TP_LABEL_JITTER && jitter > 0.0) return -0.5 * PetscSqr((at - temperature) / jitter);
  return -1e12 * fabs(at / temperature - 1.0);
}

void TpLabelMixture(TpLabelKind kind, double degrees, double jitter, PetscInt count, const double temperature[],
                    const double share[], double at, double weight[])
{
  double largest = -PETSC_MAX_REAL, sum = 0.0;

  for (PetscInt k = 0; k < count; ++k) {
    weight[k] = LogDensity(kind, degrees, jitter, temperature[k], at) + log(PetscMax(share[k], 1e-300));
    largest   = PetscMax(largest, weight[k]);
  }
  for (PetscInt k = 0; k < count; ++k) sum += weight[k] = exp(weight[k] - largest);
  for (PetscInt k = 0; k < count; ++k) weight[k] /= sum;
}
