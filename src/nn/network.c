/* Networks: the table of kinds, the parameter block and its tensors, workspaces. */
#define _DEFAULT_SOURCE /* madvise() */

#include "kernel.h"
#include "network-impl.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const                tp_network_words[]   = {"mlp", "unet1d", NULL};
const char *const                tp_precision_words[] = {"single", "bf16", NULL};
static const TpNetworkOps *const network_kinds[]      = {&tp_network_mlp, &tp_network_unet};

PetscErrorCode TpPrecisionCheck(PetscInt precision)
{
  PetscFunctionBeginUser;
  TpCheckInput(precision == TP_PRECISION_SINGLE || TpKernelsRounded(),
               "the network's precision is %s, for which this processor has no instructions (AMX); allowed here: %s",
               tp_precision_words[TP_PRECISION_BF16], tp_precision_words[TP_PRECISION_SINGLE]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckMlp(const TpNetworkSettings *settings)
{
  PetscFunctionBeginUser;
  TpCheckInput(settings->depth >= 1 && settings->depth <= 256, "the network's depth is %lld; allowed: 1 to 256",
               (long long)settings->depth);
  TpCheckInput(settings->embedding >= 4 && settings->embedding <= 16384 && settings->embedding % 2 == 0,
               "the network's embedding is %lld; allowed: even numbers from 4 to 16384",
               (long long)settings->embedding);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckUnet(const TpNetworkSettings *settings)
{
  PetscFunctionBeginUser;
  TpCheckInput(settings->width % 8 == 0, "the network's width is %lld; allowed for unet1d: multiples of 8, its groups",
               (long long)settings->width);
  TpCheckInput(settings->channels >= 1 && settings->channels <= 64,
               "the network has %lld inputs at a position; allowed: 1 to 64", (long long)settings->channels);
  TpCheckInput(settings->multipliers[0] > 0, "the network has no multipliers; allowed: 1 to %d, one for each level",
               TP_MAX_LEVELS);
  for (PetscInt i = 0; i < TP_MAX_LEVELS; i++) {
    TpCheckInput(settings->multipliers[i] >= 0 && settings->multipliers[i] <= 64,
                 "the network's multiplier %d is %lld; allowed: 1 to 64", (int)i + 1,
                 (long long)settings->multipliers[i]);
    TpCheckInput(settings->width * settings->multipliers[i] <= 16384,
                 "the network's level %d has %lld channels; allowed: up to 16384", (int)i + 1,
                 (long long)(settings->width * settings->multipliers[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSettings(const TpNetworkSettings *settings, PetscInt num_inputs, PetscInt num_conditions)
{
  PetscFunctionBeginUser;
  PetscCheck(settings->kind >= 0 && settings->kind < (PetscInt)PETSC_STATIC_ARRAY_LENGTH(network_kinds),
             PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "network kind %d", (int)settings->kind);
  TpCheckInput(num_inputs >= 1, "the network has %d inputs; allowed: at least 1 feature", (int)num_inputs);
  TpCheckInput(num_conditions >= 0, "the network has %d conditions; allowed: at least 0", (int)num_conditions);
  TpCheckInput(settings->width >= 1 && settings->width <= 16384, "the network's width is %lld; allowed: 1 to 16384",
               (long long)settings->width);
  PetscCall(TpPrecisionCheck(settings->precision));
  if (network_kinds[settings->kind] == &tp_network_mlp)
    PetscCall(CheckMlp(settings));
  else
    PetscCall(CheckUnet(settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpNetworkCreate(const TpNetworkSettings *settings, PetscInt num_inputs, PetscInt num_conditions,
                               TpNetwork *network)
{
  TpNetwork      created;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(CheckSettings(settings, num_inputs, num_conditions));
  PetscCall(PetscNew(&created));
  created->ops            = network_kinds[settings->kind];
  created->settings       = *settings;
  created->num_inputs     = num_inputs;
  created->num_conditions = num_conditions;
  code                    = created->ops->create(created);
  if (code) PetscCall(TpNetworkDestroy(&created)); /* too large: the user may be asked again */
  *network = created;
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpNetworkDestroy(TpNetwork *network)
{
  PetscFunctionBeginUser;
  if (!*network) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*network)->ops->destroy(*network));
  PetscCall(PetscFree((*network)->tensors));
  PetscCall(PetscFree((*network)->scales));
  PetscCall(PetscFree((*network)->starts));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt TpNetworkNumInputs(TpNetwork network)
{
  return network->num_inputs;
}

PetscInt TpNetworkNumConditions(TpNetwork network)
{
  return network->num_conditions;
}

PetscInt TpNetworkNumParameters(TpNetwork network)
{
  return network->num_parameters;
}

PetscErrorCode TpNetworkTensors(TpNetwork network, PetscInt *count, const TpTensor **tensors)
{
  PetscFunctionBeginUser;
  *count   = network->num_tensors;
  *tensors = network->tensors;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GrowTensors(TpNetwork network)
{
  const PetscInt max_tensors = network->max_tensors + 64;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(sizeof *network->tensors * (size_t)max_tensors, &network->tensors));
  PetscCall(PetscRealloc(sizeof *network->scales * (size_t)max_tensors, &network->scales));
  PetscCall(PetscRealloc(sizeof *network->starts * (size_t)max_tensors, &network->starts));
  network->max_tensors = max_tensors;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpNetworkAddTensor(TpNetwork network, PetscInt rows, PetscInt columns, double scale, PetscInt *offset,
                                  const char *format, ...)
{
  TpTensor *tensor;
  va_list   arguments;

  PetscFunctionBeginUser;
  if (network->num_tensors == network->max_tensors) PetscCall(GrowTensors(network));
  network->scales[network->num_tensors] = scale;
  network->starts[network->num_tensors] = 0;
  tensor                                = &network->tensors[network->num_tensors++];
  PetscCall(PetscMemzero(tensor, sizeof *tensor));
  va_start(arguments, format);
  (void)vsnprintf(tensor->name, sizeof tensor->name, format, arguments);
  va_end(arguments);
  TpCheckInput((PetscInt64)rows * columns < PETSC_MAX_INT - network->num_parameters,
               "the network is too large: more than %d parameters; allowed: a smaller width or depth",
               (int)PETSC_MAX_INT);
  tensor->offset  = network->num_parameters;
  tensor->rows    = rows;
  tensor->columns = columns;
  network->num_parameters += rows * columns;
  *offset = tensor->offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpNetworkStartAt(TpNetwork network, double value)
{
  network->starts[network->num_tensors - 1] = value;
}

PetscErrorCode TpNetworkInitialise(TpNetwork network, uint64_t seed, TpNumber parameters[])
{
  double  *normal;
  PetscInt largest = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < network->num_tensors; i++) {
    largest = PetscMax(largest, network->tensors[i].rows * network->tensors[i].columns);
  }
  PetscCall(PetscMalloc1(largest, &normal));
  for (PetscInt i = 0; i < network->num_tensors; i++) {
    const PetscInt size = network->tensors[i].rows * network->tensors[i].columns;

    TpRandomNormal(seed, TP_RANDOM_WEIGHTS, (uint32_t)i, 0, size, normal);
    for (PetscInt j = 0; j < size; j++) {
      parameters[network->tensors[i].offset + j] =
          (TpNumber)(network->scales[i] > 0 ? network->starts[i] + network->scales[i] * normal[j] : network->starts[i]);
    }
  }
  PetscCall(PetscFree(normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double TpNetworkOperations(TpNetwork network)
{
  return network->ops->operations(network);
}

/* Asks Linux for pages of 2 MB: a processor remembers the places of fewer small ones than a workspace has. Advice only, so the answer does not matter. */
static void UseLargePages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)memory + page - 1) / page * page;
  const uintptr_t to = ((uintptr_t)memory + bytes) / page * page;

  if (to > from) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

static PetscErrorCode WorkspaceCreate(TpNetwork network, PetscInt max_batch, PetscBool both_ways,
                                      TpWorkspace *workspace)
{
  const size_t size = network->ops->workspace_size(network, max_batch, both_ways);

  PetscFunctionBeginUser;
  PetscCheck(max_batch >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "max_batch %d", (int)max_batch);
  PetscCall(PetscNew(workspace));
  (*workspace)->max_batch = max_batch;
  (*workspace)->both_ways = both_ways;
  PetscCall(PetscMalloc1(size, &(*workspace)->numbers));
  UseLargePages((*workspace)->numbers, size * sizeof *(*workspace)->numbers);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpWorkspaceCreate(TpNetwork network, PetscInt max_batch, TpWorkspace *workspace)
{
  PetscFunctionBeginUser;
  PetscCall(WorkspaceCreate(network, max_batch, PETSC_TRUE, workspace));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpWorkspaceCreateForward(TpNetwork network, PetscInt max_batch, TpWorkspace *workspace)
{
  PetscFunctionBeginUser;
  PetscCall(WorkspaceCreate(network, max_batch, PETSC_FALSE, workspace));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void TpWorkspaceWatch(TpWorkspace workspace, TpGradientWatch watch, void *context)
{
  workspace->watch         = watch;
  workspace->watch_context = context;
}

void TpWorkspaceTell(TpWorkspace workspace, PetscInt first)
{
  if (workspace->watch) workspace->watch(workspace->watch_context, first);
}

PetscErrorCode TpWorkspaceDestroy(TpWorkspace *workspace)
{
  PetscFunctionBeginUser;
  if (!*workspace) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*workspace)->numbers));
  PetscCall(PetscFree(*workspace));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpNetworkForward(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                const TpNumber x[], const TpNumber t[], const TpNumber c[], TpNumber y[])
{
  PetscFunctionBeginUser;
  PetscCheck(B >= 0 && B <= workspace->max_batch, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "batch of %d, workspace for %d", (int)B, (int)workspace->max_batch);
  workspace->batch = B;
  TpKernelsRound((PetscBool)(network->settings.precision == TP_PRECISION_BF16));
  network->ops->forward(network, parameters, workspace, B, x, t, c, y);
  TpKernelsRound(PETSC_FALSE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TpNetworkBackward(TpNetwork network, const TpNumber parameters[], TpWorkspace workspace, PetscInt B,
                                 const TpNumber dy[], TpNumber gradient[], TpNumber dx[])
{
  PetscFunctionBeginUser;
  PetscCheck(B == workspace->batch, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "backward of %d rows after forward of %d", (int)B, (int)workspace->batch);
  PetscCheck(workspace->both_ways, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "a workspace for forward passes alone");
  TpKernelsRound((PetscBool)(network->settings.precision == TP_PRECISION_BF16));
  network->ops->backward(network, parameters, workspace, B, dy, gradient, dx);
  TpKernelsRound(PETSC_FALSE);
  TpWorkspaceTell(workspace, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}
