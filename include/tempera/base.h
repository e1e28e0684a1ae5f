/**
  Base: what every module stands on, and nothing of the physics.

    errors     PETSc's error codes and tracebacks, and one code of our own, TP_ERR_INPUT, for mistakes of the user:
               these end the program with one line and exit status 2
    log        lines for people, by level
    units      the two unit systems (molecular, reduced) and quantities such as "2 fs"
    random     counter-based random numbers: pure functions of (seed, purpose, id, step)
    state      a configuration that travels between rungs
    topology   names of atoms and residues, and positions, from a PDB file
    config     the table of parameters and the YAML file it reads

  Words that are never mixed: a *rung* is an index in the temperature ladder, a *walker* is the identity of a configuration
  (it travels between rungs), a *rank* is an MPI process.
**/
#pragma once

#include <petscsys.h>
#include <stdint.h>
#include <stdio.h>

#if PETSC_VERSION_LT(3, 19, 0)
  #define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

/* ------------------------------------------------------------------------------------------------------------ errors */

/** A mistake in what the user gave us. Its text is one line: what, where, what is allowed. Exit status 2. **/
#define TP_ERR_INPUT ((PetscErrorCode)1001)

/** The run was stopped by us for a reason already told (a NaN energy, say). No traceback. Exit status 1. **/
#define TP_ERR_STOPPED ((PetscErrorCode)1002)

/**
  Remember one line for the user and return TP_ERR_INPUT. Not collective.

  Only the first line since the last TpInputErrorClear() is kept: it is the cause, later ones are consequences.
**/
PetscErrorCode TpInputError(const char *format, ...) PETSC_ATTRIBUTE_FORMAT(1, 2);

/** As TpInputError(), for a run that had to stop: remember the line, return TP_ERR_STOPPED. Not collective. **/
PetscErrorCode TpStopError(const char *format, ...) PETSC_ATTRIBUTE_FORMAT(1, 2);

/** The remembered line, "" if there is none. Not collective. The string is ours. **/
const char *TpInputErrorMessage(void);

/** Forget the remembered line. Not collective. **/
void TpInputErrorClear(void);

/** Check a condition on what the user gave us; the rest of the arguments is the line to print, printf style. **/
#define TpCheckInput(condition, ...)                                                                                   \
  do {                                                                                                                 \
    if (PetscUnlikely(!(condition))) PetscFunctionReturn(TpInputError(__VA_ARGS__));                                   \
  } while (0)

/** Make PETSc's traceback silent for TP_ERR_INPUT and TP_ERR_STOPPED. Call once after PetscInitialize(). Not collective. **/
PetscErrorCode TpErrorHandlerInstall(void);

/* --------------------------------------------------------------------------------------------------------------- log */

typedef enum {
  TP_LOG_ERROR,      /* never in a clean run */
  TP_LOG_WARNING,    /* the user should read this */
  TP_LOG_PRODUCTION, /* start, end, one line per report */
  TP_LOG_DETAIL,     /* what was chosen and why */
} TpLogLevel;

/** Lines above `level` are dropped. Default: TP_LOG_PRODUCTION. Not collective. **/
void TpLogSetLevel(TpLogLevel level);

/** Copy every line to `file` too (NULL: stop that). The file stays the caller's. Not collective. **/
void TpLogSetFile(FILE *file);

