"""Fuzzing: any file, any fault, and nothing may go wrong silently.

    uv run python -m tests.fuzz --minutes 10                      # all kinds, one after the other
    uv run python -m tests.fuzz --minutes 5 --kind video --seed 7
    uv run python -m tests.fuzz --kind video --repeat fuzz_findings/video-0-hang/a.avi

What may come of an input: a result; a `ValueError` of the package that names the file; of a command, exit
code 0, or 1 with one line that begins `vgcourse: error:`, or 2. All else is a finding: its input is made
small and saved, with a line that repeats it. Exit code 1 if there is one.
"""

import argparse
import sys
from pathlib import Path

from tests.fuzz import search, targets, workers


def main():
    words = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz all that vgcourse reads.")
    words.add_argument("--minutes", type=float, default=10.0, help="for all kinds together")
    words.add_argument("--seed", type=int, default=0, help="of the mutations")
    words.add_argument("--kind", action="append", choices=list(targets.KINDS), help="repeatable; all if none")
    words.add_argument("--save", type=Path, default=Path("fuzz_findings"), help="folder for findings")
    words.add_argument("--repeat", type=Path, help="try this one input of --kind as it is")
    given = words.parse_args()
    kinds = given.kind or list(targets.KINDS)
    if given.repeat:
        sys.exit(repeat(given.repeat, kinds[0]))
    seconds, any_found = 60 * given.minutes / len(kinds), False
    print(f"seed {given.seed}, {seconds:.1f} s for each kind")
    print(f"{'kind':20}{'tried':>8}{'results':>9}{'refused':>9}  findings")
    for name in kinds:
        counts, found = search.fuzz(
            name, targets.KINDS[name], seed=given.seed, seconds=seconds, save=given.save
        )
        bad = ", ".join(f"{number} {sort}" for sort, number in counts.items() if sort not in workers.GOOD)
        print(f"{name:20}{counts.total():8}{counts['result']:9}{counts['refused']:9}  {bad or '-'}")
        for finding in found:
            verdict = finding.verdict
            print(f"    {finding.times}x {verdict.sort} {verdict.place}: {verdict.what[:150]}")
            print(f"      {finding.path}")
        sys.stdout.flush()
        any_found = any_found or bool(found)
    sys.exit(1 if any_found else 0)


def repeat(path, name):
    """Try one saved input; returns the exit code."""
    worker = workers.Worker(targets.KINDS[name])
    try:
        verdict = worker.attempt(path.name, path.read_bytes())
    finally:
        worker.close()
    print(f"{name}: {verdict.sort} {verdict.place}: {verdict.what}")
    return 0 if verdict.sort in workers.GOOD else 1


if __name__ == "__main__":
    main()
