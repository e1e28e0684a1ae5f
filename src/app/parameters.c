/* The one table of parameters: reading, checking, help, example input and reference page all come from it. */
#include "data.h"

#define AT(member) offsetof(TpSettings, member)

#define HUGE PETSC_MAX_REAL
#define MANY 9007199254740992.0 /* 2^53: every integer up to here is exact */

static const char *const placement_words[] = {"last", "spread", NULL};
static const char *const unit_words[]      = {"molecular", "reduced", NULL}; /* TpUnitSystem */

/* clang-format off */
#define INT(key, member, standard, low, high, help)             {key, TP_INT, TP_DIMENSION_NONE, AT(member), standard, low, high, NULL, help}
#define REAL(key, dimension, member, standard, low, high, help) {key, TP_REAL, TP_DIMENSION_##dimension, AT(member), standard, low, high, NULL, help}
#define BOOL(key, member, standard, help)                       {key, TP_BOOL, TP_DIMENSION_NONE, AT(member), standard, 0, 0, NULL, help}
#define WORD(key, member, standard, words, help)                {key, TP_WORD, TP_DIMENSION_NONE, AT(member), standard, 0, 0, words, help}
#define TEXT(key, type, member, standard, help)                 {key, type, TP_DIMENSION_NONE, AT(member), standard, 0, 0, NULL, help}
#define MAP(key, member, help)                                  {key, TP_TEXT_MAP, TP_DIMENSION_NONE, AT(member), "", 0, 0, NULL, help}
#define LIST(key, dimension, member, standard, low, high, help) {key, TP_REAL_LIST, TP_DIMENSION_##dimension, AT(member), standard, low, high, NULL, help}

