"""A mistake in the input or on the command line: one clear line, exit status 2, and nothing made or simulated."""

import os
import re

from harness import *

INPUT = """run:
  folder: made
  rounds: 40
engine:
  kind: model
  timestep: 0.02
  model:
    potential: asymmetric-double-well
ladder:
  temperatures: [1, 2, 4]
exchange:
  interval: 5
training:
  hold_out: [2]
  batch: 16
  scale_rounds: 10
network:
  width: 8
  depth: 1
  embedding: 4
output:
  report_interval: 10
  checkpoint_interval: 20
"""

folder = scratch()


def write(name, content):
    with open(os.path.join(folder, name), "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)


def everything():
    """All paths below the folder with their contents' sizes and times: what a refused command must leave as it was."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            status = os.lstat(os.path.join(path, name))
            found[os.path.join(path, name)] = (status.st_size, status.st_mtime_ns if name in files else 0)
    return found


def refuse(what, arguments, fragments, ranks=0):
    """The command must end with status 2 and one line that holds all the fragments, and leave the folder as it was."""
    before = everything()
    result = tempera(ranks, *arguments, folder=folder, timeout=60)
    lines = result.errors()
    expect(result.status == 2, f"{what}: expected status 2: {result}")
    if expect(len(lines) == 1, f"{what}: expected one line of error: {result}"):
        for fragment in fragments:
            expect(fragment in lines[0], f"{what}: no '{fragment}' in: {lines[0]}")
        if not ranks:  # mpirun adds its own lines
            others = [line for line in (result.out + result.err).splitlines() if line != lines[0]]
            expect(not others, f"{what}: more than the one line: {result}")
    after = everything()
    expect(before == after, f"{what}: left behind {sorted(set(after) ^ set(before))}, changed "
                            f"{[path for path in after if path in before and after[path] != before[path]]}")


def refuse_input(what, old, new, fragments, line=None, ranks=0, name="bad.yaml", text=INPUT):
    """`old` of the input replaced by `new`: the line must name the file and the line where that stands, or `line`."""
    expect(text.count(old) == 1, f"{what}: '{old}' is not in the input once")
    write(name, text.replace(old, new))
    line = line or text[:text.index(old)].count("\n") + 1
    refuse(what, ["run", name] + ([] if ranks else ["--check"]), [f"{name}:{line}: ", *fragments], ranks)
    os.remove(os.path.join(folder, name))


def keys_and_values():
    """Mistakes in a file, whose line is named. What is wrong with the values of every key is tried in one process by test-bad-values.c."""
    refuse_input("unknown key", "  rounds: 40", "  round: 40", ["run.round: unknown key", "run.rounds"])
    refuse_input("unknown section", "exchange:\n", "exchnage:\n", ["exchnage: unknown section", "exchange"])
    refuse_input("unknown key at the top", "run:\n", "rounds: 3\nrun:\n", ["rounds: unknown key", "run.rounds"])
    refuse_input("text for an integer", "rounds: 40", "rounds: many", ["run.rounds: 'many'", "whole number", "1 to"])
    refuse_input("no value", "rounds: 40", "rounds:", ["run.rounds: no value is given; it is required"])
    refuse_input("section for a value", "kind: model\n", "kind: {model: 1}\n", ["engine.kind"])
    refuse_input("a unit in a reduced system", "timestep: 0.02", "timestep: 2 fs", ["engine.timestep: ", "2 fs"])
    refuse_input("too small", "rounds: 40", "rounds: 0", ["run.rounds: 0 is out of range", "1 to"])
    refuse_input("no friction", "kind: model\n", "kind: model\n  friction: 0\n", ["engine.friction: 0", "greater than 0"], line=6)
    refuse_input("impossible potential", "potential: asymmetric-double-well", "potential: lj-fluid\n    cutoff: 5",
                 ["engine.model.cutoff: 5", "half of engine.model.box_length"], line=9)
    refuse_input("duplicate key", "rounds: 40\n", "rounds: 40\n  rounds: 50\n", ["run.rounds", "line 3"], line=4)
    refuse_input("duplicate section", "exchange:\n", "run:\n  seed: 3\nexchange:\n", ["run"])
    refuse_input("batch and shards", "batch: 16", "batch: 18", ["training.batch: 18 is not a multiple of stream.shards, 4"])
    refuse_input("unknown pair", "output:\n", "evaluation:\n  pairs: [[x0, y0]]\noutput:\n", ["evaluation.pairs: ", "y0", "x0"], line=22)
    refuse_input("half a pair", "output:\n", "evaluation:\n  pairs: [x0]\noutput:\n", ["evaluation.pairs: ", "x0"], line=22)
    refuse_input("named torsions without atoms", "training:\n", "features:\n  torsions: [phi]\ntraining:\n", ["features.torsions: 'phi'"],
                 line=14)
    refuse_input("coordinate out of range", "training:\n", "features:\n  coordinates: [1]\ntraining:\n",
                 ["features.coordinates: '1'", "out of range", "allowed 0 to 0"], line=14)


def not_given():
    """What is not in the input has no line to name; the file is named."""
    for what, old, new, fragments in [
            ("missing key", "  rounds: 40\n", "", ["run.rounds is missing", "allowed 1 to"]),
            ("missing timestep", "  timestep: 0.02\n", "", ["engine.timestep is missing"]),
            ("empty file", INPUT, "", [" is missing"]),
            ("more steps than times", "exchange:\n", "diffusion: {times: 40}\nexchange:\n", ["diffusion.steps: 50 steps", "40"]),
            ("range without number", "temperatures: [1, 2, 4]", "minimum: 1\n  maximum: 4", ["ladder.num_rungs: ", "1 or more"]),
            ("no ladder", "  temperatures: [1, 2, 4]\n", "", ["ladder.temperatures: ", "num_rungs"])]:
        write("bad.yaml", INPUT.replace(old, new))
        refuse(what, ["run", "bad.yaml", "--check"], ["bad.yaml: ", *fragments])
        os.remove(os.path.join(folder, "bad.yaml"))


def ladders():
    key = "ladder.temperatures: "
    refuse_input("not increasing", "[1, 2, 4]", "[1, 4, 2]", [key, "must increase", "2 after 4"])
    refuse_input("twice the same", "[1, 2, 4]", "[1, 2, 2]", [key, "must increase"])
    refuse_input("empty ladder", "[1, 2, 4]", "[]", [key, "num_rungs"])
    refuse_input("list and range", "[1, 2, 4]", "[1, 2, 4]\n  minimum: 1", [key, "one of the two"])
    refuse_input("range upside down", "temperatures: [1, 2, 4]", "minimum: 4\n  maximum: 1\n  num_rungs: 3",
                 ["ladder.maximum: ", " 1; ", "above its minimum, 4"], line=11)
    refuse_input("held out, not in the ladder", "hold_out: [2]", "hold_out: [3]", ["training.hold_out: 3", "1, 2, 4"])
    refuse_input("all held out", "hold_out: [2]", "hold_out: [1, 2, 4]", ["training.hold_out: ", "at least one"])


def tuning():
    """Tuning without room, and a pilot that is told what it is to find."""
    room = ("hold_out: [2]\n", "start_round: 30\n")
    tuned = INPUT.replace(*room).replace("temperatures: [1, 2, 4]", "temperatures: [1, 2, 4]\n  tune: true\n  tune_rounds: 30\n  tune_stages: 2")

    def refuse_tuned(what, old, new, fragments, line=None):
        refuse_input(what, old, new, fragments, line=line, text=tuned)

    write("tuned.yaml", tuned)
    expect(tempera(0, "run", "tuned.yaml", "--check", folder=folder).status == 0, "the tuned input is not fine itself")
    refuse_tuned("tuning to the end", "tune_rounds: 30", "tune_rounds: 40", ["ladder.tune_rounds: 40 rounds", "a run of 40", "less than run.rounds"])
    refuse_tuned("learning while tuning", "start_round: 30", "start_round: 29", ["training.start_round: 29", "30 (ladder.tune_rounds) or more"])
    refuse_tuned("too many stages", "tune_rounds: 30", "tune_rounds: 11", ["ladder.tune_rounds: 11", "2 stages", "12 or more"])
    refuse_tuned("nothing to tune by", "interval: 5", "interval: 5\n  scheme: none", ["exchange.scheme: none", "deo, seo, gibbs"], line=16)
    refuse_tuned("nothing to move", "[1, 2, 4]", "[1, 2]", ["ladder.tune: ", "3 rungs or more"], line=11)
    refuse_tuned("held out where it moves", "start_round: 30", "start_round: 30\n  hold_out: [4, 2]",
                 ["training.hold_out: 2 will move", "its rung, 1,", "training.hold_out_rungs", "1 and 4"], line=18)
    refuse_tuned("no rung", "start_round: 30", "start_round: 30\n  hold_out_rungs: [3]", ["training.hold_out_rungs: 3", "0 to 2"], line=18)
    refuse_tuned("half a rung", "start_round: 30", "start_round: 30\n  hold_out_rungs: [0.5]", ["training.hold_out_rungs: 0.5", "0 to 2"], line=18)
    refuse_tuned("all rungs", "start_round: 30", "start_round: 30\n  hold_out_rungs: [0, 1, 2]",
                 ["training.hold_out_rungs: ", "at least one"], line=18)
    refuse_tuned("no such acceptance", "tune: true", "target_acceptance: 1", ["ladder.target_acceptance: 1", "0.99"])

    ladder = "temperatures: [1, 2, 4]\n"
    for what, text, arguments, ranks, fragments in [
            ("pilot with temperatures", ladder, [], 2, ["pilot.yaml:10: ladder.temperatures: ", "ladder.minimum and ladder.maximum"]),
            ("pilot with rungs", "minimum: 1\n  maximum: 4\n  num_rungs: 3\n", [], 2, ["pilot.yaml:12: ladder.num_rungs: "]),
            ("pilot without range", "minimum: 1\n", [], 2, ["ladder.maximum: ", "above its minimum, 1"]),
            ("pilot upside down", "minimum: 4\n  maximum: 1\n", [], 2, ["pilot.yaml:11: ladder.maximum: ", "above its minimum, 4"]),
            ("pilot alone", "minimum: 1\n  maximum: 4\n", [], 0, ["--pilot", "mpirun -n 2"]),
            ("short pilot", "minimum: 1\n  maximum: 4\n  tune_rounds: 100\n  tune_stages: 3\n", [], 2,
             ["pilot.yaml:12: ladder.tune_rounds: ", "58 rounds", "64"]),
            ("pilot and check", "minimum: 1\n  maximum: 4\n", ["--check"], 0, ["--pilot", "--check"]),
            ("pilot and restart", "minimum: 1\n  maximum: 4\n", ["--restart"], 0, ["--pilot", "--restart"])]:
        write("pilot.yaml", INPUT.replace(ladder, text))
        refuse(what, ["run", "pilot.yaml", "--pilot", *arguments], fragments, ranks)
    refuse("pilot of a model", ["info", "pilot.yaml", "--pilot"], ["--pilot belongs to tempera run"])


def yaml_itself():
    for what, text, place in [
            ("open bracket", "run:\n  rounds: [1, 2\nengine:\n", r"bad\.yaml:[34]:\d+: "),
            ("tabulator", "run:\n\trounds: 3\n", r"bad\.yaml:2:1: "),
            ("indentation", "run:\n  rounds: 3\n seed: 1\n", r"bad\.yaml:3:\d+: "),
            ("unknown escape", 'run:\n  folder: "\\q"\n', r"bad\.yaml:2:\d+: "),
            ("no mapping", "- run\n- engine\n", r"bad\.yaml:1"),
            ("two documents", "run: {rounds: 3}\n---\nrun: {rounds: 4}\n", r"bad\.yaml:[123]"),
            ("alias", "run: &a {rounds: 3}\nengine: *a\n", r"bad\.yaml:[12]"),
            ("not UTF-8", b"run:\n  folder: \xff\xfe\n", r"bad\.yaml:"),
            ("NUL", b"run:\n  folder: a\0b\n", r"bad\.yaml: ")]:
        write("bad.yaml", text)
        refuse(what, ["run", "bad.yaml", "--check"], [])
        line = tempera(0, "run", "bad.yaml", "--check", folder=folder).errors()[0]
        expect(re.match("tempera: error: " + place, line), f"{what}: no place like {place} in: {line}")
        os.remove(os.path.join(folder, "bad.yaml"))


def command_lines():
    fine = ["run", "fine.yaml", "--check"]
    for what, arguments, fragments in [
            ("nothing to do", [], ["tempera --help"]),
            ("unknown verb", ["rnu", "fine.yaml"], ["'rnu'", "run, train, ti, anneal, generate, analyze, info"]),
            ("missing input", ["run"], ["the file is missing"]),
            ("missing model", ["generate"], ["the file is missing"]),
            ("missing file for info", ["info"], ["the file is missing"]),
            ("two inputs", ["run", "fine.yaml", "fine.yaml"], ["fine.yaml: one argument too many"]),
            ("unknown option", [*fine, "--chekc"], ["--chekc: unknown option"]),
            ("option of another verb", ["info", "fine.yaml", "--check"], ["--check"]),
            ("samples for a run", [*fine, "--samples", "10"], ["--samples", "generate"]),
            ("no such input", ["run", "none.yaml"], ["none.yaml: can't be read", "No such file"]),
            ("a folder for an input", ["run", ".", "--check"], [".: can't be read", "directory"]),
            ("set without value", [*fine, "--set"], ["--set", "section.key=value"]),
            ("set without =", [*fine, "--set", "run.rounds"], ["--set run.rounds", "section.key=value"]),
            ("set of an unknown key", [*fine, "--set", "run.round=3"], ["--set run.round=3", "unknown key", "run.rounds"]),
            ("set out of range", [*fine, "--set", "run.rounds=0"], ["--set run.rounds=0", "0 is out of range"]),
            ("set of a wrong type", [*fine, "--set", "run.rounds=x"], ["--set run.rounds=x", "whole number"]),
            ("set of broken YAML", [*fine, "--set", "ladder.temperatures=[1,"], ["--set ladder.temperatures=[1,"]),
            ("hours", [*fine, "--max-hours", "-1"], ["--max-hours"]),
            ("hours", [*fine, "--max-hours", "soon"], ["--max-hours", "soon"]),
            ("hours", [*fine, "--max-hours", "2 K"], ["--max-hours", "2 K"]),
            ("nothing to restart", ["run", "fine.yaml", "--check", "--restart"], ["made: holds no run to restart"])]:
        refuse(what, arguments, fragments)


def ranks():
    for number in (1, 3, 5):
        refuse(f"{number} ranks", ["run", "fine.yaml"], ["mpirun -n 4", f"number of ranks is {number}"], ranks=number if number > 1 else 0)
    refuse("2 trainers", ["run", "fine.yaml", "--set", "groups.trainers=2"], ["mpirun -n 5"])
    refuse("error read on several ranks", ["run", "none.yaml"], ["none.yaml: can't be read"], ranks=4)
    refuse("error of the potential on several ranks",
           ["run", "fine.yaml", "--set", "engine.model.potential=lj-fluid", "--set", "engine.model.cutoff=5"],
           ["engine.model.cutoff=5: engine.model.cutoff: 5", "allowed"], ranks=4)
    write("a-file", "")
    refuse("folder that can't be made", ["run", "fine.yaml", "--set", "run.folder=a-file/made"], ["a-file", "can't make the folder"], ranks=4)


def molecules():
    write("molecule.yaml", f"""run:
  folder: made
  rounds: 4
engine:
  kind: openmm
  timestep: 2 fs
  openmm:
    system: {inputs("molecules/adp_ff14SB_obc2.xml")}
    positions: [{inputs("molecules/adp.pdb")}]
    platform: Reference
ladder:
  temperatures: [300 K, 400 K]
exchange:
  interval: 2
features:
  torsions: [phi, psi]
training:
  hold_out: [400 K]
""")
    with open(os.path.join(folder, "molecule.yaml")) as file:
        text = file.read()
    with open(inputs("molecules/adp_ff14SB_obc2.xml")) as file:
        system = file.read()
    with open(inputs("molecules/adp.pdb")) as file:
        atoms = [line for line in file if line.startswith(("ATOM", "HETATM"))]
    write("cut.xml", system[:len(system) // 2])
    write("less.xml", system[:system.index("</Force>") + len("</Force>")])  # what is there is fine, but it is not all
    write("state.xml", '<?xml version="1.0" ?>\n<State type="State" version="1"/>\n')
    write("short.pdb", "".join(atoms[:-1]) + "END\n")
    write("same.pdb", atoms[0] + "".join(line[:30] + atoms[0][30:54] + line[54:] for line in atoms[1:]) + "END\n")
    xml, pdb = f"system: {inputs('molecules/adp_ff14SB_obc2.xml')}", f"[{inputs('molecules/adp.pdb')}]"
    torsions = "torsions: [phi, psi]"
    cases = [
        ("wrong dimension", "timestep: 2 fs", "timestep: 2 K", ["engine.timestep: ", "2 K", "fs"], 0),
        ("unknown unit", "timestep: 2 fs", "timestep: 2 fortnights", ["engine.timestep: ", "fortnights", "fs"], 0),
        ("wrong dimension in a list", "[300 K, 400 K]", "[300 K, 400 fs]", ["ladder.temperatures: ", "400 fs", "K"], 0),
        ("out of range in units", "timestep: 2 fs", "timestep: 1 s", ["engine.timestep: "], 0),
        ("held out in kelvin", "hold_out: [400 K]", "hold_out: [350 K]", ["training.hold_out: 350", "300, 400"], 0),
        ("no XML", xml, "system: none.xml", ["engine.openmm.system: ", "none.xml", "can't be read"], 0),
        ("cut XML", xml, "system: cut.xml", ["engine.openmm.system: ", "cut.xml"], 0),
        ("XML cut between two forces", xml, "system: less.xml", ["engine.openmm.system: ", "less.xml is cut off"], 0),
        ("another XML", xml, "system: state.xml", ["engine.openmm.system: ", "state.xml", "State", "no serialized System"], 0),
        ("PDB for an XML", xml, "system: short.pdb", ["engine.openmm.system: ", "short.pdb"], 0),
        ("no PDB", pdb, "[none.pdb]", ["engine.openmm.positions: ", "none.pdb"], 0),
        ("XML for a PDB", pdb, "[state.xml]", ["engine.openmm.positions: ", "state.xml"], 0),
        ("atoms that differ", pdb, "[short.pdb]", ["engine.openmm.positions: ", "short.pdb has 21 atoms", "22 particles"], 0),
        ("platform", "platform: Reference", "platform: Abacus", ["engine.openmm.platform: 'Abacus'", "Reference"], 0),
        ("torsion index", torsions, "torsions: [[4, 6, 8, 22]]", ["features.torsions: ", "22 is out of range", "allowed 0 to 21"], 0),
        ("torsion of three", torsions, "torsions: [[4, 6, 8]]", ["features.torsions: '4 6 8'", "3 indices, needed are 4"], 0),
        ("torsion of a residue", torsions, "torsions: [phi:9]", ["features.torsions: 'phi:9'", "out of range"], 0),
        ("unknown torsion", torsions, "torsions: [chi9]", ["features.torsions: 'chi9'", "phi, psi, omega"], 0),
        ("distance index", torsions, "distances: [[0, -1]]", ["features.distances: '0 -1'", "allowed 0 to 21"], 0),
        ("kinetic label", torsions, torsions + "\n  label: kinetic\n  label_atoms: [99]", ["features.label_atoms: ", "99"], 0),
        ("cut XML on several ranks", xml, "system: cut.xml", ["engine.openmm.system: ", "cut.xml"], 3),
        ("atoms on the second replica only", pdb, f"[{inputs('molecules/adp.pdb')}, short.pdb]", ["short.pdb has 21 atoms"], 3),
        ("torsion index on several ranks", torsions, "torsions: [[4, 6, 8, 22]]", ["features.torsions: ", "allowed 0 to 21"], 3),
    ]
    for what, old, new, fragments, number in cases:
        line = text[:text.index(old)].count("\n") + (3 if what == "kinetic label" else 1)
        refuse_input(what, old, new, fragments, line=line, ranks=number, name="bad-molecule.yaml", text=text)
    refuse("atoms on each other",
           ["run", "molecule.yaml", "--set", f"engine.openmm.positions=[{folder}/same.pdb]", "--set", "engine.openmm.minimize=false"],
           ["start configuration of walker 0", "engine.openmm.positions"], ranks=3)


GAS = """units lj
atom_style atomic
boundary p p p
lattice sc 1.0
region cell block 0 4 0 4 0 4
create_box 1 cell
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 1.5
pair_coeff 1 1 1.0 1.0
"""  # 10 lines


def scripts():
    """Scripts of LAMMPS: the line names the input, its key, and the place in the script. Unit tests have more of them."""
    write("gas.yaml", """run:
  folder: made
  rounds: 4
engine:
  kind: lammps
  timestep: 0.005
  lammps:
    script: in.gas
    units: lj
ladder:
  temperatures: [1, 2]
exchange:
  interval: 2
features:
  distances: [[0, 1]]
training:
  steps_per_round: 0
""")
    write("in.gas", GAS)
    with open(os.path.join(folder, "gas.yaml")) as file:
        text = file.read()
    key, script = "engine.lammps.script: ", "script: in.gas"
    expect(tempera(0, "run", "gas.yaml", "--check", folder=folder).status == 0, "the script that the mistakes are made in is not fine itself")
    refuse_input("no such script", script, "script: in.none", [key, "in.none can't be read"], name="bad-gas.yaml", text=text)
    refuse_input("a folder for a script", script, "script: .", [key, "can't be read"], name="bad-gas.yaml", text=text)
    refuse_input("another thermostat's word", "units: lj", "units: lj\n    thermostat: langevin", ["engine.lammps.thermostat: 'langevin'", "tempera, script"],
                 line=10, name="bad-gas.yaml", text=text)
    refuse_input("units that the input can't have", "units: lj", "units: electron", ["engine.lammps.units: 'electron'", "real, metal, lj"],
                 name="bad-gas.yaml", text=text)
    refuse_input("a unit in a reduced script", "timestep: 0.005", "timestep: 5 fs", ["engine.timestep: ", "5 fs"], name="bad-gas.yaml", text=text)
    # what the script says, its line, what the message holds, on how many ranks
    for what, content, place, fragments, number in [
            ("run", GAS + "run 100\n", 11, ["run: not allowed: Tempera runs the dynamics"], 0),
            ("temper", GAS + "temper 100 10 1 1 1 1\n", 11, ["temper: not allowed: exchanges are Tempera's"], 0),
            ("own temperature control", GAS + "\nfix 1 all nvt temp 1 1 1\n", 12, ["fix 1 (nvt)", "engine.lammps.thermostat: script"], 0),
            ("own volume control", GAS + "fix 1 all npt temp 1 1 1 iso 1 1 1\n", 11, ["fix 1 (npt) changes the volume; volumes are fixed"], 0),
            ("own files", GAS + "dump 1 all atom 10 gas.dump\n", 11, ["dump: not allowed"], 0),
            ("unsupported units", GAS.replace("units lj", "units electron"), 1, ["units electron; allowed: real, metal, lj"], 0),
            ("other units", GAS.replace("units lj", "units metal"), 1, ["units metal, but engine.lammps.units is lj"], 0),
            ("missing data file", "units lj\nread_data none.data\n", 2, ["LAMMPS: Cannot open file none.data"], 3),
            ("missing include", GAS + "include none.in\n", 11, ["none.in can't be read"], 0),
            ("unknown command", GAS + "pair_coef 1 1 1 1\n", 11, ["LAMMPS: Unknown command: pair_coef"], 3),
            ("atoms lost while the script relaxes them",
             GAS.replace("p p p", "f f f").replace("create_atoms 1 box", "create_atoms 1 single 0.01 1 1 units box\ncreate_atoms 1 single 0.9 1 1 units box")
             + "minimize 0 0 1000 1000\n", 12, ["LAMMPS: Lost atoms: original 2 current 1"], 3),
            ("atoms of no type", GAS.replace("mass 1 1.0\n", ""), None, ["LAMMPS: "], 0),
            ("no atoms", GAS.replace("create_atoms 1 box\n", ""), None, ["in.bad defines no atoms"], 0),
            # as where rungs read files of their own machines
            ("different systems on different rungs", GAS.replace("mass", "variable r getenv OMPI_COMM_WORLD_RANK\nmass").replace("1 1 1.0 1.0", "1 1 1.$r 1.0"),
             None, ["rungs simulate another system than rung 0 does", "allowed: the same system"], 3)]:
        write("in.bad", content)
        at = f"in.bad:{place}: " if place else ""
        arguments = ["run", "gas.yaml", "--set", "engine.lammps.script=in.bad"] + ([] if number else ["--check"])
        refuse(what, arguments, ["" if "rungs" in what else key, at, *fragments], ranks=number)
    refuse("distance index", ["run", "gas.yaml", "--check", "--set", "features.distances=[[0, 64]]"], ["features.distances: ", "allowed 0 to 63"])
    refuse("named torsions without names", ["run", "gas.yaml", "--check", "--set", "features.torsions=[phi]"], ["features.torsions: 'phi'"])


def folders():
    """A folder that holds a run is not written over."""
    run_ok(4, "run", "fine.yaml", folder=folder)
    fragments = ["made: holds a run already", "--restart", "run.folder"]
    refuse("folder of a run", ["run", "fine.yaml"], fragments, ranks=4)
    refuse("folder of a run, checked", ["run", "fine.yaml", "--check"], fragments)
    refuse("restart with other physics", ["run", "fine.yaml", "--restart", "--set", "engine.timestep=0.01"],
           ["--set engine.timestep=0.01: engine.timestep: ", "a restart must keep it"], ranks=4)
    refuse("restart of less than is done", ["run", "fine.yaml", "--restart", "--set", "run.rounds=1"],
           ["--set run.rounds=1: run.rounds: ", "that the newest checkpoint has done"], ranks=4)
    refuse("restart from what is no checkpoint", ["run", "fine.yaml", "--restart=fine.yaml"], ["fine.yaml", "not an HDF5 file"], ranks=4)
    refuse("restart from a model", ["run", "fine.yaml", "--restart=made/model.h5"], ["model.h5", "tempera checkpoint"], ranks=4)


write("fine.yaml", INPUT)
expect(tempera(0, "run", "fine.yaml", "--check", folder=folder).status == 0, "the input that the mistakes are made in is not fine itself")
keys_and_values()
not_given()
ladders()
tuning()
yaml_itself()
command_lines()
ranks()
if has_openmm():
    molecules()
if has_lammps():
    scripts()
folders()
finish()
