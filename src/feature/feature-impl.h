/* What the files of this module share: the list of features, and the geometry that computes them. */
#pragma once

#include "tempera/feature.h"

typedef enum { TP_FEATURE_TORSION, TP_FEATURE_DISTANCE, TP_FEATURE_COORDINATE } TpFeatureKind;

typedef struct {
  TpFeatureKind kind;
  PetscInt      index[4]; /* atoms; of TP_FEATURE_COORDINATE the coordinate alone */
  char          name[64];
} TpFeature;

/* A lattice ready for minimum images. */
typedef struct {
  PetscBool present;
  PetscBool orthogonal;
  double    vector[3][3];  /* rows: a basis as short as can be */
  double    inverse[3][3]; /* d = s vector, s = d inverse */
} TpLattice;

/* How coordinates lose the motion of the whole. */
typedef struct {
  PetscInt  kind; /* TpAlign */
  PetscInt  count;
  PetscInt *atom;      /* [count] whose coordinates are features */
  PetscInt *place;     /* [particles] in that list, -1: not there */
  double   *reference; /* [count, 3] around its centre */
  double   *moved;     /* [count, 3] positions of one configuration */
} TpAlignment;

struct TpFeatures_ {
  PetscInt    count;
  PetscInt    capacity;
  PetscInt    size;    /* coordinates of a configuration */
  TpFeature  *feature; /* [count] */
  double     *period;  /* [count] */
  double      coordinate_period;
  PetscBool   has_box;
  const char *length_unit;
  TpAlignment alignment;
};

/* Prepare the lattice of `box` [3, 3]; a box without volume is none. */
void TpLatticeCreate(const double box[], TpLattice *lattice);

/* Replace d by its shortest image. */
void TpLatticeMinimumImage(const TpLattice *lattice, double d[3]);

/* Distance of two atoms and torsion of four, IUPAC sign, [-pi, pi]. */
double TpGeometryDistance(const TpLattice *lattice, const double x[], const PetscInt atom[2]);
double TpGeometryTorsion(const TpLattice *lattice, const double x[], const PetscInt atom[4]);

/* Turn r by the rotation of a quaternion of length 1. */
void TpGeometryTurn(const double quaternion[4], double r[3]);

/* value modulo period as the nearest float in (-period/2, period/2]. */
float TpGeometryWrap(double value, double period);

/* Append the features that the settings name. */
PetscErrorCode TpFeaturesSelect(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpFeatures features);

/* Read "4 6 8 14" into `index`, which holds at most `max` numbers; `key` and `limit` (number of atoms) are for the error line. */
PetscErrorCode TpFeatureParseIndices(const char *key, const char *text, PetscInt limit, PetscInt max, PetscInt *count,
                                     PetscInt index[]);

/* Prepare `alignment`, once the features are selected. */
PetscErrorCode TpFeaturesAlign(const TpFeatureSettings *settings, const TpFeatureSystem *system, TpFeatures features);

/* Move the atoms of a configuration; then a coordinate of theirs. */
void   TpFeaturesMove(TpFeatures features, const TpLattice *lattice, const double x[]);
double TpFeaturesAligned(TpFeatures features, PetscInt coordinate);
