/* What the files of the application share: the settings and the small services around a run. */
#pragma once

#include "tempera/app.h"
#include "tempera/base.h"
#include "tempera/comm.h"
#include "tempera/diffusion.h"
#include "tempera/engine.h"
#include "tempera/feature.h"
#include "tempera/file.h"
#include "tempera/ladder.h"
#include "tempera/nn.h"
#include "tempera/stream.h"
#include "tempera/thermo.h"
#include "tempera/train.h"

/* ---------------------------------------------------------------------------------------------------------- settings */

/** What there is a trajectory file for. **/
typedef enum { TP_TRAJECTORIES_RUNG, TP_TRAJECTORIES_WALKER, TP_TRAJECTORIES_BOTH } TpTrajectoryKinds;
extern const char *const tp_trajectories_words[]; /* "rung", "walker", "both", NULL */

/** Everything the input file says; filled by the table in parameters.c. **/
typedef struct {
  PetscBool is_training; /* of tempera train, not from the file */
  struct {
    char      *folder; /* of the run; relative to the working folder */
    PetscInt64 rounds;
    PetscInt64 seed;
    double     max_hours; /* 0: no limit */
  } run;
  struct {
    PetscInt64 trainers;
    PetscInt   placement; /* TpPlacement */
  } groups;
  TpEngineSettings    engine;
  TpLadderSettings    ladder; /* sections ladder and exchange */
  TpFeatureSettings   features;
  TpStreamSettings    stream;
  TpNetworkSettings   network;
  TpRealList          multipliers; /* network.multipliers, as read */
  TpDiffusionSettings diffusion;
  TpTrainSettings     training;
  PetscInt64          scale_rounds;   /* training.scale_rounds */
  TpRealList          hold_out_rungs; /* training.hold_out_rungs */
  PetscInt            role;           /* training.temperature: TpRole */
  PetscInt64          steps;          /* training.steps: tempera train */
  PetscInt64          patience;       /* training.patience: tempera train */
  struct {
    double     share; /* of the frames set aside; 0: none */
    PetscInt64 interval;
    PetscInt64 rows;
  } validation; /* training.validation... */
  struct {
    TpTextList files;
    PetscInt   format; /* TpDataFormat */
    char      *dataset;
    char      *topology;
    PetscInt   units;              /* TpUnitSystem */
    PetscInt64 temperature_column; /* -1: there is none */
    TpRealList temperatures;       /* of the bath, one for each file */
    TpRealList condition_columns;
    TpTextList condition_names;
    TpRealList periods;
    TpTextList names;
    PetscInt64 skip;
    PetscInt64 stride;
  } data;
  struct {
    TpRealList particles; /* numbers of particles of lj-fluid to learn from; empty: engine.model.num_particles */
    TpRealList evaluate;  /* numbers to give free energies of, beside those of the next */
    PetscInt64 evaluate_interval; /* 0: those learned from alone */
    PetscBool  extrapolate;
    char      *configurations; /* file to read instead of simulating; "": simulate */
    PetscInt64 training_steps;
    double     cutoff;
    PetscInt64 radial;
    double     noise_min, noise_max; /* units of the box */
    PetscInt64 times;
    PetscInt64 trajectories;
    PetscInt64 relax_steps;
    PetscInt64 relax_leaps;
    double     relax_length;
    PetscInt64 windows;
    PetscInt64 window_rounds;
    PetscInt64 window_moves;
    PetscInt64 insertions;
  } ti;
  struct {
    PetscInt64 report_interval;     /* rounds */
    PetscInt64 energy_interval;     /* rounds; that of frames, a multiple of it, is stream.keep_interval */
    PetscInt64 checkpoint_interval; /* rounds */
    PetscInt64 keep_checkpoints;
    PetscInt64 trajectory_interval; /* rounds, 0: no trajectories */
    PetscInt   trajectories;        /* TpTrajectoryKinds */
    PetscBool  velocities;
  } output;
  struct {
    PetscInt64 samples;
    PetscInt64 bins;
    PetscInt64 pair_bins;
    TpTextList pairs; /* "phi2 psi2" */
  } evaluation;
  struct {
    TpRealList temperatures; /* of surfaces and basins; empty: those of the rungs */
    PetscInt64 between;      /* points of thermodynamics between neighbouring rungs */
    TpTextList surfaces;     /* "phi2", "phi2 psi2" */
    PetscInt64 bins;
    TpTextList basins;         /* "left.phi2: [0, 115 deg]" */
    PetscInt64 replicates;     /* of the bootstrap */
    PetscInt64 relax_rounds;   /* left out after a configuration was replaced */
    PetscInt64 samples;        /* of the model, at each temperature; 0: leave it out */
    PetscInt64 configurations; /* frames of each rung, at most, whose forces are looked at; 0: none */
    struct {
      PetscInt64 steps;   /* of the engine */
      PetscInt64 samples; /* of the model's, whose energies are compared; 0: none */
    } relaxation;
    char  *stop_quantity;
    double stop_error;
  } analysis;
  struct {
    PetscInt64 population;
    PetscInt64 steps; /* MD steps at each temperature */
    PetscInt64 top_rounds;
    TpRealList temperatures; /* empty: the ladder's */
    double     effective;    /* least fraction of effective members after a step; 0: steps as given */
    PetscInt64 replicates;
  } anneal;
} TpSettings;

