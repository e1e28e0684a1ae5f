/*
  The analysis of a run: what it reads, what it finds, and who writes it.

    TpSamplesRead()     the rounds of run.h5 that count, dealt out over the ranks
    TpAnalyse()         fills one TpAnalysis from them
    TpAnalysisWrite...  the writers: each takes a TpAnalysis and nothing else

  All ranks have the same TpAnalysis; rank 0 writes.
*/
#pragma once

#include "run-impl.h"

/* ----------------------------------------------------------------------------------------------------------- samples */

/** Frames [begin, end) of run.h5: frame j is of round (j + 1) `interval` - 1, which is round j where every round has one. **/
typedef struct {
  PetscInt64 begin, end;
} TpWindow;

/** The run and the frames of it that count, called rounds here as each is of one. Arrays are [rungs, count] row-major: of a rung, in the order of time. **/
typedef struct {
  MPI_Comm     comm; /* kept, the caller's */
  int          rank, size;
  char        *folder; /* of the run */
  TpUnitSystem units;
  double       boltzmann;
  PetscInt     num_rungs;
  double      *temperature; /* [rungs] */
  double      *beta;        /* [rungs] */
  PetscInt     num_features;
  double      *period; /* [features] 0: not periodic */
  char       **name;   /* [features] */
  char       **unit;   /* [features] */
  double       time_per_round;
  PetscInt     degrees_of_freedom; /* behind /temperature/kinetic; 0: the file does not say */
  PetscInt64   energy_interval;    /* rounds between energies in run.h5 */
  PetscInt64   interval;           /* rounds between frames: those are what counts */
  PetscInt64   rounds_written;
  PetscInt64   rounds_planned;
  PetscInt64   start_round;   /* training.start_round */
  PetscInt64   equilibration; /* rounds before this one do not count */
  PetscInt     num_repairs;   /* configurations that were replaced */
  PetscInt     num_windows;
  TpWindow    *window;      /* [num_windows] what counts, in order */
  PetscInt64   num_rounds;  /* that count, all ranks */
  PetscInt64   first;       /* of this rank's share, counted among those that count */
  PetscInt64   count;       /* this rank's share */
  char        *system_hash; /* of the run's engine; NULL: run.h5 does not say */
  double      *energy;      /* [rungs, count] */
  double      *kinetic;     /* [rungs, count] kinetic temperature */
  PetscInt    *walker;      /* [rungs, count] */
  float       *features;    /* [rungs, count, features] */
} TpSamples;

/** How to read. **/
typedef struct {
  PetscInt64 end_round;    /* rounds from here on are not looked at; 0: all that are written */
  PetscInt64 start_round;  /* what is equilibration at least; -1: what run.h5 says */
  PetscInt64 relax_rounds; /* left out after a configuration was replaced */
} TpSamplesTask;

/**
  Read what counts of a run: its windows are the rounds after equilibration, less those after a repair. Collective on `comm`.

  @param[in] file  run.h5, open on `comm`

  Errors: TP_ERR_INPUT: fewer than TP_LEAST_ROUNDS rounds.
**/
PetscErrorCode TpSamplesRead(TpFile file, MPI_Comm comm, const char *folder, TpUnitSystem units,
                             const TpSamplesTask *task, TpSamples *samples);
PetscErrorCode TpSamplesDestroy(TpSamples *samples);

#define TP_LEAST_ROUNDS 20

/** The round of run.h5 that counts as number `index`. **/
PetscInt64 TpSamplesRound(const TpSamples *samples, PetscInt64 index);

/**
  Give each rank one whole series of the ranks' parts. Collective.

  @param[in]  num    series, at most the number of ranks; series i goes to rank i
  @param[in]  local  [num, count] parts of this rank
  @param[out] whole  [num_rounds] on ranks below `num`
**/
PetscErrorCode TpSamplesGather(const TpSamples *samples, PetscInt num, const double local[], double whole[]);

/* ------------------------------------------------------------------------------------------------------------- basins */

/** A box of one feature. **/
typedef struct {
  PetscInt feature;
  double   low, high; /* low > high for a periodic feature: around the end of the period */
} TpBox;

typedef struct {
  char     name[TP_NAME_LENGTH];
  PetscInt num_boxes;
  TpBox   *box; /* [num_boxes] all of them hold */
} TpBasin;

/** Resolve `analysis.basins` against the features. Not collective; the same on all ranks. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpBasinsCreate(TpConfig config, const TpTextList *texts, const TpSamples *samples, PetscInt *num,
                              TpBasin **basins);
PetscErrorCode TpBasinsDestroy(PetscInt num, TpBasin **basins);

/** Whether a frame lies in the basin. Pure. **/
PetscBool TpBasinHolds(const TpBasin *basin, const double period[], const float features[]);

