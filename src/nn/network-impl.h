/* What a kind of network provides. Private to nn. */
#pragma once

#include "tempera/nn.h"

/** Tangents, when energy models need them, become further members. **/
typedef struct {
  /* required */
  PetscErrorCode (*create)(TpNetwork network); /* adds the tensors, sets data */
  PetscErrorCode (*destroy)(TpNetwork network);
  double (*operations)(TpNetwork network);
  size_t (*workspace_size)(TpNetwork network, PetscInt max_batch, PetscBool both_ways); /* in numbers */
  void (*forward)(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B, const TpNumber x[],
                  const TpNumber t[], const TpNumber c[], TpNumber y[]);
  void (*backward)(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                   const TpNumber dy[], TpNumber gradient[], TpNumber dx[]);
} TpNetworkOps;

struct TpNetwork_ {
  const TpNetworkOps *ops;
  TpNetworkSettings   settings;
  PetscInt            num_inputs;
  PetscInt            num_conditions;
  PetscInt            num_parameters;
  PetscInt            num_tensors;
  PetscInt            max_tensors;
  TpTensor           *tensors; /* [max_tensors] */
  double             *scales;  /* [max_tensors] standard deviation of the initial numbers; 0: all the same */
  double             *starts;  /* [max_tensors] their mean */
  void               *data;    /* the implementation's */
};

struct TpWorkspace_ {
  PetscInt  max_batch;
  PetscInt  batch;     /* of the last forward pass */
  PetscBool both_ways; /* or forward alone */
  TpNumber *numbers;   /* the implementation's, laid out as it likes */
};

/** Append a tensor whose numbers begin as normal numbers times `scale`; returns its offset. For create(). **/
PetscErrorCode TpNetworkAddTensor(TpNetwork network, PetscInt rows, PetscInt columns, double scale, PetscInt *offset,
                                  const char *format, ...) PETSC_ATTRIBUTE_FORMAT(6, 7);

/** The numbers of the tensor added last begin around this value instead of around zero. **/
void TpNetworkStartAt(TpNetwork network, double value);

/** y [B, M] += x [B, N] w^T. **/
void TpLinearAdd(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber w[], TpNumber y[]);

/** dx [B, N] += dy [B, M] w. **/
void TpLinearAddInput(PetscInt B, PetscInt N, PetscInt M, const TpNumber w[], const TpNumber dy[], TpNumber dx[]);

/** dw += dy^T x, db += column sums of dy (NULL: none). **/
void TpLinearAddWeights(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                        TpNumber db[]);

extern const TpNetworkOps tp_network_mlp;
extern const TpNetworkOps tp_network_unet;
