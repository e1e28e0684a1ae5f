/**
  Feature: what the diffusion model sees of a configuration.

    TpFeatures   computes raw features from positions: torsions (radian), distances and coordinates (nm)
    TpEncoding   raw features <-> network inputs: periodic ones as (sin, cos), everything standardised; stored with the model,
                 needs no engine
    TpLabel      the temperature label of a frame: the bath's temperature, or the kinetic temperature of a group of atoms

  No MPI here.
**/
#pragma once

#include "tempera/base.h"

/** What the input says. **/
typedef struct {
  TpTextList
      torsions; /* "phi", "psi", "omega": all of the chain; "phi:2": of residue 2; "4 6 8 14": atoms, counted from 0 */
  TpTextList distances; /* "0 7": atoms */
  TpTextList
      coordinates;  /* "all", or indices: atoms (three coordinates each), or single coordinates of a model potential */
  PetscInt   label; /* index into tp_label_words */
  TpTextList label_atoms; /* kinetic label: "all", or atom indices */
  double     jitter;      /* jitter label: standard deviation, K */
  PetscInt   align;       /* TpAlign */
  PetscInt   angles;      /* TpAngles */
  PetscInt   scaling;     /* TpScaling */
} TpFeatureSettings;

typedef enum { TP_LABEL_BATH, TP_LABEL_KINETIC, TP_LABEL_JITTER } TpLabelKind;
extern const char *const tp_label_words[]; /* "bath", "kinetic", "jitter", NULL */

/** What is taken away from the coordinates of atoms. **/
typedef enum {
  TP_ALIGN_NONE,
  TP_ALIGN_CENTRE,    /* the motion of their centre */
  TP_ALIGN_SUPERPOSE, /* that and their rotation: they are turned onto the topology's positions */
  TP_ALIGN_AUGMENT, /* the motion of their centre; they are turned at random each time a frame is learned from (TpAtoms) */
} TpAlign;
extern const char *const tp_align_words[]; /* "none", "centre", "superpose", "augment", NULL */

/** What features need to know of the system; plain numbers, so that this module knows no engine. **/
typedef struct {
  PetscInt        size; /* coordinates */
  PetscInt        num_particles;
  PetscInt        dimension; /* coordinates per particle, 3 or 1 */
  const double   *mass;      /* [num_particles] */
  double          period;    /* of every coordinate, 0: none */
  PetscBool       has_box;
  PetscInt        num_constraints;
  const PetscInt *constraints; /* [num_constraints, 2] */
  PetscInt
      degrees_of_freedom; /* of the whole system, by the engine: tells whether its centre of mass is held; 0: it is not */
  double            boltzmann;
  const TpTopology *topology; /* NULL: none, named torsions are refused */
} TpFeatureSystem;

/* ---------------------------------------------------------------------------------------------------------- features */

typedef struct TpFeatures_ *TpFeatures;

/**
  Resolve the settings against the system. Not collective. Free with TpFeaturesDestroy().

  phi of residue i: C(i-1) N CA C; psi: N CA C N(i+1); omega: CA C N(i+1) CA(i+1), named by residue i. An empty selection means all
  coordinates of a model potential with periods of its own, and is refused for molecules.

  Errors: TP_ERR_INPUT: index out of range (with the range), unknown name (with what is known), repeated atom in a torsion, no feature.
**/
PetscErrorCode TpFeaturesCreate(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpFeatures *features);
PetscErrorCode TpFeaturesDestroy(TpFeatures *features);

/** Number of raw features. **/
PetscInt TpFeaturesCount(TpFeatures features);

/** Name of feature i: "phi2", "torsion 4-6-8-14", "distance 0-7", "x3", "atom 5 y". Ours. **/
const char *TpFeaturesName(TpFeatures features, PetscInt i);

/** Period of each feature [count], 0: none. Ours. **/
const double *TpFeaturesPeriods(TpFeatures features);

/** Unit of feature i: "rad", "nm" or "". **/
const char *TpFeaturesUnit(TpFeatures features, PetscInt i);

/**
  Compute raw features. Not collective.

  @param[in]  x    [size] positions
  @param[in]  box  [3, 3]; minimum image is applied to distances and torsions where the system has a box
  @param[out] raw  [count] torsions in (-pi, pi] with IUPAC sign; periodic coordinates wrapped into (-pi, pi]
**/
PetscErrorCode TpFeaturesCompute(TpFeatures features, const double x[], const double box[], float raw[]);

/** Whether raw features tell the whole configuration: every coordinate is one of them, and atoms that are turned have no box around them. Pure. **/
PetscBool TpFeaturesCanRestore(TpFeatures features);

/**
  The way back, where TpFeaturesCanRestore(). Not collective. Aligned atoms come back around the origin, turned as they are: up to place and direction.

  @param[in]  raw  [count]
  @param[out] x    [size] positions
**/
void TpFeaturesRestore(TpFeatures features, const float raw[], double x[]);

/* ------------------------------------------------------------------------------------------------------------- label */

typedef struct TpLabel_ *TpLabel;

/** Errors: TP_ERR_INPUT for atoms out of range, or a group without moving degrees of freedom. **/
PetscErrorCode TpLabelCreate(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpLabel *label);
PetscErrorCode TpLabelDestroy(TpLabel *label);

/** N_f of the group: 3 per moving atom minus the constraints inside the group (half a constraint for one that leaves it), minus the group's
    share by mass of the centre-of-mass motion where the engine removes it. 0 for the label `bath`. **/
double TpLabelDegreesOfFreedom(TpLabel label);

/** Temperature label of a frame of a rung at `bath` temperature: bath, or 2 K / (N_f k_B) of velocities v [size]. The label `jitter` is bath
    here: what is added is drawn anew each time the frame is learned from. **/