/** One or two features, by name: "phi2", "phi2 psi2". `second` is -1 if it is one. Errors: TP_ERR_INPUT. **/
PetscErrorCode TpSurfaceFind(TpConfig config, const char *text, const TpSamples *samples, PetscInt *first,
                             PetscInt *second);

/* ------------------------------------------------------------------------------------------------------------ results */

/** The series of one rung. **/
typedef struct {
  double     temperature;
  PetscInt64 start;     /* where the rung's own energies stop remembering their start, in rounds that count */
  double     g;         /* statistical inefficiency of the energy, in rounds */
  double     g_slowest; /* the largest one of energy, features and basins */
  char       slowest[TP_NAME_LENGTH]; /* whose that is */
  double     uncorrelated;            /* rounds / g */
  double     energy, energy_error;    /* mean of this rung's samples alone */
} TpRungSeries;

/** The way of one walker through the ladder. **/
typedef struct {
  double     g;            /* statistical inefficiency of its rung, in rounds */
  double     uncorrelated; /* rounds / g */
  double     mean_rung;
  PetscInt64 round_trips; /* bottom to top to bottom, in the rounds that count */
} TpWalkerSeries;

/** What stands behind numbers at a temperature. **/
typedef enum {
  TP_SUPPORT_LADDER, /* between the rungs */
  TP_SUPPORT_BEYOND, /* beyond the last rungs, on at least 50 effective samples: only what the rungs' samples reach is seen */
  TP_SUPPORT_NONE, /* fewer than 50 effective samples: not to be trusted, nor its error */
} TpSupport;
extern const char *const tp_support_words[]; /* "ladder", "beyond", "none", NULL */

/** Configurational thermodynamics at one temperature; errors are those of the bootstrap. F and S count from the first rung's Z. **/
typedef struct {
  TpMbarPoint point;
  TpSupport   support;
} TpThermoPoint;

/** One basin at one temperature. **/
typedef struct {
  double population, population_error;
  double free_energy,
      free_energy_error; /* F(basin) - F(first basin) = -k_B T ln(p / p_first); infinite without a sample */
} TpBasinPoint;

/** A free-energy surface over one or two features. **/
typedef struct {
  char     text[2 * TP_NAME_LENGTH]; /* as named in the input */
  PetscInt feature[2];               /* the second is -1 for a profile */
  PetscInt bins;                     /* in each direction */
  PetscInt size;                     /* bins, or bins^2, row-major in (first, second) */
  double   low[2], high[2];
  double  *probability; /* [surface temperatures, size] of each bin; sum 1 */
  double  *error;       /* [surface temperatures, size] of it */
} TpSurface;

/** Free energy between the last and the first rung from part of the data, k_B T. **/
typedef struct {
  double fraction;
  double forward, forward_error;   /* of the first part */
  double backward, backward_error; /* of the last part */
} TpConvergencePoint;

/** Whether two neighbours' energies are those of one system at two temperatures. **/
typedef struct {
  double slope, slope_error; /* of ln[P_i(U) / P_i+1(U)] */
  double expected;           /* beta_i+1 - beta_i */
  double p;                  /* probability of so large a difference by chance */
} TpPairCheck;

/** Whether a rung's kinetic energies are Gamma distributed. **/
typedef struct {
  double mean, mean_error; /* kinetic temperature */
  double distance;         /* Kolmogorov and Smirnov's */
  double p;
} TpKineticCheck;

/** Whether a rung's configurations are at its temperature: <|grad U|^2> against the mean laplacian. **/
typedef struct {
  PetscInt64 frames;
  double     temperature, error;
  double     p;
} TpConfigurationalCheck;

/** What is said of a model at a temperature. **/
typedef enum {
  TP_VERDICT_AGREES,  /* no further off than noise brings a perfect model */
  TP_VERDICT_WORSE,   /* further off */
  TP_VERDICT_OUTSIDE, /* the ladder does not support a reference there */
} TpVerdict;
extern const char
    *const tp_verdict_words[]; /* "agrees", "worse than noise", "outside what the ladder supports", NULL */
extern const char *const tp_reference_words[]; /* "MBAR", "direct MD", "mixture of the label", NULL */

/** A model's samples at one temperature against one reference. **/
typedef struct {
  PetscInt      temperature; /* index */
  TpReference   reference;
  TpVerdict     verdict;
  TpCrossResult result;
} TpModelCheck;

/** Energies of a model's samples at one temperature against those of one reference. **/
typedef struct {
  PetscInt      temperature; /* index */
  TpReference   reference;
  PetscInt64    steps; /* of the engine, at this temperature, since the samples were generated */
  TpVerdict     verdict;
  double        mean;   /* of the model's samples; not finite if one of them is not */
  TpCrossResult result; /* one distance, one divergence; its mean is the reference's */
} TpEnergyCheck;

