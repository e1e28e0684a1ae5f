/* The matrix products of a network's training step, by BLAS. */
#pragma once

#include "tempera/nn.h"

/** The products of one layer's forward pass, [rows, inner] by [inner, columns]; a step has three of this size. **/
typedef struct {
  PetscInt rows, inner, columns;
} Product;

#define MAX_PRODUCTS 256

/** The products of all layers for a batch, at most MAX_PRODUCTS. A convolution is one product of all its taps, as if copying its windows side by side took no time. **/
PetscInt ProductsOf(TpNetwork network, PetscInt batch, Product products[]);

/** Operations of the forward pass. **/
double ProductsOperations(PetscInt count, const Product products[]);

/** Seconds of processor time of BLAS for all three products of each layer: y = x w, dx = dy w^T, dw = x^T dy. **/
PetscErrorCode ProductsTime(PetscInt count, const Product products[], double *seconds);
