/* The matrix products of a network's training step, by BLAS. */
#include "products.h"

#include "../../src/nn/unet-impl.h"
#include "fma.h"

#include <cblas.h>

static PetscInt AddConv(const TpConv *conv, PetscInt batch, PetscInt count, Product products[])
{
  if (!conv->taps) return count; /* a step without this layer */
  if (conv->transposed)
    products[count] = (Product){batch * conv->L_in, conv->N, conv->taps * conv->M};
  else
    products[count] = (Product){batch * conv->L_out, conv->taps * conv->N, conv->M};
  return count + 1;
}

static PetscInt ProductsOfUnet(TpNetwork network, PetscInt batch, Product products[])
{
  const TpUnet *unet  = network->data;
  PetscInt      count = 0;

  count = AddConv(&unet->time_1.shape, batch, count, products);
  count = AddConv(&unet->time_2.shape, batch, count, products);
  for (PetscInt i = 0; i < unet->num_steps; i++) {
    const TpStep *step = &unet->steps[i];

    count = AddConv(&step->conv_1.shape, batch, count, products);
    count = AddConv(&step->conv_2.shape, batch, count, products);
    count = AddConv(&step->time.shape, batch, count, products);
    count = AddConv(&step->match.shape, batch, count, products);
  }
  return count;
}

PetscInt ProductsOf(TpNetwork network, PetscInt batch, Product products[])
{
  PetscInt count = 0;

  if (network->ops == &tp_network_unet) return ProductsOfUnet(network, batch, products);
  for (PetscInt i = 0; i < network->num_tensors; i++) {
    const TpTensor *w = &network->tensors[i]; /* [outputs, inputs]; one column: a bias, or too small to count */

    if (w->columns > 1) products[count++] = (Product){batch, w->columns, w->rows};
  }
  return count;
}

double ProductsOperations(PetscInt count, const Product products[])
{
  double sum = 0;

  for (PetscInt i = 0; i < count; i++)
    sum += 2.0 * (double)products[i].rows * (double)products[i].inner * (double)products[i].columns;
  return sum;
}

static double Multiply(const Product *product, const float x[], const float w[], const float y[], float answer[])
{
  const int    B = product->rows, N = product->inner, M = product->columns;
  const double start = ProcessorTime();

  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, B, M, N, 1, x, N, w, M, 0, answer, M);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, B, N, M, 1, y, M, w, M, 0, answer, N);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, N, M, B, 1, x, N, y, M, 0, answer, M);
  return ProcessorTime() - start;
}

PetscErrorCode ProductsTime(PetscInt count, const Product products[], double *seconds)
{
  PetscInt largest = 0;
  float   *x, *w, *y, *answer;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < count; i++) {
    const Product *product = &products[i];

    largest = PetscMax(largest, PetscMax(product->rows, product->inner) * PetscMax(product->inner, product->columns));
  }
  PetscCall(PetscMalloc4(largest, &x, largest, &w, largest, &y, largest, &answer));
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 3, 0, largest, x);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 4, 0, largest, w);
  TpRandomNormalFloat(1, TP_RANDOM_TEST, 5, 0, largest, y);
  (void)Multiply(&products[0], x, w, y, answer); /* wakes BLAS up */
  *seconds = 0;
  for (PetscInt i = 0; i < count; i++) *seconds += Multiply(&products[i], x, w, y, answer);
  PetscCall(PetscFree4(x, w, y, answer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