/** Energies of the model's samples, as they are and after a short relaxation by the engine. **/
typedef struct {
  char       reason[256]; /* why there are none, as where features do not give back configurations; empty: there are */
  PetscInt64 num_samples; /* of the model's, at each temperature */
  PetscInt64 steps;       /* of the relaxation */
  double     alarm;
  PetscInt   bins; /* of the histograms */
  double     low, high;
  PetscInt   num_checks;
  TpEnergyCheck *check; /* [num_checks] by temperature; of each reference first without steps */
} TpModelEnergies;

/** A model of the run beside the run's samples: RUN/model.h5, or whatever the samples given are of. **/
typedef struct {
  char            source[PETSC_MAX_PATH_LEN]; /* the file of the model, or of the samples */
  PetscInt64      num_samples;                /* of the model, at each temperature */
  double          alarm;                      /* probability with which one check calls a perfect model worse */
  PetscInt        num_views;      /* energy distances: all features together, then each one if there are several */
  PetscInt        num_histograms; /* marginals of all features, then the surfaces */
  TpSurface      *histogram;      /* [num_histograms] their bins, without probabilities */
  PetscInt       *first;          /* [num_histograms] where their bins begin in a TpCrossResult */
  PetscInt        num_checks;
  TpModelCheck   *check;       /* [num_checks] by temperature; the first of each is that against MBAR */
  TpBasinPoint   *basin_point; /* [temperatures, basins] of the model's samples */
  TpModelEnergies energies;
  PetscBool       has_score;                     /* the samples are those of the run's model */
  TpAsymmetry     asymmetry[TP_ASYMMETRY_TIMES]; /* of its score, if it has */
} TpModelAnalysis;

/** Everything that is found. **/
typedef struct {
  const TpSamples *samples; /* what was analysed: units, ladder, features, windows */
  PetscInt         bins;
  uint64_t         seed;

  /* series */
  double     g_ladder;   /* largest statistical inefficiency of a mean over the rungs */
  PetscInt64 block;      /* rounds in a block of the bootstrap */
  double     share;      /* of the variance that such blocks find; the errors are made up for the rest */
  PetscInt   replicates; /* of the bootstrap */
  PetscBool
                  is_short; /* blocks are shorter than they should be: the run is short beside its correlations, errors may be too small */
  TpRungSeries   *rung;   /* [rungs] */
  TpWalkerSeries *walker; /* [rungs] */

  /* MBAR over the ladder */
  TpMbarResult mbar;        /* arrays are the analysis's own */
  double      *f_bootstrap; /* [rungs] error of f_k by the bootstrap */

  /* at any temperature */
  PetscInt       num_points;
  TpThermoPoint *point; /* [num_points] by temperature */

  /* surfaces and basins, at `temperature` */
  PetscInt      num_temperatures;
  double       *temperature; /* [num_temperatures] */
  double       *effective;   /* [num_temperatures] */
  TpSupport    *support;     /* [num_temperatures] */
  PetscInt      num_surfaces;
  TpSurface    *surface; /* [num_surfaces] */
  PetscInt      num_basins;
  TpBasin      *basin;       /* [num_basins] */
  TpBasinPoint *basin_point; /* [num_temperatures, num_basins] */

  /* convergence */
  PetscInt            num_fractions;
  TpConvergencePoint *fraction; /* [num_fractions] */

  /* validation; p below `alarm` is called wrong, so that a right run is called wrong with probability TP_FALSE_ALARM in all */
  double                  alarm;
  TpPairCheck            *pair;            /* [rungs - 1] */
  TpKineticCheck         *kinetic;         /* [rungs]; NULL: degrees of freedom are not known */
  TpConfigurationalCheck *configurational; /* [rungs]; NULL: not checked, and why: */
  char                    not_configurational[512];

  TpModelAnalysis *model; /* NULL: there is no model, or it was not asked for */
} TpAnalysis;

#define TP_FALSE_ALARM 0.01

enum { TP_METRICS = 4, TP_MAX_METRICS = 2000 };

/** What only the report shows. The course of the run, its rounds from the first on, is known on rank 0 alone. **/
typedef struct {
  PetscInt64 stride;     /* rounds per point */
  PetscInt   num_points; /* at most 300 */
  double    *round;      /* [points] */
  double    *rung;       /* [walkers, points] where each walker is */
  double    *loss;       /* [points] mean over the point's rounds; NaN: none */
  double    *losses;     /* [points] how many */
  double    *attempts;   /* [rungs] swaps tried with the next rung */
  double    *accepted;   /* [rungs] */
  PetscInt   num_metrics;
  double     metric[TP_METRICS][TP_MAX_METRICS]; /* round; shares of time: MD, replicas waiting, trainers waiting */
  PetscInt   energy_bins;
  double     energy_low, energy_high;
  double    *energy; /* [rungs, bins] density */
  double   **direct; /* [surfaces][rungs, size] probabilities of the rungs' own samples */
} TpHistory;

