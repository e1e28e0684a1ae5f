/* What a kind of network provides. Private to nn. */
#pragma once

#include "tempera/nn.h"

typedef struct {
  /* required */
  PetscErrorCode (*create)(TpNetwork network); /* adds the tensors, sets data */
  PetscErrorCode (*destroy)(TpNetwork network);
  double (*operations)(TpNetwork network);
  size_t (*workspace_size)(TpNetwork network, PetscInt max_batch, PetscBool both_ways); /* in numbers */

  /* of denoisers */
  void (*forward)(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B, const TpNumber x[],
                  const TpNumber t[], const TpNumber c[], TpNumber y[]);
  void (*backward)(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                   const TpNumber dy[], TpNumber gradient[], TpNumber dx[]);

  /* of energies */
  void (*evaluate)(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                   const TpNumber x[], const TpNumber t[], const TpNumber c[], TpNumber e[], TpNumber dx[],
                   TpNumber dt[]);
  void (*direction)(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                    const TpNumber v[], TpNumber gradient[], TpNumber tdx[]);
} TpNetworkOps;

struct TpNetwork_ {
  const TpNetworkOps *ops;
  TpNetworkSettings   settings; /* of denoisers */
  TpEnergySettings    energy;   /* of energies */
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
  PetscInt  edges;     /* of the last evaluation of a fluid's energy */
  TpNumber *numbers;   /* the implementation's, laid out as it likes */

  TpGradientWatch watch; /* NULL: none */
  void           *watch_context;
};

/** For backward(): the gradient's numbers from `first` on are whole. The parameters lie in the order of the forward pass, so this falls. **/
void TpWorkspaceTell(TpWorkspace workspace, PetscInt first);

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

/** A linear layer: its place in the parameter block. **/
typedef struct {
  PetscInt N, M;
  PetscInt w;
  PetscInt b; /* -1: none */
} TpLayer;

/** Append a layer of normal weights with deviation weight_scale / sqrt(N), and zero biases if wanted; its tensors are name.weight and name.bias. **/
PetscErrorCode TpNetworkAddLayer(TpNetwork network, const char *name, PetscInt N, PetscInt M, double weight_scale,
                                 PetscBool has_bias, TpLayer *layer);

/** Gradient of a layer's parameters by the directional derivative: of its weights the tangent dy^T tx + sy^T x of dy^T x, with sy the tangent of dy; of
    its bias the column sums of sy. x without tangent: tx NULL. **/
void TpLayerAddDirection(const TpLayer *layer, PetscInt B, const TpNumber x[], const TpNumber tx[], const TpNumber dy[],
                         const TpNumber sy[], TpNumber gradient[]);

/** dx = dy silu'(x) and its tangent sx = sy silu'(x) + dy silu''(x) tx; sx may be sy. **/
void TpSiluBackwardTangent(PetscInt n, const TpNumber x[], const TpNumber tx[], const TpNumber dy[],
                           const TpNumber sy[], TpNumber dx[], TpNumber sx[]);

/** After a SiLU a normal input has mean square 0.356: this gain makes a layer's output of mean square 1 again. **/
#define TP_SILU_GAIN 1.68

extern const TpNetworkOps tp_energy_mlp;
extern const TpNetworkOps tp_energy_fluid;
extern const TpNetworkOps tp_network_mlp;
extern const TpNetworkOps tp_network_unet;