double TpLabelCompute(TpLabel label, double bath, const double v[]);

/**
  What a label means: the share of each rung among frames that carry the label `at`, w_k proportional to share_k f_k(at), with f_k the label's density
  at rung k: kinetic, Gamma with mean T_k and shape N_f / 2; jitter, normal around T_k. Pure.

  @param[in]  degrees      N_f of a kinetic label
  @param[in]  jitter       standard deviation of a jittered one
  @param[in]  temperature  [count] of the rungs
  @param[in]  share        [count] of their frames
  @param[out] weight       [count], sum 1; for the label `bath` 1 at the nearest rung
**/
void TpLabelMixture(TpLabelKind kind, double degrees, double jitter, PetscInt count, const double temperature[],
                    const double share[], double at, double weight[]);

/* ------------------------------------------------------------------------------------------------------------- atoms */

/** Atoms whose three coordinates are features, "atom N x", "atom N y" and "atom N z", and can be turned together. **/
typedef struct TpAtoms_ {
  PetscInt  count;
  PetscInt *place; /* [count, 3] of x, y and z among the numbers of a frame */
} * TpAtoms;

/**
  Find them among the names of the features [num_features]. Not collective. Free with TpAtomsDestroy().

  Errors: TP_ERR_INPUT: fewer than two atoms, one without all its coordinates, one with periods.
**/
PetscErrorCode TpAtomsCreate(PetscInt num_features, const char *const name[], const double period[], TpAtoms *atoms);
PetscErrorCode TpAtomsDestroy(TpAtoms *atoms);

/** Take the mean of the atoms' positions away from each. Not collective. **/
void TpAtomsCentre(TpAtoms atoms, float frame[]);

/** Turn the atoms around the origin by a rotation that is a function of (seed, slot, step), uniform over all. Not collective. **/
void TpAtomsTurn(TpAtoms atoms, uint64_t seed, uint32_t slot, uint64_t step, float frame[]);

/** Centre and turn, once for all, a frame that samples of a model of turned atoms are compared with; `row` tells it from others. Not collective. **/
void TpAtomsTurnReference(TpAtoms atoms, uint64_t seed, PetscInt64 row, float frame[]);

/* ---------------------------------------------------------------------------------------------------------- encoding */

/** How periodic features enter. **/
typedef enum {
  TP_ANGLES_SINCOS,  /* as sin and cos */
  TP_ANGLES_WRAPPED, /* as angles on a circle (see TpLens in tempera/diffusion.h) */
  TP_ANGLES_RAW,     /* as numbers in (-1, 1], cut at +-period/2: what the paper does */
} TpAngles;
extern const char *const tp_angles_words[]; /* "sincos", "wrapped", "raw", NULL */

typedef enum {
  TP_SCALING_STANDARD, /* mean 0 and variance 1 */
  TP_SCALING_RANGE,    /* smallest to -1, largest to 1 */
} TpScaling;
extern const char *const tp_scaling_words[]; /* "standard", "range", NULL */

/** States x = (e - mean) / scale of encoded features e. Periodic features take two, sin and cos, or one; others one. Nothing is clipped. **/
typedef struct TpEncoding_ {
  PetscInt   num_raw;
  PetscInt   num_encoded;
  PetscInt   angles;   /* TpAngles */
  double    *period;   /* [num_raw] 0: not periodic */
  double    *mean;     /* [num_encoded] */
  double    *scale;    /* [num_encoded] > 0 */
  PetscBool *is_angle; /* [num_encoded] in radian on a circle, never scaled */
  PetscBool *is_fixed; /* [num_encoded] scaling is given by the period, not by data */
  TpAtoms    turned;   /* atoms of features.align: augment, by their places among the encoded features; NULL: none */
} * TpEncoding;

/** mean 0 and scale 1 to begin with. **/
PetscErrorCode TpEncodingCreate(PetscInt angles, PetscInt num_raw, const double period[], TpEncoding *encoding);
PetscErrorCode TpEncodingDestroy(TpEncoding *encoding);

/**
  From here on these atoms, by their places among the raw features, are centred by TpEncodingEncode(), and their scaling is that of atoms that are turned
  at random: mean 0, and the same scale for x, y and z. Before anything is encoded. Takes the atoms over. Not collective.
**/
PetscErrorCode TpEncodingSetTurned(TpEncoding encoding, TpAtoms *atoms);

/** e of raw features, without mean and scale: raw [count, num_raw] -> encoded [count, num_encoded]. **/
void TpEncodingEncode(TpEncoding encoding, PetscInt count, const float raw[], float encoded[]);

/** (e - mean) / scale in place, [count, num_encoded]. **/
void TpEncodingScale(TpEncoding encoding, PetscInt count, float encoded[]);

/** The way back, scaled [count, num_encoded] -> raw [count, num_raw]; angles in (-pi, pi] scaled to their period. **/
void TpEncodingDecode(TpEncoding encoding, PetscInt count, const float scaled[], float raw[]);

/** Sums that mean and scale are made from, in double precision: sums [2 * num_encoded + 1] += (sum e, sum e^2, count). **/
void TpEncodingAccumulate(TpEncoding encoding, PetscInt count, const float encoded[], double sums[]);

/** Set mean and scale (standard deviation, 1 where it is below 1e-6) from such sums. **/
void TpEncodingStandardise(TpEncoding encoding, const double sums[]);

/** Widen the ranges low and high [num_encoded] to hold an encoded frame, atoms that are turned in any direction. **/
void TpEncodingWiden(TpEncoding encoding, const float encoded[], double low[], double high[]);

/** Set mean and scale so that low [num_encoded] becomes -1 and high 1 (scale 1 where they are the same). **/
void TpEncodingSetRange(TpEncoding encoding, const double low[], const double high[]);