/** Collective on samples->comm. @param[in] file  run.h5 **/
PetscErrorCode TpHistoryRead(TpFile file, const TpSamples *samples, const TpAnalysis *analysis, TpHistory *history);
PetscErrorCode TpHistoryDestroy(const TpAnalysis *analysis, TpHistory *history);

/**
  Analyse. Collective on samples->comm. Free with TpAnalysisDestroy().

  @param[in] given  samples to hold against the run instead of its model's; without a path: the model's

  Errors: TP_ERR_INPUT: names that are none, rungs that do not overlap, a temperature at which no samples are given.
**/
PetscErrorCode TpAnalyse(const TpSamples *samples, TpConfig config, const TpSettings *settings, const TpGiven *given,
                         TpAnalysis *analysis);
PetscErrorCode TpAnalysisDestroy(TpAnalysis *analysis);

/** As TpAnalyse(), without convergence and checks. **/
PetscErrorCode TpAnalyseEstimates(const TpSamples *samples, TpConfig config, const TpSettings *settings,
                                  TpAnalysis *analysis);

/** The parts of TpAnalyse(), in its order. All collective. **/
PetscErrorCode TpAnalyseSeries(const TpSamples *samples, TpAnalysis *analysis);
PetscErrorCode TpAnalyseLadder(const TpSamples *samples, const TpSettings *settings, TpMbar mbar, TpAnalysis *analysis);
PetscErrorCode TpAnalyseConvergence(const TpSamples *samples, TpAnalysis *analysis);
PetscErrorCode TpAnalyseConfigurational(const TpSamples *samples, const TpSettings *settings, TpAnalysis *analysis);
PetscErrorCode TpAnalyseChecks(const TpSamples *samples, TpAnalysis *analysis);

/** The cross-check of the samples given, or of `RUN/model.h5`, if there is one and analysis.samples is not 0. Collective; last. Errors: TP_ERR_INPUT: a
    model of other features, no samples of a temperature. **/
PetscErrorCode TpAnalyseModel(const TpSamples *samples, const TpSettings *settings, const TpGiven *given,
                              TpAnalysis *analysis);
/** The histogram whose divergence is least likely. Pure. **/
PetscInt       TpModelCheckWorst(const TpModelAnalysis *model, const TpModelCheck *check);
PetscErrorCode TpModelAnalysisDestroy(TpModelAnalysis **model);

/** The range of a surface's bins along an axis. Collective. **/
PetscErrorCode TpSurfaceSetRange(const TpSamples *samples, TpSurface *surface, int axis);

/** What a surface's features are called: "phi2, psi2". **/
void TpSurfaceTitle(const TpSamples *samples, const TpSurface *surface, size_t size, char text[]);

/** MBAR over [first, end) of this rank's share. Collective. `energy` [rungs * (end - first)] is filled and must outlive the TpMbar. **/
PetscErrorCode TpMbarCreatePart(const TpSamples *samples, const double g[], PetscInt64 first, PetscInt64 end,
                                double energy[], TpMbar *mbar);

/** The bin of a frame, row-major; what lies outside counts in the end bins. Pure. **/
PetscInt TpSurfaceBin(const TpSurface *surface, const double period[], const float features[]);

/** How many tests of the run there are: of pairs, kinetic energies, forces; how many say "wrong"; whether one with this probability does. Pure. **/
PetscInt  TpAnalysisNumChecks(const TpAnalysis *analysis);
PetscInt  TpAnalysisNumWrong(const TpAnalysis *analysis);
PetscBool TpAnalysisIsWrong(const TpAnalysis *analysis, double p);

/* ------------------------------------------------------------------------------------------------------------ writers */

#define TP_ANALYSIS_FORMAT  "tempera analysis"
#define TP_ANALYSIS_VERSION 1

/** Tables for people. Not collective. **/
PetscErrorCode TpAnalysisWriteText(const TpAnalysis *analysis, FILE *file);

/** analysis.json; numbers that are not finite are null. Not collective. **/
PetscErrorCode TpAnalysisWriteJson(const TpAnalysis *analysis, FILE *file);

/** A page with figures, complete in itself. Not collective. **/
PetscErrorCode TpAnalysisWriteReport(const TpAnalysis *analysis, const TpHistory *history, FILE *file);

/** analysis.h5, published. Collective on `comm`. **/
PetscErrorCode TpAnalysisWriteFile(const TpAnalysis *analysis, MPI_Comm comm, const char *path, const char *parameters);

/** Reduced potentials of uncorrelated samples as CSV that alchemlyb's DataFrame u_nk is read from. Collective. **/
PetscErrorCode TpAnalysisExport(const TpSamples *samples, const TpAnalysis *analysis, const char *path);
