"""Compares what two runs have written, bit by bit, and names what differs.

Nothing is left out but what the caller names. Files hold no time of day and no folder name, so two runs of one input in folders of the same name
write the same files. Wall times stand in metrics.csv alone: of that the columns are compared that count rounds.
"""

import csv
import glob
import os

import h5py
import numpy

COUNTED_COLUMNS = ("round", "optimiser_step", "loss", "acceptance")


def _same_values(a, b):
    """The same bits; every NaN is like every other."""
    if a.dtype.kind == "f":
        bits = f"u{a.dtype.itemsize}"
        return bool(numpy.all((a.view(bits) == b.view(bits)) | (numpy.isnan(a) & numpy.isnan(b))))
    return bool(numpy.array_equal(a, b))


def _difference(a, b):
    """What differs between two arrays or attributes, or None."""
    a, b = numpy.ascontiguousarray(a), numpy.ascontiguousarray(b)
    if a.dtype != b.dtype:
        return f"type {a.dtype} and {b.dtype}"
    if a.shape != b.shape:
        return f"shape {a.shape} and {b.shape}"
    if _same_values(a, b):
        return None
    count, first = 0, None
    for index in numpy.ndindex(a.shape):
        if not _same_values(a[index:index + 1] if not index else a[index].reshape(1), b[index].reshape(1)):
            count, first = count + 1, index if first is None else first
    return f"{count} of {a.size} values, first [{', '.join(map(str, first))}]: {a[first]!r} and {b[first]!r}"


def _objects(file):
    """All groups and datasets by name; a hard link's second name counts too."""
    objects = {"/": file["/"]}

    def walk(group, prefix):
        for name in group:
            objects[prefix + name] = group[name]
            if isinstance(group[name], h5py.Group):
                walk(group[name], prefix + name + "/")

    walk(file["/"], "/")
    return objects


def _compare_objects(name, a, b, ignore):
    if type(a) is not type(b):
        return [f"{name}: a group in one, a dataset in the other"]
    found = []
    if isinstance(a, h5py.Dataset) and name not in ignore:
        difference = _difference(a[()], b[()])
        if difference:
            found.append(f"{name}: {difference}")
    for key in sorted(set(a.attrs) | set(b.attrs)):
        if f"{name}@{key}" in ignore:
            continue
        if key not in a.attrs or key not in b.attrs:
            found.append(f"{name}@{key}: in one only")
            continue
        difference = _difference(a.attrs[key], b.attrs[key])
        if difference:
            found.append(f"{name}@{key}: {difference}")
    return found


def differences(path_a, path_b, ignore=()):
    """What differs between two HDF5 files, a line each; `ignore`: names of datasets, and of attributes as '/group@name'."""
    for path in (path_a, path_b):
        if not os.path.exists(path):
            return [f"{path}: missing"]
    found = []
    with h5py.File(path_a, "r") as a, h5py.File(path_b, "r") as b:
        objects_a, objects_b = _objects(a), _objects(b)
        for name in sorted(set(objects_a) | set(objects_b)):
            if name in objects_a and name in objects_b:
                found += _compare_objects(name, objects_a[name], objects_b[name], ignore)
            elif name not in ignore:
                found.append(f"{name}: in one only")
    return [f"{os.path.basename(path_a)}: {line}" for line in found]


def metrics_rows(folder):
    """Counted columns of metrics.csv by round."""
    with open(os.path.join(folder, "metrics.csv"), newline="") as file:
        return {int(row["round"]): tuple(row[c] for c in COUNTED_COLUMNS) for row in csv.DictReader(file)}


def metrics_differences(folder_a, folder_b):
    """Rows that both have must agree, and the second must have all rows of the first; a stop may add one."""
    a, b = metrics_rows(folder_a), metrics_rows(folder_b)
    found = [f"metrics.csv: round {r} is missing" for r in a if r not in b]
    return found + [f"metrics.csv: {a[r]} and {b[r]}" for r in a if r in b and a[r] != b[r]]


def last_checkpoint(folder):
    return max(glob.glob(os.path.join(folder, "checkpoints", "round-*.h5")), default=os.path.join(folder, "checkpoints"))


def run_differences(folder_a, folder_b, ignore=(), metrics=True):
    """What differs between the results of two finished runs: all that tempera leaves but the log and the clock."""
    names = ["run.h5", "model.h5", "evaluation.h5"]
    names += sorted(os.path.relpath(path, folder_a) for path in glob.glob(os.path.join(folder_a, "trajectory", "*.h5")))
    names.append(os.path.relpath(last_checkpoint(folder_a), folder_a))
    found = []
    for name in names:
        found += differences(os.path.join(folder_a, name), os.path.join(folder_b, name), ignore)
    return found + (metrics_differences(folder_a, folder_b) if metrics else [])
