/* The layers of the U-Net: shapes of convolutions, and the kernels of this processor. */
#include "unet-impl.h"

TpConv TpConvPlain(PetscInt taps, PetscInt stride, PetscInt N, PetscInt M, PetscInt L)
{
  return (TpConv){PETSC_FALSE, taps, stride, taps > 1 ? 1 : 0, N, M, L, (L + stride - 1) / stride};
}

TpConv TpConvUp(PetscInt N, PetscInt M, PetscInt L, PetscInt L_out)
{
  return (TpConv){PETSC_TRUE, 4, 2, 1, N, M, L, L_out};
}

TpConv TpConvReverse(const TpConv *conv)
{
  return (TpConv){conv->transposed ? PETSC_FALSE : PETSC_TRUE,
                  conv->taps,
                  conv->stride,
                  conv->pad,
                  conv->M,
                  conv->N,
                  conv->L_out,
                  conv->L_in};
}

/* The widest panel of any instruction set has 32 columns. */
size_t TpPackedSize(const TpConv *conv)
{
  const size_t N = (size_t)conv->N, M = (size_t)conv->M;

  return (size_t)conv->taps * PetscMax((N + 31) / 32 * 32 * M, (M + 31) / 32 * 32 * N);
}

void TpConvPack(const TpConv *conv, const TpNumber w[], TpNumber packed[])
{
  TpKernelsBest()->pack(conv, w, packed);
}

void TpConvPackReverse(const TpConv *conv, const TpNumber w[], TpNumber packed[])
{
  TpKernelsBest()->pack_reverse(conv, w, packed);
}

void TpConvForward(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber packed[], const TpNumber b[],
                   const TpNumber start[], TpNumber y[])
{
  TpKernelsBest()->conv(conv, tiles, x, packed, b, start, y);
}

void TpConvBackwardInput(const TpConv *conv, PetscInt tiles, const TpNumber packed[], const TpNumber dy[],
                         const TpNumber start[], TpNumber dx[])
{
  const TpConv reverse = TpConvReverse(conv);

  TpKernelsBest()->conv(&reverse, tiles, dy, packed, NULL, start, dx);
}

void TpConvBackwardWeights(const TpConv *conv, PetscInt tiles, const TpNumber x[], const TpNumber dy[], TpNumber dw[],
                           TpNumber db[])
{
  TpKernelsBest()->conv_weights(conv, tiles, x, dy, dw, db);
}

double TpConvOperations(const TpConv *conv)
{
  const PetscInt positions = conv->transposed ? conv->L_in : conv->L_out;

  return 2.0 * (double)conv->taps * (double)conv->N * (double)conv->M * (double)positions;
}

void TpMishForward(PetscInt n, const TpNumber x[], TpNumber y[])
{
  TpKernelsBest()->mish_forward(n, x, y);
}

void TpMishBackward(PetscInt n, const TpNumber x[], const TpNumber dy[], TpNumber dx[])
{
  TpKernelsBest()->mish_backward(n, x, dy, dx);
}

void TpNormForward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber shift[], const TpNumber start[],
                   TpNumber y[])
{
  TpKernelsBest()->norm_forward(L, C, norm, shift, start, y);
}

void TpNormBackward(PetscInt L, PetscInt C, const TpNorm *norm, const TpNumber dy[], TpNumber dx[], TpNumber dgain[],
                    TpNumber doffset[], TpNumber sums[], const TpNumber shift[], TpNumber y[])
{
  TpKernelsBest()->norm_backward(L, C, norm, dy, dx, dgain, doffset, sums, shift, y);
}

void TpAttentionSoftmax(PetscInt L, TpNumber qkv[])
{
  TpKernelsBest()->attention_softmax(L, qkv);
}

void TpAttentionForward(PetscInt L, TpNumber qkv[], TpNumber o[])
{
  TpKernelsBest()->attention_forward(L, qkv, o);
}

void TpAttentionBackward(PetscInt L, const TpNumber qkv[], const TpNumber d_o[], TpNumber dqkv[])
{
  TpKernelsBest()->attention_backward(L, qkv, d_o, dqkv);
}
