/**
  Ladder: the temperatures, who swaps with whom, and the swap itself.

  Rank k of the replica group owns rung k, temperature T_k, for the whole run. Configurations travel. A swap of neighbours sends point-to-point
  messages between the two partners only, never a collective one; that of all pairs needs all energies. Nothing has to be saved: who tries with
  whom, and the number that decides, are functions of (seed, attempt).

  Source: acceptance, Sugita and Okamoto, Chem. Phys. Lett. 314 (1999) 141; even/odd order, Syed, Bouchard-Cote, Deligiannidis and Doucet,
  J. R. Stat. Soc. B 84 (2022) 321; all pairs, Chodera and Shirts, J. Chem. Phys. 135 (2011) 194110.
**/
#pragma once

#include "tempera/base.h"

typedef struct {
  TpRealList temperatures; /* K (reduced: k_B T); empty: geometric from the next three */
  double     minimum;
  double     maximum;
  PetscInt64 num_rungs;
  PetscInt64 interval;          /* MD steps per round */
  PetscInt   scheme;            /* index into tp_scheme_words */
  PetscInt64 proposals;         /* of gibbs, in each attempt; 0: the cube of the number of rungs */
  PetscBool  tune;              /* re-space the temperatures in the first rounds */
  PetscInt64 tune_rounds;       /* these */
  PetscInt64 tune_stages;       /* each twice as long as the one before */
  double     target_acceptance; /* of neighbours: what a pilot chooses the number of rungs for */
} TpLadderSettings;

typedef enum { TP_SCHEME_DEO, TP_SCHEME_SEO, TP_SCHEME_GIBBS, TP_SCHEME_NONE } TpScheme;
extern const char *const tp_scheme_words[];
/* ^ "deo" (even/odd by turns), "seo" (even or odd at random), "gibbs" (all pairs, many proposals an attempt), "none", NULL */

/**
  What one attempt did, seen from one rung. Pair (i, i + 1) is measured where rung i has the partner i + 1.

  Under gibbs that is so in every attempt: the probability is that of swapping these two alone, and accepted tells whether the configuration of
  rung i + 1 is now at rung i. Who went where is seen from the walkers.
**/
typedef struct {
  PetscInt  partner; /* rung tried with, -1: none this time */
  PetscBool accepted;
  double    probability; /* of acceptance, in [0, 1] */
} TpSwap;

typedef struct TpLadder_ {
  PetscInt   num_rungs;
  double    *temperature; /* [num_rungs] increasing */
  double    *beta;        /* [num_rungs] 1 / (k_B T) */
  double     boltzmann;
  PetscInt   scheme;
  PetscInt64 proposals; /* of gibbs, in each attempt */
  uint64_t   seed;
} * TpLadder;

/**
  Build the temperatures. Not collective; every rank builds the same. Free with TpLadderDestroy().

  Errors: TP_ERR_INPUT for temperatures not positive and strictly increasing, both a list and a range, neither.
**/
PetscErrorCode TpLadderCreate(const TpLadderSettings *settings, double boltzmann, uint64_t seed, TpLadder *ladder);
PetscErrorCode TpLadderDestroy(TpLadder *ladder);

/** Other temperatures [num_rungs], increasing; may be the ladder's own. Not collective: every rank sets the same. **/
void TpLadderSetTemperatures(TpLadder ladder, const double temperature[]);

/** Index of the rung at `temperature` (within 1e-6 relative), -1: none. **/
PetscInt TpLadderFind(TpLadder ladder, double temperature);

/** The rung that `rung` tries to swap with in this attempt, -1: none. Pure. Under gibbs there are no partners. **/
PetscInt TpLadderPartner(TpLadder ladder, PetscInt64 attempt, PetscInt rung);

/** Probability to accept swapping configurations of energies `energy_i`, `energy_j` between rungs i and j. 0 if an energy is not finite. Pure. **/
double TpLadderProbability(TpLadder ladder, PetscInt i, PetscInt j, double energy_i, double energy_j);

/** Buffers and communicator for the swaps of one rung. Collective on `comm`, whose rank is the rung. **/
typedef struct TpExchange_ *TpExchange;

