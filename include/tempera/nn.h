/**
  Nn: layers, networks and energies, forward and backward by hand, on matrix kernels of its own that are chosen by processor at run time. No MPI, no files,
  no diffusion.

  Numbers are TpNumber: float in the program. The same sources compiled with -DTP_NN_DOUBLE give a double precision library, with which the
  tests compare every backward pass against central differences.

  Matrices are row-major. Capital letters are sizes: B batch, N inputs, M outputs. The gradient of `x` is `dx`; its directional derivative
  (tangent) is `tx`. Backward functions add to parameter gradients and overwrite input gradients.

  All parameters of a network lie in one contiguous block with a table {name, offset, shape}, so that reduction is one message, the optimiser
  one loop, a checkpoint one dataset, and a test can name the parameter that differs.
**/
#pragma once

#include "tempera/base.h"

#ifdef TP_NN_DOUBLE
typedef double TpNumber;
#else
typedef float TpNumber;
#endif

/* ----------------------------------------------------------------------------------------------------------- kernels */

/**
  Use the kernels of one instruction set: "avx512", "avx2", "neon", "baseline". NULL: the fastest that this processor has, as without this call. They
  round differently, so this makes unlike processors give like weights and samples. Not collective; before anything is computed.

  Errors: TP_ERR_INPUT for other words, and for instructions that this processor does not have; the fastest are used then.
**/
PetscErrorCode TpKernelsChoose(const char *name);

/** Name of the instruction set in use. **/
const char *TpKernelsName(void);

/* ------------------------------------------------------------------------------------------------------------ layers */

/** y [B, M] = x [B, N] w^T + b, with w [M, N] and b [M] (NULL: none). **/
void TpLinearForward(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber w[], const TpNumber b[],
                     TpNumber y[]);

/** Given dy [B, M]: dx [B, N] = dy w (NULL: not wanted), dw += dy^T x, db += column sums of dy (NULL: none). **/
void TpLinearBackward(PetscInt B, PetscInt N, PetscInt M, const TpNumber x[], const TpNumber w[], const TpNumber dy[],
                      TpNumber dx[], TpNumber dw[], TpNumber db[]);

/** ty [B, M] = tx w^T: the directional derivative of the forward pass along tx, at fixed parameters.
    Its reverse (given d ty) is TpLinearBackward() with x := tx, b := none. **/
void TpLinearTangent(PetscInt B, PetscInt N, PetscInt M, const TpNumber tx[], const TpNumber w[], TpNumber ty[]);

/** y = silu(x) = x sigmoid(x), n numbers; y may be x. **/
void TpSiluForward(PetscInt n, const TpNumber x[], TpNumber y[]);

/** dx = dy silu'(x); dx may be dy. **/
void TpSiluBackward(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[]);

/** ty = silu'(x) tx. Its reverse, given d ty: d tx = silu'(x) d ty, and dx += silu''(x) tx d ty. **/
void TpSiluTangent(PetscInt n, const TpNumber x[], const TpNumber tx[], TpNumber ty[]);
void TpSiluTangentBackward(PetscInt n, const TpNumber x[], const TpNumber tx[], const TpNumber dty[], TpNumber dtx[],
                           TpNumber dx[]);

/** Sinusoidal embedding of times: e [B, width] = (sin(1000 t f_j), cos(1000 t f_j)), f_j = 10000^(-j / (width/2 - 1)), t in [0, 1]. width even, >= 4. **/
void TpTimeEmbedding(PetscInt B, PetscInt width, const TpNumber t[], TpNumber e[]);

/* ---------------------------------------------------------------------------------------------------------- networks */

#define TP_MAX_LEVELS 8

/**
  mlp      a residual MLP; the conditions add to the embedded time.
  unet1d   the one-dimensional U-Net of Wang, Herron and Tiwary (PNAS 2022): the conditions and the inputs are one sequence, conditions first.
           Eight groups, four heads of 32 channels. The paper's setting is width 32, multipliers 1 2 2 4, one input at a position.
**/
typedef struct {
  PetscInt   kind;  /* index into tp_network_words */
  PetscInt64 width; /* mlp: of the hidden layers; unet1d: channels that the multipliers multiply, a multiple of 8 */
  PetscInt64 depth; /* mlp: number of residual blocks; unet1d: not used */
  PetscInt64
      embedding; /* mlp: width of the time and condition embedding, even, >= 4; unet1d: not used, it is the width */
  PetscInt64 multipliers
      [TP_MAX_LEVELS]; /* unet1d: channels of each level over width, 1 to 64; 0 after the last level; mlp: not used */
  PetscInt64
      channels; /* unet1d: inputs at a position of the sequence, 1 to 64; the last position may have fewer; mlp: not used */
  PetscInt precision; /* of its matrix products and convolutions: TpPrecision, index into tp_precision_words */
} TpNetworkSettings;