/** The one table of parameters, ended by a NULL key. **/
extern const TpParameter tp_parameters[];

/** The unit system that the input is in: of the engine, or of the data of a training. Not collective. **/
PetscErrorCode TpSettingsUnits(TpConfig config, PetscBool is_training, TpUnitSystem *units);

/** Fill and check across parameters what a single row of the table can't. `input` is the input file's path. Not collective. Free with TpSettingsDestroy(). **/
PetscErrorCode TpSettingsCreate(TpConfig config, const char *input, PetscBool is_training, TpSettings *settings);
PetscErrorCode TpSettingsDestroy(TpSettings *settings);

/**
  Compare the settings of a restart with those that a checkpoint was written with (YAML text). Not collective.

  Errors: TP_ERR_INPUT naming the first key whose change would change the physics, the random numbers or the model. Lengths, outputs, groups, sampling
  and where files lie may change.

  @param[in] free_keys  keys, and sections as "groups.", that may change besides those of where files lie and how long; ended by NULL
**/
PetscErrorCode TpSettingsCompare(const TpSettings *settings, TpConfig config, const char *const free_keys[],
                                 const char *parameters, const char *name);

/** What may change in a run and in an annealing: no frame and no optimiser step, no member of the population depends on it. **/
extern const char *const tp_run_free_keys[];
extern const char *const tp_anneal_free_keys[];

/* ------------------------------------------------------------------------------------------------------ command line */