/**
  Write one line. Not collective: the rank that calls writes. Call it on one rank, or from code that only one rank runs.

  Errors and warnings go to stderr and begin with "tempera: error: " / "tempera: warning: "; the rest goes to stdout as it is.
  The newline is added here.
**/
void TpLog(TpLogLevel level, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(2, 3);

/* ------------------------------------------------------------------------------------------------------------- units */

typedef enum {
  TP_UNITS_MOLECULAR, /* nm, ps, kJ/mol, K, amu, e; k_B = 0.00831446261815324 kJ/mol/K */
  TP_UNITS_REDUCED,   /* dimensionless; k_B = 1 */
} TpUnitSystem;

typedef enum {
  TP_DIMENSION_NONE,
  TP_DIMENSION_TIME,        /* of the simulated system: ps inside; fs, ps, ns, us accepted */
  TP_DIMENSION_RATE,        /* 1/ps inside; "1/ps", "ps-1", "1/fs" accepted */
  TP_DIMENSION_TEMPERATURE, /* K inside */
  TP_DIMENSION_LENGTH,      /* nm inside; nm, A, angstrom, pm accepted */
  TP_DIMENSION_ENERGY,      /* kJ/mol inside; kJ/mol, kcal/mol, eV accepted */
  TP_DIMENSION_MASS,        /* amu inside; amu, Da, g/mol accepted */
  TP_DIMENSION_ANGLE,       /* radian inside; rad, deg accepted */
  TP_DIMENSION_WALL_TIME,   /* of the clock on the wall: hours inside; s, min, h, d accepted, in both unit systems */
} TpDimension;

/** k_B in the unit system: kJ/mol/K or 1. **/
double TpBoltzmann(TpUnitSystem system);

/** The name of the internal unit of a dimension ("nm", "kJ/mol", ...), "" where it has none (reduced units, numbers). **/
const char *TpUnitName(TpUnitSystem system, TpDimension dimension);

/**
  Read "2 fs", "2fs" or "0.002" into internal units; a bare number is in internal units already. Not collective.

  Errors: TP_ERR_INPUT for text that is no finite number, an unknown unit, a unit of another dimension, or any unit (but those
  of TP_DIMENSION_WALL_TIME) in TP_UNITS_REDUCED. The line names the text and the units allowed; the caller adds the key.
**/
PetscErrorCode TpQuantityParse(const char *text, TpDimension dimension, TpUnitSystem system, double *value);

/* ------------------------------------------------------------------------------------------------------------ random */

/** What a random number is for. Values are written into no file, but changing one changes every run: append only. **/
typedef enum {
  TP_RANDOM_INITIAL_POSITION = 1, /* id walker,  step 0              */
  TP_RANDOM_INITIAL_VELOCITY,     /* id walker,  step 0              */
  TP_RANDOM_LANGEVIN,             /* id rung,    step MD step        */
  TP_RANDOM_ENGINE_SEED,          /* id rung,    step round          */
  TP_RANDOM_SWAP,                 /* id lower rung of the pair, step attempt */
  TP_RANDOM_SCHEDULE,             /* id 0,       step attempt        */
  TP_RANDOM_WEIGHTS,              /* id tensor,  step 0              */
  TP_RANDOM_BATCH,                /* id slot in the global batch, step optimiser step */
  TP_RANDOM_DIFFUSION_TIME,       /* id slot,    step optimiser step */
  TP_RANDOM_DIFFUSION_NOISE,      /* id slot,    step optimiser step */
  TP_RANDOM_LABEL,                /* id slot,    step optimiser step */
  TP_RANDOM_SAMPLE_START,         /* id sample,  step 0              */
  TP_RANDOM_SAMPLE_NOISE,         /* id sample,  step sampler step   */
  TP_RANDOM_BOOTSTRAP,            /* id replicate, step rung         */
  TP_RANDOM_EXACT_SAMPLE,         /* id sample,  step caller's: exact samples of model potentials */
  TP_RANDOM_TEST,                 /* tests only                      */
  TP_RANDOM_PAIR,                 /* id block of proposals, step attempt: swaps of any two rungs */
  TP_RANDOM_PATH_LENGTH,          /* id chain,   step move: of hybrid Monte Carlo along a path */
  TP_RANDOM_PATH_VELOCITY,        /* id chain,   step move           */
  TP_RANDOM_PATH_DECISION,        /* id chain,   step move           */
  TP_RANDOM_INSERTION,            /* id configuration, step insertion */
  TP_RANDOM_POPULATION,           /* id 0,       step 0: the seed of an annealing */
  TP_RANDOM_RESAMPLE,             /* id 0,       step of the annealing: resampling of the population */
  TP_RANDOM_DIRECTION,            /* id direction, step 0: of projections of features */
  TP_RANDOM_MODEL_BOOTSTRAP,      /* id comparison, step replicate */
  TP_RANDOM_PROBE,                /* id sample,  step entry of the random vectors */
  TP_RANDOM_ASYMMETRY_VECTOR,     /* id configuration, step entry of the random vectors, one time after another */
  TP_RANDOM_ASYMMETRY_NOISE,      /* id configuration, step time     */
  TP_RANDOM_RELAXATION,           /* of a temperature: the seed of relaxing a model's samples there */
  TP_RANDOM_ROTATION,             /* id slot,    step optimiser step; id 2^32 - 1, step row of a reference */
} TpRandomPurpose;

/**
  Fill `numbers` with uniform numbers in the open interval (0, 1). Not collective.

  A pure function of its arguments (Philox4x32-10, Salmon et al., SC 2011): the first m of n numbers are the same for any n.
  `id` and `step` may be any 32-bit and 56-bit number.
**/
void TpRandomUniform(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                     double numbers[]);

/** As TpRandomUniform(), standard normal numbers (Box and Muller; finite, at most about 8.6 in size). Not collective. **/
void TpRandomNormal(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                    double numbers[]);

/** As TpRandomNormal() in single precision, the same numbers rounded. Not collective. **/
void TpRandomNormalFloat(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                         float numbers[]);

/**
  As TpRandomUniform(), in the open interval (-1/2, 1/2), of 32 bits each: their variance is 1/12. Half the cost, for noise that every step
  draws. Not collective.
**/
void TpRandomCentred(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step, PetscInt count,
                     double numbers[]);

/** 64 random bits, for other libraries' seeds. Not collective. **/
uint64_t TpRandomBits(uint64_t seed, TpRandomPurpose purpose, uint32_t id, uint64_t step);

/* ------------------------------------------------------------------------------------------------------------- state */

/** A configuration: what an accepted swap moves to another rung, and what a checkpoint keeps. **/
typedef struct {
  PetscInt   size;   /* number of coordinates: 3 x particles, or the dimension of a model potential */
  PetscInt64 walker; /* identity of this configuration; travels with it */
  double     energy; /* potential energy of x, kJ/mol (reduced: dimensionless) */
  double    *x;      /* [size] positions, nm; row-major [particle, 3] for particles */
  double    *v;      /* [size] velocities, nm/ps */
  double     box[9]; /* [3, 3] rows are box vectors, nm; all zero if there is no box */
} TpState;

/** Allocate x and v (zeroed). Not collective. Free with TpStateDestroy(). **/
PetscErrorCode TpStateCreate(PetscInt size, TpState *state);

/** Free x and v, set them NULL; a state of zeros is fine. Not collective. **/
PetscErrorCode TpStateDestroy(TpState *state);

/** Copy everything; both have the same size. Not collective. **/
PetscErrorCode TpStateCopy(const TpState *from, TpState *to);

/** Numbers in a packed state of `size` coordinates: what a message or a dataset row holds. **/
PetscInt TpStatePackedSize(PetscInt size);

/** Write the state into `packed` [TpStatePackedSize()], bit for bit. Not collective. **/
void TpStatePack(const TpState *state, double packed[]);

/** Read a packed state. Not collective. **/
void TpStateUnpack(const double packed[], TpState *state);

/** Whether energy, positions, velocities and box are all finite. Not collective. **/
PetscBool TpStateIsFinite(const TpState *state);

/* ---------------------------------------------------------------------------------------------------------- topology */

/** Names and positions of a PDB file's atoms, in file order. **/
typedef struct {
  PetscInt num_atoms;
  char (*atom_name)[8];    /* [num_atoms] "CA", no blanks */
  char (*residue_name)[8]; /* [num_atoms] residue of each atom */
  PetscInt *residue;       /* [num_atoms] residue of each atom, counted from 1 in file order, caps included */
  double   *x;             /* [num_atoms, 3] nm */
  double    box[9];        /* from CRYST1, nm; zero without one */
} TpTopology;

/**
  Read ATOM and HETATM records (first model only, first alternate location only). Not collective.

  Errors: TP_ERR_INPUT with file and line for a file that can't be read, holds no atom, or has coordinates that are no numbers.
**/
PetscErrorCode TpTopologyReadPDB(const char *path, TpTopology *topology);

/** Free the arrays, zero the struct. Not collective. **/
PetscErrorCode TpTopologyDestroy(TpTopology *topology);

/* ------------------------------------------------------------------------------------------------------------ config */

/** Lists that parameters fill. `values` belongs to the settings; free with TpConfigFree(). **/
typedef struct {
  PetscInt size;
  double  *values;
} TpRealList;

typedef struct {
  PetscInt size;
  char   **values;
} TpTextList;

typedef enum {
  TP_BOOL, /* PetscBool;   true/false, yes/no, on/off */
  TP_INT,  /* PetscInt64   */
  TP_REAL, /* double       a quantity: number and, if it has a dimension, unit */
  TP_WORD, /* PetscInt     index into `choices` */
  TP_TEXT, /* char *       */
  TP_PATH, /* char *       relative to the folder of the input file; made absolute or relative to the working folder on reading,
                                "." and ".." taken out by name; "" stays "" */
  TP_REAL_LIST, /* TpRealList   */
  TP_TEXT_LIST, /* TpTextList   an item that is itself a YAML list of scalars becomes one text joined by blanks: [4, 6] -> "4 6" */
  TP_PATH_LIST, /* TpTextList   */
  TP_TEXT_MAP, /* TpTextList   a section below which the user chooses the keys; each becomes one text: "name.key: [a, b]" */
} TpParameterType;

/** One row of the table of parameters: it drives reading, checking, help, the example input and the reference page. **/
typedef struct {
  const char     *key; /* "section.name", or "section.sub.name" */
  TpParameterType type;
  TpDimension     dimension;  /* of TP_REAL and TP_REAL_LIST */
  size_t          offset;     /* of the member in the settings struct */
  const char *default_value;  /* as a user would write it; NULL: required; "" for a text or list: empty. Its units are
                                       those of the molecular system; the reduced system takes the same internal number */
  double      minimum;        /* allowed range of numbers, ends included, internal units; DBL_MIN says "above 0" and */
  double      maximum;        /* PETSC_MAX_REAL "no bound"; both 0: any number */
  const char *const *choices; /* TP_WORD: NULL-terminated words */
  const char        *help;    /* what it is, one or two sentences */
} TpParameter;

/** Index of a word in a NULL-terminated list, such as choices; -1: none of them. **/
PetscInt TpWordFind(const char *const words[], const char *text);

typedef struct TpConfig_ *TpConfig;

/**
  A configuration over `table` (ended by a row with key NULL; kept, not copied). Not collective. Free with TpConfigDestroy().
**/
PetscErrorCode TpConfigCreate(const TpParameter table[], TpConfig *config);

/** Free it; accepts NULL. Not collective. **/
PetscErrorCode TpConfigDestroy(TpConfig *config);

/**
  Read a YAML file: rank 0 of `comm` reads, all get the text and parse it. Collective on `comm`.

  Errors, on all ranks alike, TP_ERR_INPUT with "file:line: ": a file that can't be read, YAML that does not parse (line and column),
  an unknown key (with the nearest known one), a duplicate key, a list where a value is expected and the reverse.
**/
PetscErrorCode TpConfigReadFile(TpConfig config, MPI_Comm comm, const char *path);

/** Parse YAML from memory; `name` stands for the file in messages, `folder` is what relative paths start from. Not collective. **/
PetscErrorCode TpConfigReadText(TpConfig config, const char *name, const char *folder, const char *text);

/**
  Override one value by "section.key=value" from the command line; the value is YAML ("[1, 2]" is a list). Not collective.

  What is read or set later replaces what came before. Relative paths start from the working folder.
**/
PetscErrorCode TpConfigSet(TpConfig config, const char *assignment);

/** Whether the user gave this key (file or --set). Not collective. **/
PetscErrorCode TpConfigIsGiven(TpConfig config, const char *key, PetscBool *given);

/**
  Fill the settings struct that the table's offsets point into: defaults, conversion to internal units, types and ranges. Not collective.
  After an error the settings hold nothing to free.

  @param[in]     config
  @param[in]     system    unit system that bare numbers and units are read in
  @param[in,out] settings  zeroed struct; texts and lists are allocated, free with TpConfigFree()

  Errors: TP_ERR_INPUT, "file:line: key: value ...; allowed ...".
**/
PetscErrorCode TpConfigApply(TpConfig config, TpUnitSystem system, void *settings);

/** Read one TP_WORD before TpConfigApply(), as the unit system depends on one. Not collective. **/
PetscErrorCode TpConfigGetWord(TpConfig config, const char *key, PetscInt *index);

/** Free the texts and lists that TpConfigApply() made in `settings`. Not collective. **/
PetscErrorCode TpConfigFree(const TpParameter table[], void *settings);

/**
  All values, defaults included, as YAML that TpConfigReadText() reads back to the same settings; numbers with their units,
  relative paths written relative to `folder` (NULL or an absolute folder: as absolute paths). Not collective. Free `*text` with PetscFree().
**/
PetscErrorCode TpConfigWriteText(TpConfig config, TpUnitSystem system, const void *settings, const char *folder,
                                 char **text);

/** One line for an error about a key found wrong after reading: "file:line: key: " + message. Returns TP_ERR_INPUT. Not collective. **/
PetscErrorCode TpConfigError(TpConfig config, const char *key, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(3, 4);

/** The table as commented example input (`input/parameters.yaml`) or as the reference page (Markdown). Not collective. **/
PetscErrorCode TpConfigWriteExample(const TpParameter table[], FILE *file);
PetscErrorCode TpConfigWriteReference(const TpParameter table[], FILE *file);

/** Help for the terminal: keys that contain `filter` (NULL: all). Not collective. **/
PetscErrorCode TpConfigWriteHelp(const TpParameter table[], const char *filter, FILE *file);
