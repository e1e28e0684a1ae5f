"""Small systems for tests of the whole application: each runs in a second or two, and does everything that a run can do."""

import os

# Frames count from round 4 on, the scaling is fixed after round 11 and training begins at once: so stops can lie before, at and after it.
ROUNDS = 40
TRAINING_BEGINS = 12  # rounds done when the first optimiser step has been made

_COMMON = """
run: {{folder: run, rounds: {rounds}, seed: 11}}
stream: {{shards: 4, max_lag: 3, block_rounds: 2}}
network: {{width: 16, depth: 2, embedding: 8}}
diffusion: {{times: 50, steps: 10}}
output: {{report_interval: 6, checkpoint_interval: 10, keep_checkpoints: 100, trajectory_interval: 3, velocities: true}}
"""

_TRAINING = "training: {{batch: 32, steps_per_round: 2, start_round: 4, scale_rounds: 8, weight_decay: 0.01, hold_out: [{held_out}]}}\n"

# number of rungs, held-out temperature, the rest of the input
SYSTEMS = {
    "double-well": (4, 1, """
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: double-well, dimension: 2}}
ladder: {temperatures: [0.5, 1, 2, 4]}
exchange: {interval: 20}
features: {label: kinetic, label_atoms: [all]}
evaluation: {samples: 500, bins: 12, pair_bins: 12, pairs: [[x0, x1]]}
"""),
    "chiral-chain": (3, 1.3, """
engine: {kind: model, timestep: 0.02, friction: 1, model: {potential: chiral-chain, num_residues: 3}}
ladder: {temperatures: [1, 1.3, 1.7]}
exchange: {interval: 20, scheme: seo}
evaluation: {samples: 500, bins: 12}
"""),
    "lj-fluid": (3, 1.2, """
engine: {kind: model, timestep: 0.004, friction: 1, model: {potential: lj-fluid, num_particles: 27, box_length: 3.6}}
ladder: {temperatures: [1, 1.2, 1.5]}
exchange: {interval: 10}
features: {distances: [[0, 1], [2, 5]]}
evaluation: {samples: 500, bins: 12}
"""),
}


def write_system(name, folder, rounds=ROUNDS):
    """Write input.yaml into `folder`; returns the number of rungs."""
    rungs, held_out, text = SYSTEMS[name]
    with open(os.path.join(folder, "input.yaml"), "w") as file:
        file.write(_COMMON.format(rounds=rounds) + _TRAINING.format(held_out=held_out) + text)
    return rungs
