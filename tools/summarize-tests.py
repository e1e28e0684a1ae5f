#!/usr/bin/python3
"""Count the results of one or more `meson test` from their logs: skips with reasons, logs of failures, and last one line of counts.

Usage: summarize-tests.py TESTLOG.json [STATUS OF MESON TEST [TESTLOG.json STATUS]...]
"""

import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def parse(line):
    """A line that is cut off belongs to a test that did not end well."""
    try:
        return json.loads(line)
    except ValueError:
        return {"result": "ERROR", "name": "unreadable line of the log", "stdout": line}


def read_results(path):
    """One JSON object per line and finished test; a log that was never written holds none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return [parse(line) for line in log if line.strip()]
    except OSError as problem:
        print(f"check: {problem}", file=sys.stderr)
        return []


def show_failure(result):
    print(f"\n==== {result['result']}: {result['name']} (status {result.get('returncode')}, {result.get('duration', 0):.1f} s)")
    print(" ".join(result.get("command", [])))
    for stream in ("stdout", "stderr"):
        if result.get(stream):
            print(f"---- {stream}\n{result[stream].rstrip()}")


def show_skip(result):
    lines = (result.get("stdout") or "").strip().splitlines()
    reason = next((line.split("SKIP:", 1)[1].strip() for line in lines if "SKIP:" in line), "no reason given")
    print(f"skipped: {result['name']}: {reason}")


def count(path, status):
    """Tell of one log; returns how many passed, failed and were skipped."""
    results = read_results(path)
    passed = [r for r in results if r["result"] in PASSED]
    skipped = [r for r in results if r["result"] in SKIPPED]
    failed = [r for r in results if r["result"] not in PASSED | SKIPPED]
    for result in skipped:
        show_skip(result)
    for result in failed:
        show_failure(result)

    num_failed = len(failed)
    if num_failed == 0 and status != 0:
        print(f"check: meson test ended with status {status}, but its log shows no failure", file=sys.stderr)
        num_failed = 1
    if not results:
        print("check: no test ran", file=sys.stderr)
        num_failed = max(num_failed, 1)
    return len(passed), num_failed, len(skipped)


def main():
    paths, statuses = sys.argv[1::2], [int(status) for status in sys.argv[2::2]]
    counts = [count(path, status) for path, status in zip(paths, statuses + [0])]
    passed, failed, skipped = (sum(column) for column in zip(*counts))
    sys.stderr.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
