# shellcheck shell=sh
# Environment for MPI on laptops, workstations and containers; source it: . tools/environment.sh
# It sets only what is unset. A batch system binds ranks to cores itself, so job scripts do not source it.

# name value: export it unless the user has set it
set_if_unset() {
  eval "[ -n \"\${$1+set}\" ]" || export "$1=$2"
}

# More ranks than cores: waiting ranks must give way, and must not be tied to a core.
set_if_unset OMPI_MCA_rmaps_base_oversubscribe 1
set_if_unset OMPI_MCA_mpi_yield_when_idle 1
set_if_unset OMPI_MCA_hwloc_base_binding_policy none

# One thread per rank: the ranks are the parallelism.
set_if_unset OMP_NUM_THREADS 1
set_if_unset OPENBLAS_NUM_THREADS 1

# Containers run as root, and may lack ssh, which Open MPI looks for even on one machine.
if [ "$(id -u)" -eq 0 ]; then
  set_if_unset OMPI_ALLOW_RUN_AS_ROOT 1
  set_if_unset OMPI_ALLOW_RUN_AS_ROOT_CONFIRM 1
fi
if ! command -v ssh >/dev/null 2>&1 && ! command -v rsh >/dev/null 2>&1 && [ -z "${SLURM_JOB_ID:-}" ]; then
  set_if_unset OMPI_MCA_plm isolated
fi
unset -f set_if_unset