const TpParameter tp_parameters[] = {
  /* run */
  TEXT("run.folder", TP_TEXT, run.folder, "", "Folder of the run, relative to the working folder; made if needed. Empty: runs/NAME for the input NAME.yaml."),
  INT("run.rounds", run.rounds, NULL, 1, 1e12, "Length of the run. One round is exchange.interval MD steps, one swap attempt and one frame; everything else is counted in rounds."),
  INT("run.seed", run.seed, "1", 0, MANY, "Seed of every random number of the run."),
  REAL("run.max_hours", WALL_TIME, run.max_hours, "0", 0, 1e6, "Stop gently, with a checkpoint, after this time on the clock; 0: no limit."),

  /* groups */
  INT("groups.trainers", groups.trainers, "1", 1, 65536, "Ranks of the trainer group, which learns and writes all files; the ladder has one replica rank per rung beside them."),
  WORD("groups.placement", groups.placement, "last", placement_words, "Where trainers sit: the last ranks, or spread over the nodes."),

  /* engine */
  WORD("engine.kind", engine.kind, NULL, tp_engine_words, "What moves the configurations: a model potential, OpenMM, or LAMMPS."),
  REAL("engine.timestep", TIME, engine.timestep, NULL, 1e-12, 1e3, "MD time step."),
  REAL("engine.friction", RATE, engine.friction, "1", 0, 1e6, "Friction of the Langevin thermostat."),
  WORD("engine.model.potential", engine.model.potential, "double-well", tp_potential_words, "The model potential."),
  INT("engine.model.dimension", engine.model.dimension, "1", 1, 100000, "Number of coordinates of harmonic, double-well and gaussian-mixture."),
  INT("engine.model.num_particles", engine.model.num_particles, "13", 1, 1000000, "Particles of lj-cluster and lj-fluid."),
  INT("engine.model.num_residues", engine.model.num_residues, "9", 1, 10000, "Residues of chiral-chain; each has two angles."),
  REAL("engine.model.box_length", LENGTH, engine.model.box_length, "6", 1e-3, 1e6, "Edge of the periodic cube of lj-fluid."),
  REAL("engine.model.cutoff", LENGTH, engine.model.cutoff, "0", 0, 1e6, "Cutoff of lj-fluid, plain truncation; 0: all pairs by minimum image."),
  REAL("engine.model.radius", LENGTH, engine.model.radius, "2", 0.1, 1e6, "Wall of lj-cluster: largest distance from the centre of mass."),
  REAL("engine.model.mass", MASS, engine.model.mass, "1", 1e-12, 1e12, "Mass of every coordinate."),
  REAL("engine.model.barrier", ENERGY, engine.model.barrier, "4", 0, 1e6, "Barrier of double-well; spring constant of harmonic."),
  LIST("engine.model.means", NONE, engine.model.means, "", -HUGE, HUGE, "Means of gaussian-mixture, component after component."),
  LIST("engine.model.sigmas", NONE, engine.model.sigmas, "", 1e-12, HUGE, "Standard deviations of gaussian-mixture at T = 1, one per component."),
  LIST("engine.model.weights", NONE, engine.model.weights, "", 0, HUGE, "Weights of gaussian-mixture, one per component."),
  TEXT("engine.openmm.system", TP_PATH, engine.openmm.system, "", "OpenMM System, serialized XML, of what is simulated."),
  TEXT("engine.openmm.positions", TP_PATH_LIST, engine.openmm.positions, "", "PDB files to start from; walker w takes file w modulo their number."),
  TEXT("engine.openmm.platform", TP_TEXT, engine.openmm.platform, "CPU", "OpenMM platform: Reference (small molecules), CPU, CUDA, OpenCL, or any that the library has."),
  INT("engine.openmm.threads", engine.openmm.threads, "1", 1, 1024, "Threads of platform CPU, per rank."),
  BOOL("engine.openmm.deterministic", engine.openmm.deterministic, "true", "Ask the platform for deterministic forces, so that restarts continue bit for bit."),
  BOOL("engine.openmm.minimize", engine.openmm.minimize, "true", "Relax the start positions before the first step."),
  TEXT("engine.lammps.script", TP_PATH, engine.lammps.script, "", "LAMMPS input script that sets the system up: units, atoms, force field; Tempera runs it. File names in it are relative to its own folder."),
  WORD("engine.lammps.units", engine.lammps.units, "real", tp_lammps_unit_words, "The units of the script. With lj, all numbers of this input are in reduced units."),
  WORD("engine.lammps.thermostat", engine.lammps.thermostat, "tempera", tp_lammps_thermostat_words, "Who moves the atoms and keeps the temperature: Tempera, by Langevin dynamics with engine.friction, or fixes of the script that take ${temperature} and ${seed}; those do not continue bit for bit."),

  /* ladder */
  LIST("ladder.temperatures", TEMPERATURE, ladder.temperatures, "", 1e-12, 1e12, "Temperatures of the rungs, increasing. Or give minimum, maximum and num_rungs."),
  REAL("ladder.minimum", TEMPERATURE, ladder.minimum, "0", 0, 1e12, "Lowest temperature of a geometric ladder."),
  REAL("ladder.maximum", TEMPERATURE, ladder.maximum, "0", 0, 1e12, "Highest temperature of a geometric ladder."),
  INT("ladder.num_rungs", ladder.num_rungs, "0", 0, 65536, "Rungs of a geometric ladder."),
  REAL("ladder.target_acceptance", NONE, ladder.target_acceptance, "0.3", 0.01, 0.99, "Acceptance of neighbours that tempera run --pilot chooses the number of rungs for; a run itself does not use it."),
  BOOL("ladder.tune", ladder.tune, "false", "Re-space the temperatures between the ends to equal rejection in the first tune_rounds rounds, then freeze them."),
  INT("ladder.tune_rounds", ladder.tune_rounds, "2000", 1, 1e12, "Rounds of tuning, or of a pilot; training.start_round must not be earlier."),
  INT("ladder.tune_stages", ladder.tune_stages, "6", 1, 20, "Stages of the tuning: the temperatures move at the end of each, and each is twice as long as the one before."),

  /* exchange */
  INT("exchange.interval", ladder.interval, "500", 1, 16777215, "MD steps per round."),
  WORD("exchange.scheme", ladder.scheme, "deo", tp_scheme_words, "Who tries to swap: even and odd pairs by turns (deo, non-reversible), one or the other at random (seo), all pairs by many random proposals (gibbs), nobody (none)."),
  INT("exchange.proposals", ladder.proposals, "0", 0, 1e9, "Pairs that gibbs tries to swap in each attempt, one after the other; 0: the cube of the number of rungs."),

  /* features */
  TEXT("features.torsions", TP_TEXT_LIST, features.torsions, "", "Torsions to model: phi, psi, omega (all of the chain), phi:2 (of residue 2), or four atom indices from 0, [4, 6, 8, 14]."),
  TEXT("features.distances", TP_TEXT_LIST, features.distances, "", "Distances to model: pairs of atom indices, [[0, 7]]."),
  TEXT("features.coordinates", TP_TEXT_LIST, features.coordinates, "", "Coordinates to model: all, or indices of atoms (of coordinates, for model potentials). With no feature given, all coordinates of a model potential."),
  WORD("features.align", features.align, "none", tp_align_words, "What is taken away from the coordinates of atoms: nothing (none), the motion of their centre (centre), that and their rotation, by superposing them on the PDB file (superpose), or that of their centre, and they are turned at random each time a frame is learned from, so that the model knows all orientations alike (augment)."),
  WORD("features.label", features.label, "bath", tp_label_words, "Temperature label of a frame: that of the bath, the kinetic temperature of label_atoms, or that of the bath with noise added (jitter)."),
  TEXT("features.label_atoms", TP_TEXT_LIST, features.label_atoms, "[all]", "Atoms of the kinetic label: all, or atom indices."),
  REAL("features.jitter", TEMPERATURE, features.jitter, "0", 0, 1e12, "Standard deviation of what the label jitter adds to the bath's temperature; at most a ninth of the lowest temperature."),
  WORD("features.angles", features.angles, "sincos", tp_angles_words, "How periodic features diffuse: as sine and cosine, as angles on a circle (wrapped), or as numbers from -1 to 1 that are cut at half a period (raw, as in the paper of Wang, Herron and Tiwary)."),
  WORD("features.scaling", features.scaling, "standard", tp_scaling_words, "Scaling of what diffuses: to mean 0 and variance 1 (standard), or from -1 to 1 (range). Angles that are wrapped or raw have their own. Nothing is clipped."),

  /* data */
  TEXT("data.files", TP_PATH_LIST, data.files, "", "tempera train: files to learn from, each a run.h5, H5MD, or an array [row, column] of numbers in NumPy or HDF5 form."),
  WORD("data.format", data.format, "auto", tp_data_format_words, "Format of the files: seen from each file itself (auto), run.h5 of Tempera, H5MD, or an array."),
  TEXT("data.dataset", TP_TEXT, data.dataset, "", "The dataset of an HDF5 array. Empty: the only one there is."),
  TEXT("data.topology", TP_PATH, data.topology, "", "PDB file with the atoms of H5MD files, for torsions by name."),
  WORD("data.units", data.units, "molecular", unit_words, "Units of the files, and of the numbers of this input: nm, ps, K, kJ/mol (molecular), or none with k_B = 1 (reduced)."),
  INT("data.temperature_column", data.temperature_column, "-1", -1, 1e9, "Column of an array that is the temperature, counted from 0; -1: there is none. The other columns are the features."),
  LIST("data.temperatures", TEMPERATURE, data.temperatures, "", 1e-12, 1e12, "Temperature of the bath of each file of H5MD or array form. Beside a temperature column that is the label, they tell the rungs."),
  LIST("data.condition_columns", NONE, data.condition_columns, "", 0, 1e9, "Columns of an array that are further conditions, such as a pressure."),
  TEXT("data.condition_names", TP_TEXT_LIST, data.condition_names, "", "Names of the further conditions, for tempera generate --condition NAME=VALUE. Empty: column3, say."),
  LIST("data.periods", NONE, data.periods, "", 0, HUGE, "Periods of the features of an array, one for all or one for each; 0: not periodic. For H5MD they replace those that Tempera knows."),
  TEXT("data.names", TP_TEXT_LIST, data.names, "", "Names of the features of an array. Empty: x0, x1 and so on."),
  INT("data.skip", data.skip, "0", 0, 1e12, "Frames at the beginning of each file that are equilibration; of a run.h5, rounds."),
  INT("data.stride", data.stride, "1", 1, 1e12, "Take every so many frames."),

  /* stream */
  INT("stream.max_lag", stream.max_lag, "16", 1, 1000000, "Rounds that replicas may be ahead of the trainers."),
  INT("stream.shards", stream.num_shards, "4", 1, 65536, "Shards that the frames are kept in, fixed for the life of a run; a multiple of the numbers of trainers that you want to run with."),
  INT("stream.block_rounds", stream.block_rounds, "1", 1, 1000000, "Rounds whose frames of a rung go to the same shard."),

  /* network */
  WORD("network.kind", network.kind, "mlp", tp_network_words, "The denoiser: a residual MLP, or a one-dimensional U-Net over the sequence of temperature and features."),
  INT("network.width", network.width, "256", 4, 65536, "Width of the hidden layers. Of unet1d: channels that the multipliers multiply, a multiple of 8; 32 in the paper of Wang, Herron and Tiwary."),
  INT("network.depth", network.depth, "4", 1, 1000, "Number of residual blocks; not used by unet1d."),
  INT("network.embedding", network.embedding, "64", 4, 4096, "Width of the embeddings of time and temperature; even; not used by unet1d."),
  LIST("network.multipliers", NONE, multipliers, "[1, 2, 2, 4]", 1, 64, "Channels of the levels of unet1d over network.width, one whole number per level, up to 8; not used by mlp."),
  INT("network.channels", network.channels, "1", 1, 64, "Inputs at a position of unet1d, in the order of the features: 1 in the paper; 4 where sine and cosine of phi and of psi make a residue; not used by mlp."),
  WORD("network.precision", network.precision, "single", tp_precision_words, "Of matrix products and convolutions: single, or bf16 (operands of 8 bits, sums in single precision), much faster on processors with AMX and refused on others. Parameters are in single precision either way."),

  /* diffusion */
  WORD("diffusion.schedule", diffusion.schedule, "cosine", tp_schedule_words, "Noise schedule."),
  INT("diffusion.times", diffusion.num_times, "1000", 2, 100000, "Number of diffusion times T."),
  WORD("diffusion.predict", diffusion.predict, "noise", tp_predict_words, "What the network answers with: the noise, or the velocity, a mixture of noise and data whose errors are not amplified where there is little signal."),
  WORD("diffusion.sampler", diffusion.sampler, "sde", tp_sampler_words, "Sampler: ancestral, every time (ddpm); deterministic (ddim); a multistep method with a little noise, for few evaluations such as 20 (dpmpp); the same with all the noise of the reverse diffusion, for 30 or more and the best (sde); or the probability flow with error control (ode)."),
  INT("diffusion.steps", diffusion.num_steps, "50", 1, 100000, "Network evaluations per sample of ddim, dpmpp and sde; ddpm takes all times, ode as many as it needs."),

  /* training */
  INT("training.batch", training.batch, "128", 1, 1e9, "Rows per optimiser step over all trainers; a multiple of stream.shards."),
  INT("training.steps_per_round", training.steps_per_round, "1", 0, 1e6, "Optimiser steps per round; 0: simulate only."),
  INT("training.start_round", training.start_round, "0", 0, 1e12, "Frames of earlier rounds are equilibration: neither learned from nor compared with."),
  INT("training.scale_rounds", scale_rounds, "100", 1, 1e9, "Rounds of frames from which the scaling of the features is measured; training begins after them."),
  INT("training.steps", steps, "10000", 1, 1e12, "tempera train: optimiser steps in all."),
  WORD("training.temperature", role, "conditional", tp_role_words, "Role of the temperature: given to the network (conditional), one more coordinate with noise like the others (joint), or given, and setting the variance of the noise as T over a reference (prior)."),
  REAL("training.learning_rate", NONE, training.learning_rate, "5e-4", 1e-12, 10, "Learning rate of AdamW."),
  WORD("training.rate_schedule", training.rate_schedule, "constant", tp_rate_words, "Course of the learning rate after the warm-up."),
  INT("training.warmup_steps", training.warmup_steps, "0", 0, 1e12, "Optimiser steps over which the learning rate rises from near 0."),
  INT("training.decay_steps", training.decay_steps, "0", 0, 1e12, "Optimiser step at which a cosine rate has come down to final_rate; it stays there."),
  REAL("training.final_rate", NONE, training.final_rate, "0.01", 0, 1, "Share of the learning rate that a cosine leaves."),
  REAL("training.clip_norm", NONE, training.clip_norm, "0", 0, 1e12, "Largest norm of the gradient over all weights; a larger one is scaled down to it. 0: no limit."),
  REAL("training.weight_decay", NONE, training.weight_decay, "0", 0, 10, "Weight decay of AdamW."),
  REAL("training.ema_decay", NONE, training.ema_decay, "0.999", 0, 0.9999999, "Decay per step of the moving average of the weights, which is what generates."),
  LIST("training.ema_others", NONE, training.ema_others, "", 0, 0.9999999, "Decays of further moving averages to keep in the model; tempera generate --ema picks one."),
  REAL("training.validation", NONE, validation.share, "0", 0, 0.5, "Share of the frames that is set aside, the last ones of every hundred in time; the best model is the one with the lowest denoising loss on them. 0: none."),
  INT("training.validation_interval", validation.interval, "500", 1, 1e12, "Optimiser steps between validations."),
  INT("training.validation_rows", validation.rows, "4096", 1, 1e9, "Frames of a validation, the first ones set aside; their noise is always the same."),
  INT("training.patience", patience, "0", 0, 1e9, "tempera train: stop after so many validations without a better one; 0: never."),
  WORD("training.reduce", training.reduce, "tree", tp_reduce_words, "Sum of gradients: over a fixed tree (the same bits for any number of trainers) or by MPI (faster)."),
  LIST("training.hold_out", TEMPERATURE, training.hold_out, "", 1e-12, 1e12, "Temperatures of rungs whose frames are not learned from; the run ends by generating there and comparing."),
  LIST("training.hold_out_rungs", NONE, hold_out_rungs, "", 0, 65535, "The same by rung, counted from 0: for rungs whose temperature is tuned."),

  /* ti */
  LIST("ti.particles", NONE, ti.particles, "", 1, 100000, "Numbers of particles of lj-fluid to learn from, increasing; empty: engine.model.num_particles."),
  INT("ti.evaluate_interval", ti.evaluate_interval, "0", 0, 100000, "Free energies of this many particles, twice as many, and so on up to the largest of ti.particles; 0: none but the others."),
  LIST("ti.evaluate", NONE, ti.evaluate, "", 1, 100000, "Numbers of particles whose free energies are wanted beside those of ti.particles."),
  BOOL("ti.extrapolate", ti.extrapolate, "false", "Allow ti.evaluate beyond the largest of ti.particles, a density that nothing was learned from."),
  TEXT("ti.configurations", TP_PATH, ti.configurations, "", "ti.h5 of another run whose configurations are learned from; empty: simulate."),
  INT("ti.training_steps", ti.training_steps, "4000", 1, 1e12, "Optimiser steps; training.learning_rate falls to nothing over them."),
  REAL("ti.cutoff", LENGTH, ti.cutoff, "2.5", 1e-3, 1e6, "Distance up to which particles of the fluid's network send messages; at most half of engine.model.box_length."),
  INT("ti.radial", ti.radial, "16", 2, 256, "Functions of the distance in the fluid's network."),
  REAL("ti.noise_min", NONE, ti.noise_min, "1e-3", 1e-6, 0.1, "Least noise of the fluid's path, in units of the box."),
  REAL("ti.noise_max", NONE, ti.noise_max, "0.5", 0.1, 10, "Largest noise of the fluid's path, in units of the box."),
  INT("ti.times", ti.times, "128", 4, 1e6, "Steps of a trajectory from t = 1 to 0, a multiple of 4."),
  INT("ti.trajectories", ti.trajectories, "1024", 2, 1e9, "Independent trajectories for each free energy."),
  INT("ti.relax_steps", ti.relax_steps, "1", 0, 65535, "Moves of hybrid Monte Carlo at each time of the corrected trajectories; 0: only those that are not corrected."),
  INT("ti.relax_leaps", ti.relax_leaps, "3", 1, 10000, "Leapfrog steps of each of these moves: 3 for few degrees of freedom; 10 to 20 for a dense fluid, which forgets more by long moves than by many."),
  REAL("ti.relax_length", NONE, ti.relax_length, "0.1", 1e-9, 100, "Leapfrog steps of these moves and of the windows' at t = 0, in scaled coordinates (fluid: units of the box)."),
  INT("ti.windows", ti.windows, "0", 0, 255, "Windows of the classical integration, one replica rank for each; 0: none. With more than one rung: as many."),
  INT("ti.window_rounds", ti.window_rounds, "1000", 10, 1e9, "Samples of each window; the first fifth sets the step and is not counted."),
  INT("ti.window_moves", ti.window_moves, "4", 1, 1e6, "Moves of hybrid Monte Carlo between two samples of a window."),
  INT("ti.insertions", ti.insertions, "0", 0, 1e6, "Particles inserted into each configuration of the fluid by Widom's method; 0: none."),

  /* output */
  INT("output.report_interval", output.report_interval, "100", 1, 1e9, "Rounds between lines of progress; run.h5 and metrics.csv are written then."),
  INT("output.energy_interval", output.energy_interval, "1", 1, 1e9, "Rounds between energies and kinetic temperatures in run.h5; exchanges are there for every round."),
  INT("output.feature_interval", stream.keep_interval, "1", 1, 1e9, "Rounds between frames (features and labels) in run.h5, which are those that are learned from; a multiple of energy_interval."),
  INT("output.checkpoint_interval", output.checkpoint_interval, "1000", 1, 1e12, "Rounds between checkpoints; there is one at the end in any case."),
  INT("output.keep_checkpoints", output.keep_checkpoints, "2", 2, 1e6, "Checkpoints to keep, the newest ones."),
  INT("output.trajectory_interval", output.trajectory_interval, "10", 0, 1e12, "Rounds between frames of the trajectories; 0: no trajectories."),
  WORD("output.trajectories", output.trajectories, "rung", tp_trajectories_words, "One trajectory for each rung (at one temperature), for each walker (continuous in time, through the temperatures), or both."),
  BOOL("output.velocities", output.velocities, "false", "Keep velocities in the trajectories."),

  /* evaluation */
  INT("evaluation.samples", evaluation.samples, "20000", 1, 1e10, "Samples to generate at each held-out temperature when the run is done."),
  INT("evaluation.bins", evaluation.bins, "36", 2, 10000, "Bins of the marginals that are compared."),
  INT("evaluation.pair_bins", evaluation.pair_bins, "36", 2, 1000, "Bins, in each direction, of the pairs that are compared."),
  TEXT("evaluation.pairs", TP_TEXT_LIST, evaluation.pairs, "", "Pairs of features to compare in two dimensions, by name: [[phi2, psi2]]."),

  /* analysis */
  LIST("analysis.temperatures", TEMPERATURE, analysis.temperatures, "", 1e-12, 1e12, "Temperatures of surfaces and basins, simulated or not; thermodynamics is given there too. Empty: those of the rungs."),
  INT("analysis.between", analysis.between, "3", 0, 1000, "Temperatures between neighbouring rungs at which thermodynamics is given."),
  TEXT("analysis.surfaces", TP_TEXT_LIST, analysis.surfaces, "", "Free-energy surfaces over a feature or a pair of features, by name: [phi2, [phi2, psi2]]."),
  INT("analysis.bins", analysis.bins, "36", 2, 1000, "Bins of the surfaces, in each direction."),
  MAP("analysis.basins", analysis.basins, "Basins, boxes of features: {left: {phi2: [0, 115 deg]}, right: {phi2: [-180 deg, 0]}}. A box of a periodic feature goes from the first number upwards to the second, across the end of the period if need be. Free energies count from the first basin."),
  INT("analysis.replicates", analysis.replicates, "50", 2, 100000, "Replicates of the bootstrap that gives the errors."),
  INT("analysis.relax_rounds", analysis.relax_rounds, "100", 0, 1e9, "Rounds that are left out at all rungs after a configuration was replaced by --reseed-rung."),
  INT("analysis.samples", analysis.samples, "5000", 0, 1e9, "Samples of the model at each of analysis.temperatures that are held against the run's; 0: none. At least 640 for a verdict."),
  INT("analysis.configurations", analysis.configurations, "200", 0, 1e9, "Frames of each rung's trajectory, at most, whose forces tell its configurational temperature, at three evaluations of the forces each; 0: none."),
  INT("analysis.relaxation.steps", analysis.relaxation.steps, "100", 0, 1e7, "Steps of the engine by which samples of the model are relaxed at their temperature, before their energies are compared with the run's; they are compared as they are, too. Where the features are all coordinates of the system."),
  INT("analysis.relaxation.samples", analysis.relaxation.samples, "1000", 0, 1e9, "Of how many samples of the model, at each of analysis.temperatures, energies are compared; 0: none. At least 640 for a verdict."),
  TEXT("analysis.stop_when.quantity", TP_TEXT, analysis.stop_quantity, "", "End the run early when the error of this is small enough: free_energy (between the last and the first rung, in k_B T), mean_energy@T (potential energy), basin NAME@T (population). Empty: never."),
  REAL("analysis.stop_when.error", NONE, analysis.stop_error, "0", 0, 1e12, "The error wanted, in the unit of the quantity. Looked at every output.report_interval rounds, later at every tenth more; the run ends stream.max_lag + 2 rounds after the look that finds it small enough."),

  /* anneal */
  INT("anneal.population", anneal.population, "1000", 2, 1e8, "Members of the population of tempera anneal, dealt out to all ranks."),
  INT("anneal.steps", anneal.steps, "500", 1, 16777215, "MD steps of each member at each temperature."),
  INT("anneal.top_rounds", anneal.top_rounds, "10", 1, 1e6, "Equilibration at the highest temperature before the annealing begins, in times anneal.steps."),
  LIST("anneal.temperatures", TEMPERATURE, anneal.temperatures, "", 1e-12, 1e12, "Temperatures to go through from the last to the first, increasing; empty: those of the ladder."),
  REAL("anneal.effective", NONE, anneal.effective, "0.5", 0, 0.99, "Where a step to the next temperature would leave a smaller fraction of the members effective, shorter ones are taken between; 0: steps as given."),
  INT("anneal.replicates", anneal.replicates, "200", 10, 1e5, "Bootstrap replicates that the errors are from."),
  {NULL, TP_BOOL, TP_DIMENSION_NONE, 0, NULL, 0, 0, NULL, NULL},
};
/* clang-format on */
