/* Between the states that diffuse and a network: angles on the torus, and noise of another size. */
#include "tempera/diffusion.h"

#include <math.h>

const char *const tp_predict_words[] = {"noise", "velocity", NULL};

PetscErrorCode TpLensCreate(TpSchedule schedule, PetscInt num_states, const PetscBool is_angle[], TpLens *lens)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(lens));
  (*lens)->schedule   = schedule;
  (*lens)->num_states = num_states;
  PetscCall(PetscMalloc1(num_states, &(*lens)->is_angle));
  for (PetscInt i = 0; i < num_states; ++i) {
    (*lens)->is_angle[i] = is_angle ? is_angle[i] : PETSC_FALSE;
    (*lens)->num_angles += (*lens)->is_angle[i] ? 1 : 0;
  }
  (*lens)->num_inputs = num_states + (*lens)->num_angles;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpLensDestroy(TpLens *lens)
{
  PetscFunctionBeginUser;
  if (!*lens) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*lens)->is_angle));
  PetscCall(PetscFree(*lens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpLensShow(TpLens lens, PetscInt B, const TpNumber x[], const TpNumber t[], const TpNumber scale[],
                TpNumber inputs[])
{
  for (PetscInt row = 0; row < B; ++row, x += lens->num_states) {
    const double spread = lens->num_angles ? 1.0 / sqrt(TpScheduleSignal(lens->schedule, (double)t[row])) : 1.0;

    for (PetscInt i = 0; i < lens->num_states; ++i) {
      if (lens->is_angle[i]) {
        const double angle = (double)x[i] * spread;

        *inputs++ = (TpNumber)sin(angle);
        *inputs++ = (TpNumber)cos(angle);
      } else
        *inputs++ = scale ? scale[row] * x[i] : x[i];
    }
  }
}

void TpLensRead(TpLens lens, PetscInt B, const TpNumber inputs[], const TpNumber scale[], const TpNumber y[],
                TpNumber answer[])
{
  for (PetscInt row = 0; row < B; ++row, answer += lens->num_states) {
    for (PetscInt i = 0; i < lens->num_states; ++i) {
      if (lens->is_angle[i]) {
        answer[i] = y[0] * inputs[1] - y[1] * inputs[0];
        y += 2;
        inputs += 2;
      } else {
        answer[i] = scale ? *y / scale[row] : *y;
        ++y;
        ++inputs;
      }
    }
  }
}

void TpLensReverse(TpLens lens, PetscInt B, const TpNumber inputs[], const TpNumber scale[], const TpNumber danswer[],
                   TpNumber dy[])
{
  for (PetscInt row = 0; row < B; ++row, danswer += lens->num_states) {
    for (PetscInt i = 0; i < lens->num_states; ++i) {
      if (lens->is_angle[i]) {
        *dy++ = danswer[i] * inputs[1];
        *dy++ = -danswer[i] * inputs[0];
        inputs += 2;
      } else {
        *dy++ = scale ? danswer[i] / scale[row] : danswer[i];
        ++inputs;
      }
    }
  }
}

/* E[eps] given a difference of angles: each winding number k is as likely as exp(-(d + 2 pi k)^2 / 2 s^2) says. */
static double WrappedNoise(double difference, double sigma)
{
  const PetscInt windings = 1 + (PetscInt)sigma;
  double         sum = 0.0, weights = 0.0;

  if (sigma > 6.0) return 0.0; /* uniform: the first Fourier mode is 2 exp(-18) */
  difference = remainder(difference, 2.0 * PETSC_PI);
  for (PetscInt k = -windings; k <= windings; ++k) {
    const double e      = (difference + 2.0 * PETSC_PI * (double)k) / sigma;
    const double lowest = difference / sigma;
    const double weight = exp(-0.5 * (e - lowest) * (e + lowest));

    sum += weight * e;
    weights += weight;
  }
  return sum / weights;
}

/* Of angles: as large as their noise, 1 up to sigma = 1, then the size of the first Fourier mode of sigma times the score. */
static double AngleGain(double sigma)
{
  return sigma > 1.0 ? sigma * exp(0.5 * (1.0 - sigma) * (1.0 + sigma)) : 1.0;
}

double TpLensGain(TpLens lens, PetscInt i, double t)
{
  const double abar = TpScheduleSignal(lens->schedule, t);

  if (lens->schedule->predict == TP_PREDICT_NOISE) return 1.0;
  return lens->is_angle[i] ? AngleGain(sqrt((1.0 - abar) / abar)) : sqrt(abar);
}

void TpLensNoise(TpLens lens, PetscInt B, const TpNumber x[], const TpNumber t[], TpNumber answer[])
{
  if (lens->schedule->predict == TP_PREDICT_NOISE) return;
  for (PetscInt row = 0; row < B; ++row) {
    const double   abar   = TpScheduleSignal(lens->schedule, (double)t[row]);
    const TpNumber signal = (TpNumber)sqrt(abar), noise = (TpNumber)sqrt(1.0 - abar);
    const TpNumber gain = lens->num_angles ? (TpNumber)AngleGain(sqrt((1.0 - abar) / abar)) : 1;

    for (PetscInt i = 0; i < lens->num_states; ++i) {
      const PetscInt j = row * lens->num_states + i;

      answer[j] = lens->is_angle[i] ? gain * answer[j] : signal * answer[j] + noise * x[j];
    }
  }
}

/* What an angle's velocity is compared with. Beyond sigma = 6 both noise and gain are the first Fourier mode. */
static double AngleVelocity(double difference, double sigma)
{
  if (sigma > 6.0) return 2.0 * exp(-0.5) * sin(difference);
  return WrappedNoise(difference, sigma) / AngleGain(sigma);
}

void TpLensTarget(TpLens lens, PetscInt B, const TpNumber x0[], const TpNumber x[], const TpNumber t[], TpNumber eps[])
{
  const PetscBool is_velocity = lens->schedule->predict == TP_PREDICT_VELOCITY ? PETSC_TRUE : PETSC_FALSE;

  if (!lens->num_angles && !is_velocity) return;
  for (PetscInt row = 0; row < B; ++row) {
    const double abar = TpScheduleSignal(lens->schedule, (double)t[row]), sigma = sqrt((1.0 - abar) / abar);
    const double signal = sqrt(abar), noise = sqrt(1.0 - abar);

    for (PetscInt i = 0; i < lens->num_states; ++i) {
      const PetscInt j = row * lens->num_states + i;

      if (lens->is_angle[i]) {
        const double difference = (double)x[j] / signal - (double)x0[j];

        eps[j] = (TpNumber)(is_velocity ? AngleVelocity(difference, sigma) : WrappedNoise(difference, sigma));
      } else if (is_velocity)
        eps[j] = (TpNumber)(signal * (double)eps[j] - noise * (double)x0[j]);
    }
  }
}

/* An angle's answer is y_0 cos(a) - y_1 sin(a), and its inputs are sin(a) and cos(a), a = x / sqrt(abar). */
void TpLensPull(TpLens lens, PetscInt B, const TpNumber t[], const TpNumber scale[], const TpNumber inputs[],
                const TpNumber y[], const TpNumber danswer[], const TpNumber dinputs[], TpNumber dx[])
{
  for (PetscInt row = 0; row < B; ++row) {
    const double spread = lens->num_angles ? 1.0 / sqrt(TpScheduleSignal(lens->schedule, (double)t[row])) : 1.0;

    for (PetscInt i = 0; i < lens->num_states; ++i) {
      if (lens->is_angle[i]) {
        const TpNumber sine = inputs[0], cosine = inputs[1];

        *dx++ = (TpNumber)spread * (dinputs[0] * cosine - dinputs[1] * sine - *danswer * (y[0] * sine + y[1] * cosine));
        inputs += 2;
        dinputs += 2;
        y += 2;
      } else {
        *dx++ = scale ? scale[row] * *dinputs : *dinputs;
        ++inputs;
        ++dinputs;
        ++y;
      }
      ++danswer;
    }
  }
}