extern const char *const tp_network_words[]; /* "mlp", "unet1d", NULL */

/**
  single   all in single precision
  bf16     what is multiplied is rounded to 8 bits of mantissa, ties to even, and summed in single precision: by AMX, on processors that have it. Parameters, their
           gradients, and everything that is no product stay in single precision, and so do products and convolutions of fewer than 16 numbers or channels, as the input and the output have them.
**/
typedef enum { TP_PRECISION_SINGLE, TP_PRECISION_BF16 } TpPrecision;

extern const char *const tp_precision_words[]; /* "single", "bf16", NULL */

/** Errors: TP_ERR_INPUT where this processor can't; nodes may differ. Not collective. **/
PetscErrorCode TpPrecisionCheck(PetscInt precision);

/** One tensor of the parameter block. **/
typedef struct {
  char     name[48];
  PetscInt offset; /* in numbers, from the block's start */
  PetscInt rows;
  PetscInt columns; /* 1 for a vector */
} TpTensor;

typedef struct TpNetwork_ *TpNetwork;

/** Forward activations and scratch for up to a batch of rows; one per thread of computation. **/
typedef struct TpWorkspace_ *TpWorkspace;

/**
  A denoiser network: y [B, D] = f(x [B, D], t [B], c [B, C]). Not collective. Free with TpNetworkDestroy().

  @param[in] num_inputs      D
  @param[in] num_conditions  C, standardised conditions (temperature first); may be 0

  Errors: TP_ERR_INPUT for impossible sizes (odd embedding, zero width).
**/
PetscErrorCode TpNetworkCreate(const TpNetworkSettings *settings, PetscInt num_inputs, PetscInt num_conditions,
                               TpNetwork *network);
PetscErrorCode TpNetworkDestroy(TpNetwork *network);

PetscInt TpNetworkNumInputs(TpNetwork network);
PetscInt TpNetworkNumConditions(TpNetwork network);

/** Length of the parameter block, in numbers. **/
PetscInt TpNetworkNumParameters(TpNetwork network);

/** The table of tensors; ours. **/
PetscErrorCode TpNetworkTensors(TpNetwork network, PetscInt *count, const TpTensor **tensors);

/** Initial parameters [TpNetworkNumParameters()], a function of the seed alone. The last layer begins at zero: y = 0. Not collective. **/
PetscErrorCode TpNetworkInitialise(TpNetwork network, uint64_t seed, TpNumber parameters[]);

/** Floating-point operations of a forward pass, per row. **/
double TpNetworkOperations(TpNetwork network);

/** Buffers for batches of up to `max_batch` rows. Nothing is allocated after this. **/
PetscErrorCode TpWorkspaceCreate(TpNetwork network, PetscInt max_batch, TpWorkspace *workspace);

/** The same for forward passes alone: less memory, most of which stays in the processor's caches. **/
PetscErrorCode TpWorkspaceCreateForward(TpNetwork network, PetscInt max_batch, TpWorkspace *workspace);
PetscErrorCode TpWorkspaceDestroy(TpWorkspace *workspace);

/** y [B, D]; activations stay in the workspace for the backward pass. Each row's result depends on that row alone, bit for bit, at any B. **/
PetscErrorCode TpNetworkForward(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                const TpNumber x[], const TpNumber t[], const TpNumber c[], TpNumber y[]);

/** After TpNetworkForward() with the same arguments: given dy [B, D], gradient [parameters] += ..., dx [B, D] (NULL: not wanted). **/
PetscErrorCode TpNetworkBackward(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                 const TpNumber dy[], TpNumber gradient[], TpNumber dx[]);

/** Told during a backward pass: what the pass adds to the gradient's numbers from `first` on has all been added. **/
typedef void (*TpGradientWatch)(void *context, PetscInt first);

/** From now on `watch` is called in the backward passes of this workspace, after each layer, with falling `first`, at the end 0; NULL: no more. So a sum over
    ranks can begin with the last layers while the first ones are still computed. **/
void TpWorkspaceWatch(TpWorkspace workspace, TpGradientWatch watch, void *context);

/* ---------------------------------------------------------------------------------------------------------- energies */

