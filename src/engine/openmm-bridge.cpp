/* OpenMM's C++ library behind a C header: every exception becomes a code and a text. */
#include "openmm-bridge.h"

#include <OpenMM.h>
#include <openmm/serialization/SerializationProxy.h>
#include <openmm/serialization/XmlSerializer.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <typeinfo>
#include <vector>

using OpenMM::Context;
using OpenMM::Platform;
using OpenMM::State;
using OpenMM::Vec3;

struct TpOpenMM_ {
  std::unique_ptr<OpenMM::System>                   system;
  std::unique_ptr<OpenMM::LangevinMiddleIntegrator> integrator;
  std::unique_ptr<Context>                          context; /* last member: it goes first */
  std::vector<Vec3>                                 buffer;
};

namespace {

/* What C callers ask for after a failure; errno's way, as the codes that travel up are integers. */
thread_local std::string last_error;

TpOpenMMCode Fail(const std::string &text)
{
  std::string lower = text;

  last_error = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.find("coordinate is nan") != std::string::npos ? TP_OPENMM_NOT_FINITE : TP_OPENMM_FAILED;
}

template <class Function> TpOpenMMCode Guard(Function function)
{
  try {
    function();
    return TP_OPENMM_OK;
  } catch (const std::exception &error) {
    return Fail(error.what());
  } catch (...) {
    return Fail("an exception without a text");
  }
}

void LoadPlugins()
{
  /* Once per process. Plugins that can't be loaded are those of platforms or forces that we may never need: OpenMM says then what it lacks. */
  static const bool loaded = (Platform::loadPluginsFromDirectory(Platform::getDefaultPluginsDirectory()), true);

  (void)loaded;
}

const std::string &TypeOf(const OpenMM::Force &force)
{
  return OpenMM::SerializationProxy::getProxy(typeid(force)).getTypeName();
}

bool EndsWith(const std::string &text, const std::string &end)
{
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::map<std::string, std::string> PropertiesOf(const Platform &platform, const TpOpenMMSettings &settings)
{
  const std::map<std::string, std::string> wanted = {
      {"Threads", std::to_string(settings.threads)},
      {"DeterministicForces", settings.deterministic ? "true" : "false"},
      {"DeviceIndex", std::to_string(settings.device)},
      {"Precision", "mixed"},
  };
  std::map<std::string, std::string> properties;

  for (const std::string &name : platform.getPropertyNames()) {
    const auto found = wanted.find(name);

    if (found != wanted.end()) properties.insert(*found);
  }
  return properties;
}

const std::vector<Vec3> &FromArray(TpOpenMM openmm, const double array[])
{
  for (size_t i = 0; i < openmm->buffer.size(); ++i)
    openmm->buffer[i] = Vec3(array[3 * i], array[3 * i + 1], array[3 * i + 2]);
  return openmm->buffer;
}

void ToArray(const std::vector<Vec3> &vectors, double array[])
{
  for (size_t i = 0; i < vectors.size(); ++i)
    for (int j = 0; j < 3; ++j) array[3 * i + j] = vectors[i][j];
}

} // namespace

const char *TpOpenMMError(void)
{
  return last_error.c_str();
}

TpOpenMMCode TpOpenMMLibrary(const char **version, const char **platforms, const char **plugin_folder)
{
  static std::string names, release, folder; /* they outlive the call; the library does not change */

  return Guard([&] {
    LoadPlugins();
    names.clear();
    for (int i = 0; i < Platform::getNumPlatforms(); ++i) names += (i ? ", " : "") + Platform::getPlatform(i).getName();
    release        = Platform::getOpenMMVersion();
    folder         = Platform::getDefaultPluginsDirectory();
    *version       = release.c_str();
    *platforms     = names.c_str();
    *plugin_folder = folder.c_str();
  });
}

TpOpenMMCode TpOpenMMCreate(const char *xml, TpOpenMM *openmm)
{
  *openmm = nullptr;
  return Guard([&] {
    std::istringstream stream(xml);
    auto               made = std::make_unique<TpOpenMM_>();

    LoadPlugins(); /* they bring forces of their own */
    made->system.reset(OpenMM::XmlSerializer::deserialize<OpenMM::System>(stream));
    made->buffer.resize(made->system->getNumParticles());
    *openmm = made.release();
  });
}

void TpOpenMMDestroy(TpOpenMM *openmm)
{
  const TpOpenMM gone = *openmm;

  *openmm = nullptr;
  (void)Guard([&] { delete gone; });
}

TpOpenMMCode TpOpenMMDescribe(TpOpenMM openmm, TpOpenMMSystem *system)
{
  return Guard([&] {
    Vec3 box[3];

    *system                 = {};
    system->num_particles   = openmm->system->getNumParticles();
    system->num_constraints = openmm->system->getNumConstraints();
    system->has_box         = openmm->system->usesPeriodicBoundaryConditions();
    openmm->system->getDefaultPeriodicBoxVectors(box[0], box[1], box[2]);
    for (int i = 0; i < 9; ++i) system->box[i] = box[i / 3][i % 3];
    for (int i = 0; i < openmm->system->getNumForces(); ++i) {
      const std::string &type = TypeOf(openmm->system->getForce(i));

      if (type == "CMMotionRemover") system->removes_motion = 1;
      if (EndsWith(type, "Thermostat") || EndsWith(type, "Barostat")) system->not_canonical = type.c_str();
    }
  });
}

TpOpenMMCode TpOpenMMGetParticles(TpOpenMM openmm, double mass[], int constraints[])
{
  return Guard([&] {
    for (int i = 0; i < openmm->system->getNumParticles(); ++i) mass[i] = openmm->system->getParticleMass(i);
    for (int i = 0; i < openmm->system->getNumConstraints(); ++i) {
      double distance;

      openmm->system->getConstraintParameters(i, constraints[2 * i], constraints[2 * i + 1], distance);
    }
  });
}

TpOpenMMCode TpOpenMMOpen(TpOpenMM openmm, const TpOpenMMSettings *settings, int *has_devices)
{
  *has_devices = 0;
  return Guard([&] {
    Platform  &platform   = Platform::getPlatformByName(settings->platform);
    const auto properties = PropertiesOf(platform, *settings);

    *has_devices = properties.count("DeviceIndex") > 0;
    openmm->context.reset();
    openmm->integrator =
        std::make_unique<OpenMM::LangevinMiddleIntegrator>(300.0, settings->friction, settings->timestep);
    openmm->integrator->setConstraintTolerance(settings->tolerance);
    openmm->context = std::make_unique<Context>(*openmm->system, *openmm->integrator, platform, properties);
  });
}

TpOpenMMCode TpOpenMMRestart(TpOpenMM openmm, int seed)
{
  return Guard([&] {
    openmm->integrator->setRandomNumberSeed(seed);
    /* a seed is read when the Context is made; `true` would bring back the old sequence */
    openmm->context->reinitialize(false);
    openmm->context->setStepCount(0);
    openmm->context->setTime(0.0);
  });
}

TpOpenMMCode TpOpenMMSetTemperature(TpOpenMM openmm, double temperature)
{
  return Guard([&] { openmm->integrator->setTemperature(temperature); });
}

TpOpenMMCode TpOpenMMSetBox(TpOpenMM openmm, const double box[])
{
  return Guard([&] {
    openmm->context->setPeriodicBoxVectors(Vec3(box[0], box[1], box[2]), Vec3(box[3], box[4], box[5]),
                                           Vec3(box[6], box[7], box[8]));
  });
}

TpOpenMMCode TpOpenMMSetPositions(TpOpenMM openmm, const double x[])
{
  return Guard([&] { openmm->context->setPositions(FromArray(openmm, x)); });
}

TpOpenMMCode TpOpenMMSetVelocities(TpOpenMM openmm, const double v[])
{
  return Guard([&] { openmm->context->setVelocities(FromArray(openmm, v)); });
}

TpOpenMMCode TpOpenMMConstrainPositions(TpOpenMM openmm, double tolerance)
{
  return Guard([&] { openmm->context->applyConstraints(tolerance); });
}

TpOpenMMCode TpOpenMMConstrainVelocities(TpOpenMM openmm, double tolerance)
{
  return Guard([&] { openmm->context->applyVelocityConstraints(tolerance); });
}

TpOpenMMCode TpOpenMMMinimize(TpOpenMM openmm, double tolerance, int max_iterations)
{
  return Guard([&] { OpenMM::LocalEnergyMinimizer::minimize(*openmm->context, tolerance, max_iterations); });
}

TpOpenMMCode TpOpenMMStep(TpOpenMM openmm, int64_t num_steps)
{
  return Guard([&] {
    while (num_steps > 0) {
      const int count = static_cast<int>(std::min<int64_t>(num_steps, std::numeric_limits<int>::max()));

      openmm->integrator->step(count);
      num_steps -= count;
    }
  });
}

TpOpenMMCode TpOpenMMGet(TpOpenMM openmm, double x[], double v[], double forces[], double *energy)
{
  return Guard([&] {
    const State state = openmm->context->getState((x ? State::Positions : 0) | (v ? State::Velocities : 0) |
                                                  (forces ? State::Forces : 0) | (energy ? State::Energy : 0));

    if (x) ToArray(state.getPositions(), x);
    if (v) ToArray(state.getVelocities(), v);
    if (forces) ToArray(state.getForces(), forces);
    if (energy) *energy = state.getPotentialEnergy();
  });
}