/** What the command line says. Texts are argv's. **/
typedef struct {
  const char  *verb;
  const char  *operand; /* input, model or file */
  PetscInt     num_sets;
  const char **sets;          /* [num_sets] "section.key=value" */
  PetscBool    check;         /* --check */
  PetscBool    pilot;         /* --pilot */
  PetscBool    restart;       /* --restart */
  const char  *restart_path;  /* --restart=PATH, NULL: the newest complete checkpoint */
  PetscInt64   reseed_rung;   /* --reseed-rung; -1: not given */
  PetscBool    verify;        /* --verify-restart */
  PetscInt64   verify_rounds; /* --verify-restart=N; 0: not given */
  const char  *folder;        /* not from the command line: instead of run.folder; NULL: that */
  PetscInt64   rounds;        /* likewise: instead of run.rounds; 0: that */
  PetscInt64   stop_round;    /* likewise: stop when so many rounds are done; 0: don't */
  double       max_hours;     /* --max-hours, 0: not given */
  const char  *temperatures;  /* generate */
  PetscInt64   samples;       /* generate; 0: not given */
  const char  *output;        /* generate, analyze */
  PetscInt64   seed;          /* generate; -1: not given */
  const char  *input;         /* analyze; NULL: none */
  const char  *export_format; /* analyze; NULL: none */
  const char  *sampler;       /* generate; NULL: the model's */
  double       ema;           /* generate: decay of the average that generates; -1: the first */
  PetscInt     num_conditions;
  const char **conditions; /* generate: [num_conditions] "name=value" */
  PetscInt64   steps;      /* generate; 0: the model's */
  double       tolerance;  /* generate: of ode and likelihoods; 0: not given */
  const char  *precision;  /* generate: of tp_precision_words; NULL: single */
  const char  *guidance;   /* generate: "T1,T2" or "T1,T2,beta"; NULL: none */
  const char  *likelihood; /* generate: "raw" or "encoded"; NULL: none */
  PetscInt64   probes;     /* generate: random vectors of the likelihood's trace; 0: exact */
  const char
      *given; /* generate: samples to take the likelihood of; analyze: to hold against the run; NULL: those generated */
} TpCommandLine;

/** Put "`what`: " before the line of an input error; any other code is returned as it is. Not collective. **/
PetscErrorCode TpErrorAbout(PetscErrorCode code, const char *what);

/** Parse our part of the command line; what follows "--" is left to PETSc. Not collective. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpCommandLineParse(int argc, char **argv, TpCommandLine *command);
PetscErrorCode TpCommandLineDestroy(TpCommandLine *command);

/** Read the input, apply --set. Collective on `comm`. **/
PetscErrorCode TpReadInput(MPI_Comm comm, const TpCommandLine *command, TpConfig *config, TpSettings *settings);

/* ------------------------------------------------------------------------------------------------------------- verbs */

PetscErrorCode TpVerbRun(MPI_Comm comm, const TpCommandLine *command);
PetscErrorCode TpVerbTrain(MPI_Comm comm, const TpCommandLine *command);
PetscErrorCode TpVerbAnneal(MPI_Comm comm, const TpCommandLine *command);
PetscErrorCode TpVerbGenerate(MPI_Comm comm, const TpCommandLine *command);
PetscErrorCode TpVerbAnalyze(MPI_Comm comm, const TpCommandLine *command);
PetscErrorCode TpVerbInfo(MPI_Comm comm, const TpCommandLine *command);
PetscErrorCode TpVerbTi(MPI_Comm comm, const TpCommandLine *command);

/* ----------------------------------------------------------------------------------------------------------- version */

/** "tempera 0.1.0 (git revision)". Ours. **/
const char *TpVersionLine(void);
/** Version, revision, compilers, libraries; several lines. Not collective. **/
PetscErrorCode TpVersionWrite(FILE *file);

/** Usage and the parameters whose keys contain `filter` (NULL: all). Not collective. **/
PetscErrorCode TpHelpWrite(const char *filter, FILE *file);

/* ------------------------------------------------------------------------------------------------------------- paths */

/** "folder/name" into path. Errors: PETSC_ERR_ARG_SIZ if it does not fit. **/
PetscErrorCode TpPathJoin(const char *folder, const char *name, char path[PETSC_MAX_PATH_LEN]);

#define TP_MEBIBYTE 1048576.0 /* bytes, in what is told of sizes */

/* ---------------------------------------------------------------------------------------------------------- features */

#define TP_NAME_LENGTH 64
#define TP_UNIT_LENGTH 16

/** Write names, units and periods [count] as the group /features. Collective on the file's ranks. **/
PetscErrorCode TpWriteFeatures(TpFile file, PetscInt count, char (*name)[TP_NAME_LENGTH], char (*unit)[TP_UNIT_LENGTH],
                               const double period[]);