/**
  @param[in] comm         replica group; one rank per rung
  @param[in] state_size   coordinates of a configuration
  @param[in] system_hash  of what this rung simulates

  Errors: TP_ERR_INPUT on all ranks if the hashes differ (the line names the rungs).
**/
PetscErrorCode TpExchangeCreate(TpLadder ladder, MPI_Comm comm, PetscInt state_size, uint64_t system_hash,
                                TpExchange *exchange);
PetscErrorCode TpExchangeDestroy(TpExchange *exchange);

/**
  Attempt number `attempt`: if a swap is accepted, `state` becomes the partner's configuration (positions, box, walker, energy) with its
  velocities scaled by sqrt(T_mine / T_partner). Both partners draw the same number and reach the same decision.

  deo, seo: not collective: only the two partners take part; a rung without partner returns at once.
  gibbs: collective; every rank makes the same proposals, then a configuration moves once, by one message, if it moves at all.

  @param[in,out] state   this rung's configuration with its potential energy
  @param[out]    swap    what happened
  @param[in,out] idle    seconds waited for the partner are added
**/
PetscErrorCode TpExchangeAttempt(TpExchange exchange, PetscInt64 attempt, TpState *state, TpSwap *swap, double *idle);

/* ----------------------------------------------------------------------------------------------------------- barrier */

/*
  Pure functions of the mean rejections r_i of the pairs (i, i + 1), i = 0 .. num_pairs - 1.

  Source: Syed, Bouchard-Cote, Deligiannidis and Doucet, J. R. Stat. Soc. B 84 (2022) 321.
*/

/** Communication barrier Lambda, the sum of the rejections. **/
double TpBarrierSum(PetscInt num_pairs, const double rejection[]);

/**
  Predicted round trips per attempt of all walkers together, if successive attempts of a walker are independent: 1 / (2 + 2 E) under deo and
  1 / (2 N + 2 E) under seo, with N pairs and E = sum r_i / (1 - r_i). NaN for the other schemes, which have no such formula.
**/
double TpBarrierRoundTripRate(PetscInt scheme, PetscInt num_pairs, const double rejection[]);

/** Rungs that make the most round trips per processor time under deo: 1 + 2 Lambda, rounded up, and at least 2. **/
PetscInt TpBarrierBestRungs(double barrier);

/**
  Between rungs whose energies are normally distributed, the rejection r belongs to the length (2 / sqrt(pi)) erfinv(r) of the path in beta: lengths of
  intervals add up exactly, as rejections do in the limit of many rungs. r < length; both are the same to third order.
**/
double TpBarrierLength(double rejection);
double TpBarrierRejection(double length);

/** The fewest rungs over a path of this length whose neighbours accept with `acceptance` in (0, 1) or more; at least 2. **/
PetscInt TpBarrierRungsFor(double length, double acceptance);

/**
  The inverse temperatures of `num_rungs` rungs that share the barrier equally; the ends stay. The cumulative barrier is interpolated by a monotone cubic.
  Basic arithmetic alone, so that every machine finds the same bits.

  @param[in]  beta     [num_pairs + 1] decreasing
  @param[in]  barrier  [num_pairs] of each interval, not negative, not all 0
  @param[out] spaced   [num_rungs] not increasing
**/
void TpBarrierSpace(PetscInt num_pairs, const double beta[], const double barrier[], PetscInt num_rungs,
                    double spaced[]);

/* -------------------------------------------------------------------------------------------------------- population */

/*
  Population annealing: n members that are samples at the inverse temperature beta are made into samples at beta + step. A member of energy U gets the
  weight exp(-step U), the population is resampled by the weights, and dynamics at the new temperature follows. The mean of the weights estimates
  Z(beta + step) / Z(beta), and the product of these means over the steps is an unbiased estimate of the ratio of partition functions.

  Pure functions of the whole population in the order of its places, so that the result does not depend on how it is dealt out to ranks.

  Sources: Hukushima and Iba, AIP Conf. Proc. 690 (2003) 200; Machta, Phys. Rev. E 82 (2010) 026704; families, Wang, Machta and Katzgraber,
  Phys. Rev. E 92 (2015) 063307.
*/

