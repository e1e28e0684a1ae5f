"""n rounds are k rounds, a restart, and n - k rounds with OpenMM too, on its Reference platform and, with deterministic forces, on its CPU platform;
likewise with another number of trainers."""

import os

from harness import finish, has_openmm, inputs, scratch, skip
from restarting import expect_restarts, short_run

if not has_openmm():
    skip("built without OpenMM")
folder = scratch()
ladder = {"ladder.temperatures": "[300 K, 347 K, 402 K]", "training.hold_out": "[347 K]"}
expect_restarts(short_run(inputs("alanine-dipeptide.yaml"), ladder), 3, os.path.join(folder, "Reference"))
cpu = {"engine.openmm.platform": "CPU", "engine.openmm.deterministic": "true"}
expect_restarts(short_run(inputs("alanine-dipeptide.yaml"), {**ladder, **cpu}), 3, os.path.join(folder, "CPU"), ((17, 1),))
finish()
