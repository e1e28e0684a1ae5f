"""tools/prepare-openmm makes the shipped Systems again, its OBC2 is OpenMM's own, what it makes can be run, and what it can't do is said in one line."""

import os
import re
import subprocess
import sys

from harness import SOURCE, expect, finish, has_openmm, inputs, run_ok, scratch, skip

try:
    import openmm
    from openmm import app, unit
except ImportError:
    skip("python3-simtk is not installed")
if not has_openmm():
    skip("built without OpenMM")

folder = scratch()


def prepare(*arguments):
    return subprocess.run([sys.executable, f"{SOURCE}/tools/prepare-openmm", *arguments], cwd=folder, capture_output=True, text=True, timeout=120)


def prepare_ok(*arguments):
    done = prepare(*arguments)
    expect(done.returncode == 0 and not done.stderr, f"prepare-openmm {' '.join(arguments)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def energy(system, positions):
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    return context.getState(getEnergy=True).getPotentialEnergy().value_in_unit(unit.kilojoules_per_mole)


def read_system(path):
    with open(path, encoding="ascii") as file:
        return openmm.XmlSerializer.deserialize(file.read())


def read_text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def without_date(text):
    return [line for line in text.splitlines() if not line.startswith("REMARK")]


def shipped_again():
    """The System of alanine dipeptide was made by another way of the same force field. Those of the peptide and the strand were made by the tool
    from the files in source/: hydrogens too are put where they were."""
    prepare_ok(inputs("molecules/adp.pdb"), "--output", "again")
    positions = app.PDBFile(inputs("molecules/adp.pdb")).positions
    made, shipped = (energy(read_system(path), positions) for path in (f"{folder}/again.xml", inputs("molecules/adp_ff14SB_obc2.xml")))
    expect(abs(made - shipped) < 1e-6 * abs(shipped), f"alanine dipeptide: {made} kJ/mol, shipped {shipped}")
    for name in ("ala5", "gacc"):
        prepare_ok(inputs(f"molecules/source/{name}.pdb"), "--hydrogens")
        positions = app.PDBFile(inputs(f"molecules/{name}.pdb")).positions
        made, shipped = (energy(read_system(path), positions) for path in (f"{folder}/{name}.xml", inputs(f"molecules/{name}.xml")))
        expect(abs(made - shipped) < 1e-9 * abs(shipped), f"{name}: {made} kJ/mol, shipped {shipped}")
        atoms = [[line[12:54] for line in without_date(read_text(path)) if line.startswith(("ATOM", "HETATM"))]
                 for path in (f"{folder}/{name}.pdb", inputs(f"molecules/{name}.pdb"))]
        expect(atoms[0] == atoms[1], f"{name}.pdb: other atoms than in the shipped one")
        expect(read_text(f"{folder}/{name}-torsions.yaml") == read_text(inputs(f"molecules/{name}-torsions.yaml")), f"{name}: other torsions")


def own_obc2():
    """The compiled force against OpenMM's formulas of the same model, with the same radii."""
    pdb = app.PDBFile(inputs("molecules/ala5.pdb"))
    formulas = app.ForceField("amber14/protein.ff14SB.xml", "implicit/obc2.xml").createSystem(pdb.topology, constraints=app.HBonds, removeCMMotion=False)
    expected, found = energy(formulas, pdb.positions), energy(read_system(inputs("molecules/ala5.xml")), pdb.positions)
    expect(abs(found - expected) < 1e-6 * abs(expected), f"OBC2: {found} kJ/mol, by formulas {expected}")


def can_be_run():
    for name in ("peptide", "rna"):
        run_ok(0, "run", inputs(f"{name}.yaml"), "--check", "--set", "run.folder=made", folder=folder)
    prepare_ok(inputs("molecules/source/ala5.pdb"), "--hydrogens", "--explicit", "tip3p", "--padding", "0.9 nm", "--hydrogen-mass", "3 amu", "--output", "box")
    system = read_system(f"{folder}/box.xml")
    expect(system.usesPeriodicBoundaryConditions(), "the box of water is not periodic")
    expect(any(abs(system.getParticleMass(i).value_in_unit(unit.amu) - 3) < 1e-6 for i in range(62)), "hydrogens don't weigh 3 amu")
    run_ok(0, "run", inputs("peptide.yaml"), "--check", "--set", "run.folder=made", "--set", f"engine.openmm.system={folder}/box.xml",
           "--set", f"engine.openmm.positions=[{folder}/box.pdb]", folder=folder)
    # every torsion of the list, pasted
    listed = ",".join(re.findall(r"- (\[.*?\])", read_text(inputs("molecules/gacc-torsions.yaml"))))
    expect(listed.count("[") == 24, f"torsions: {listed}")
    run_ok(0, "run", inputs("rna.yaml"), "--check", "--set", "run.folder=made", "--set", f"features.torsions=[{listed}]", folder=folder)


def refuse(what, arguments, *fragments):
    before = sorted(os.listdir(folder))
    done = prepare(*arguments)
    lines = done.stderr.splitlines()
    expect(done.returncode == 2 and len(lines) == 1 and lines[0].startswith("prepare-openmm: "), f"{what}: status {done.returncode}, {done.stderr}")
    for fragment in fragments:
        expect(fragment in done.stderr, f"{what}: no '{fragment}' in: {done.stderr}")
    expect(before == sorted(os.listdir(folder)), f"{what}: files were made")


def write(name, text):
    with open(f"{folder}/{name}", "w", encoding="ascii") as file:
        file.write(text)


def mistakes():
    peptide, strand = read_text(inputs("molecules/source/ala5.pdb")), read_text(inputs("molecules/source/gacc.pdb"))
    write("gap.pdb", "".join(line for line in peptide.splitlines(True) if not (line[12:16] == " CB " and line[22:26] == "   3")))
    write("unknown.pdb", peptide.replace("ALA A   4", "XYZ A   4"))
    first = strand[strand.index("ATOM"):].splitlines(True)[0]
    write("phosphate.pdb", strand.replace(first, first + first.replace(" O5' ", " OP3 ").replace("0.521   0.745", "0.100   1.745")))
    write("text.pdb", "nothing of a molecule\n")
    xml, heavy = inputs("molecules/ala5.xml"), inputs("molecules/source/ala5.pdb")
    refuse("no file", ["none.pdb"], "none.pdb: no such file")
    refuse("no PDB", ["text.pdb"], "text.pdb: no ATOM or HETATM records")
    refuse("an XML for a PDB", [xml], "ala5.xml: ")
    refuse("no hydrogens", [heavy], "residue ACE 1 of chain A: hydrogens are missing", "add --hydrogens")
    for more in ([], ["--hydrogens"]):
        refuse("an atom is missing", ["gap.pdb", *more], "residue ALA 3 of chain A: atoms are missing: CB", "complete the molecule")
        refuse("a residue of no force field", ["unknown.pdb", *more], "residue XYZ 4 of chain A: the force field has no residue of this name", "it knows ALA")
    refuse("an atom too many", ["phosphate.pdb", "--hydrogens"], "residue G 1 of chain A: atoms that the force field does not know there: OP3")
    refuse("force field", [heavy, "--forcefield", "amber2000.xml"], "--forcefield amber2000.xml: ", "amber14, amber99sbildn, charmm36")
    refuse("implicit water", [heavy, "--implicit", "obc9"], "obc9", "obc2")
    refuse("two waters", [heavy, "--implicit", "obc2", "--explicit", "tip3p"], "not allowed with")
    refuse("padding", [heavy, "--explicit", "tip3p", "--padding", "two"], "--padding: 'two'; allowed: a number greater than 0")
    refuse("unknown option", [heavy, "--forcefeild", "amber14"], "--forcefeild")
    write("copy.pdb", peptide)
    refuse("the molecule itself", ["copy.pdb", "--hydrogens"], "copy.pdb would be written over", "choose another name")


shipped_again()
own_obc2()
can_be_run()
mistakes()
finish()