/**
  Weights [n] of a step in beta, scaled to a mean of 1. Returns the ln of the mean of exp(-step U), an estimate of ln Z(beta + step) / Z(beta).

  @param[in]  energy     [n] finite
  @param[out] effective  effective (Kish) members over n, in (0, 1]
**/
double TpPopulationWeigh(PetscInt n, const double energy[], double step, double weight[], double *effective);

/** The longest step of the sign of `whole`, and not beyond it, that leaves at least the fraction in (0, 1) of the members effective; found by
    bisection, never 0. `weight` [n] is for work. **/
double TpPopulationStep(PetscInt n, const double energy[], double whole, double fraction, double weight[]);

/** Systematic resampling: how many copies [n] of each member are in the new population, n in all; the weight rounded up or down, and equal to it in the
    mean over `uniform` in (0, 1). `weight` has the mean 1. **/
void TpPopulationResample(PetscInt n, const double weight[], double uniform, PetscInt copies[]);

/** From which place [n] of the old population each member of the new one comes. One copy stays at its place; further ones fill the places that have become
    free, both in ascending order: so few members move, and all ranks keep as many as they had. **/
void TpPopulationPlace(PetscInt n, const PetscInt copies[], PetscInt source[]);

/**
  Families: the descendants of one founder. Members of a family are correlated, families are not.

  @param[in]  family     [n] founder of each member, 0 <= family < n
  @param[out] size       [n] members of each family
  @param[out] alive      families with members
  @param[out] mean_size  size of the family that a member is in, averaged over members: n / mean_size is the number of independent samples if
                         dynamics below the top decorrelates nothing
**/
void TpFamiliesCount(PetscInt n, const int32_t family[], PetscInt size[], PetscInt *alive, double *mean_size);

/** A bootstrap replicate: draw n of the n founders with replacement and add up their rows of `sum` [n, width] into `total` [width]. Which ones is a function
    of (seed, replicate): the same ones at every temperature, so that errors of one temperature are carried to the next. **/
void TpFamiliesDraw(uint64_t seed, uint32_t replicate, PetscInt n, PetscInt width, const double sum[], double total[]);

/* ------------------------------------------------------------------------------------------------------------ tuning */

/*
  In the first rounds of a run the temperatures are re-spaced to equal rejection, the ends staying where they are; then they are frozen. Rounds are
  dealt into stages, each twice as long as the one before. A stage measures the rejection of every pair, from the probabilities of acceptance; at its
  end the cumulative barrier is interpolated and cut into equal parts. A stage in which a pair was not tried changes nothing and counts on.

  Each side of a run has a tuner: replicas add what their own rung has seen and gather the sums at the end of a stage, trainers add what all rungs have
  seen. Both add the same numbers in the same order, so both find the same temperatures, to the last bit.

  Source: Syed, Bouchard-Cote, Deligiannidis and Doucet, J. R. Stat. Soc. B 84 (2022) 321, algorithm 4.
*/

enum { TP_TUNER_BLOCKS = 16 }; /* of a stage, for standard errors */

typedef enum { TP_TUNER_ATTEMPTS, TP_TUNER_REJECTIONS, TP_TUNER_SUMS } TpTunerSum;

typedef struct TpTuner_ {
  PetscInt   num_rungs;
  PetscInt   num_stages;
  PetscInt64 num_rounds;
  double *
      sums; /* [TP_TUNER_SUMS, TP_TUNER_BLOCKS, num_rungs - 1] of the stage under way: with the temperatures, all that a restart needs */
  /* what the last stage that ended has measured */
  double *beta;      /* [num_rungs] where */
  double *rejection; /* [num_rungs - 1] NaN: pair not tried */
  double *error;     /* [num_rungs - 1] standard error, NaN: not known */
  double  barrier;
  double  barrier_error;
} * TpTuner;

/** Not collective. Free with TpTunerDestroy(). Errors: TP_ERR_INPUT for too few rounds. **/
PetscErrorCode TpTunerCreate(PetscInt num_rungs, PetscInt64 num_rounds, PetscInt num_stages, TpTuner *tuner);
PetscErrorCode TpTunerDestroy(TpTuner *tuner);