/**
  Networks with one output, an energy, that are learned through their gradient. The energy is smooth in x and t, so that all its derivatives exist.

  mlp    of a point x with D coordinates: a residual MLP.
  fluid  of particles in a periodic cube: messages between neighbours with scalar and vector channels. Does not change under translations,
         exchange of particles and the rotations of the cube; between particles that are in the same cell it has full rotational symmetry.

  The score of p(x) ~ exp(-E) is -grad E, and its Jacobian is symmetric by construction.

  Source of the fluid's messages: Schuett, Unke and Gastegger, ICML 2021 (PaiNN).
**/
typedef enum { TP_ENERGY_MLP, TP_ENERGY_FLUID } TpEnergyKind;

typedef struct {
  TpEnergyKind kind;
  PetscInt64   width;      /* of the hidden layers; fluid: channels */
  PetscInt64   depth;      /* residual blocks; fluid: rounds of messages */
  PetscInt64   embedding;  /* functions of time, even, >= 4 */
  PetscInt64   radial;     /* fluid: functions of the distance, >= 2 */
  double       box_length; /* fluid: edge of the cube */
  double       cutoff;     /* fluid: no messages beyond it; <= box_length / 2 */
} TpEnergySettings;

/**
  An energy network E(x, t, c). Not collective. Free with TpNetworkDestroy(); parameters, tensors, initialisation and workspaces are those of any network.

  @param[in] num_inputs      mlp: D; fluid: 3, the coordinates of a particle
  @param[in] num_conditions  C, standardised conditions; may be 0

  Errors: TP_ERR_INPUT for impossible sizes, and a cutoff beyond half the box.
**/
PetscErrorCode TpEnergyCreate(const TpEnergySettings *settings, PetscInt num_inputs, PetscInt num_conditions,
                              TpNetwork *network);

/**
  Energy, gradient and derivative in time. Not collective.

  mlp: B points x [B, D] at t [B], c [B, C]: e [B], dx [B, D], dt [B]; each row's result depends on that row alone, bit for bit, at any B.
  fluid: one configuration of B particles x [B, 3] at t [1], c [C]: e [1], dx [B, 3], dt [1]. The workspace's max_batch is of particles.

  @param[out] e   energy
  @param[out] dx  its gradient in x
  @param[out] dt  its derivative in t (NULL: not wanted)
**/
PetscErrorCode TpEnergyEvaluate(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                const TpNumber x[], const TpNumber t[], const TpNumber c[], TpNumber e[], TpNumber dx[],
                                TpNumber dt[]);

/**
  After TpEnergyEvaluate() with the same arguments: gradient [parameters] += the parameter gradient of the directional derivative v . grad E, summed
  over the rows, with v [B, inputs] held constant. Not collective.

  Forward over reverse: the tangents of forward and backward pass along v, and one sweep of weight gradients.

  @param[out] tdx  [B, inputs] the gradient's derivative along v, the Hessian times v (NULL: not wanted)
**/
PetscErrorCode TpEnergyDirection(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                 const TpNumber v[], TpNumber gradient[], TpNumber tdx[]);

/**
  Slow functions of time for energies, whose derivative in t must be smooth: e [B, width] = (sin(pi k t) / k, cos(pi k t) / k), k = 1 .. width / 2, and
  de/dt (NULL: not wanted). width even.
**/
void TpSlowEmbedding(PetscInt B, PetscInt width, const TpNumber t[], TpNumber e[], TpNumber de[]);

/* -------------------------------------------------------------------------------------------------------- asymmetry */

/**
  How far a vector field is from a gradient: ||J - J^T|| / ||J||, Frobenius norms, J its Jacobian. A score that is one has 0; a rotation has 2, and a matrix
  of independent entries the square root of 2.

    TpAsymmetryDraw()   random vectors u
    the caller          the products u^T J (or J u)
    TpAsymmetryNorms()  estimates of both squared norms at one point, right on average
    TpAsymmetryRatio()  the ratio over many points

  The vectors' entries are +-1, so that the mean of |u^T J|^2 is ||J||^2, and that of (u^T J v - v^T J u)^2 for two of them ||J - J^T||^2.
**/
void TpAsymmetryDraw(uint64_t seed, uint32_t id, uint64_t step, PetscInt num_vectors, PetscInt D, TpNumber u[]);

/** From num_vectors >= 2 vectors u and their products [num_vectors, D]: squares [2] of ||J - J^T||, by all pairs, and of ||J||. Pure. **/
void TpAsymmetryNorms(PetscInt num_vectors, PetscInt D, const TpNumber u[], const TpNumber product[], double squares[]);

/** The root of the ratio of the means of squares [count, 2] over independent points, and its standard error, which knows the spread over the vectors and
    over the points. Pure. **/
void TpAsymmetryRatio(PetscInt64 count, const double squares[], double *ratio, double *error);