/** The fewest rounds for so many stages: 4 for the first one. Pure. **/
PetscInt64 TpTunerLeastRounds(PetscInt num_stages);

/** First round after this stage; the stage of a round, num_stages behind the last; whether a stage ends with this round. Pure. **/
PetscInt64 TpTunerStageEnd(TpTuner tuner, PetscInt stage);
PetscInt   TpTunerStage(TpTuner tuner, PetscInt64 round);
PetscBool  TpTunerEndsStage(TpTuner tuner, PetscInt64 round);

/** Add what `rung` saw of the pair with the next one; nothing behind the last stage. Not collective. **/
void TpTunerAdd(TpTuner tuner, PetscInt64 round, PetscInt rung, const TpSwap *swap);

/** Give every rank the sums of all pairs; each has those of its own rung's. Collective on `comm`, whose rank is the rung. **/
PetscErrorCode TpTunerGather(TpTuner tuner, MPI_Comm comm, PetscInt rung, double *idle);

/** The end of a stage: measure, and re-space the ladder. Not collective; the same on every rank with the same sums. **/
PetscErrorCode TpTunerRespace(TpTuner tuner, TpLadder ladder);

/* -------------------------------------------------------------------------------------------------------- statistics */

/** Cumulative over a whole run; made from the rounds' records, so that it can be rebuilt at a restart. Times are counted in rounds. **/
typedef struct TpLadderStatistics_ {
  PetscInt    num_rungs;
  PetscInt64  rounds;      /* added */
  PetscInt64 *attempts;    /* [num_rungs - 1] of pair (i, i + 1) */
  PetscInt64 *acceptances; /* [num_rungs - 1] */
  double     *probability; /* [num_rungs - 1] sum of acceptance probabilities */
  PetscInt64
      *transitions;   /* [num_rungs, num_rungs] walkers at the first rung in one round and at the second in the next */
  PetscInt   *place;  /* [num_rungs walkers] rung in the last round; -1 before the first */
  PetscInt64 *visits; /* [num_rungs walkers, num_rungs] rounds that each walker spent at each rung */
  PetscInt64 *round_trips; /* [num_rungs walkers] bottom -> top -> bottom, completed */
  PetscInt64 *trip_time;   /* [num_rungs walkers] of all its round trips together */
  PetscInt64 *shortest;    /* [num_rungs walkers] of its round trips; 0: none completed */
  PetscInt64 *longest;     /* [num_rungs walkers] likewise */
  PetscInt64
      *trip_begin; /* [num_rungs walkers] round of the first visit to the bottom, or that completed the last trip */
  int *last_end;   /* [num_rungs walkers] 0 none yet, -1 last was at the bottom, +1 at the top since the bottom */
} * TpLadderStatistics;

PetscErrorCode TpLadderStatisticsCreate(PetscInt num_rungs, TpLadderStatistics *statistics);
PetscErrorCode TpLadderStatisticsDestroy(TpLadderStatistics *statistics);

/** Add one round: walker [num_rungs] at each rung before the swap; swaps [num_rungs] of each rung (pairs are counted once). **/
void TpLadderStatisticsAdd(TpLadderStatistics statistics, const PetscInt64 walker[], const TpSwap swaps[]);

/** Round trips of all walkers. **/
PetscInt64 TpLadderRoundTrips(TpLadderStatistics statistics);

/**
  Second largest eigenvalue of the empirical transition matrix of one round, made symmetric: (N + N^T) / (2 M) for the counts N of M transitions.
  1 / (1 - it) is a relaxation time in rounds. An estimate: it takes the rung of a walker for a reversible Markov chain, which it is only if
  configurations forget between swaps and the scheme is reversible. NaN for one rung or before the second round. Not collective.

  Source: Chodera and Shirts, J. Chem. Phys. 135 (2011) 194110.
**/
PetscErrorCode TpLadderSecondEigenvalue(TpLadderStatistics statistics, double *eigenvalue);

/** Mean rejection of pair (i, i + 1), from the probabilities; NaN before its first attempt. **/
double TpLadderRejection(TpLadderStatistics statistics, PetscInt i);
