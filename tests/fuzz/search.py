"""Fuzzing, search: try inputs of one kind until the time is over, and make every finding small."""

import json
import random
import re
import time
from collections import Counter
from typing import NamedTuple

from tests.fuzz import mutations, workers

MINIMISING = 15  # seconds for one finding


class Finding(NamedTuple):
    """A finding: its verdict, the file that it is saved as, and how often it came."""

    verdict: workers.Verdict
    path: object
    times: int


def fuzz(name, kind, *, seed, seconds, save, limits=None):
    """Try mutated inputs of one kind.

    Args:
        name: of the kind.
        kind: a `targets.Kind`.
        seed: of the mutations: input number `k` of a kind depends on it and on `k` alone.
        seconds: how long; the seeds themselves are tried first in any case.
        save: folder for the inputs of findings.
        limits: `workers.Limits` for every input.

    Returns:
        `(Counter of the sorts of verdicts, list of Finding)`.
    """
    worker, counts, found = workers.Worker(kind, limits), Counter(), {}
    end, known = time.monotonic() + seconds, set()
    try:
        seeds, number = worker.seeds, 0
        while number < len(seeds) or time.monotonic() < end:
            source, data = input_number(number, name, kind, seeds, seed)
            verdict = worker.attempt(source, data)
            if number < len(seeds):
                known.add(verdict.what)
            elif kind.guarded and verdict.sort == "result" and verdict.what not in known:
                verdict = workers.Verdict("other result", "no checksum noticed")
            counts[verdict.sort] += 1
            number += 1
            if verdict.sort in workers.GOOD:
                continue
            if verdict.key in found:
                found[verdict.key] = found[verdict.key]._replace(times=found[verdict.key].times + 1)
                continue
            if verdict.sort != "other result":
                data = minimised(data, lambda less: worker.attempt(source, less).key == verdict.key)  # noqa: B023
            path = keep(save, name, len(found), source, data, verdict)
            found[verdict.key] = Finding(verdict, path, 1)
    finally:
        worker.close()
    return counts, list(found.values())


def input_number(number, name, kind, seeds, seed):
    """`(file name, bytes)` of an input: first the seeds as they are, then mutated ones."""
    rng, names = random.Random(f"{seed} {name} {number}"), sorted(seeds)
    if number < len(seeds):
        return names[number], seeds[names[number]]
    source = rng.choice(names)
    return source, mutations.mutate(seeds[source], rng, list(seeds.values()), kind.mutations)


def minimised(data, is_same, *, seconds=MINIMISING):
    """Leave out of an input what its finding does not need: halves, quarters, at last single parts.

    Args:
        data: bytes; of a JSON text entries are left out, else bytes.
        is_same: a function of other bytes: whether they are the same finding.
        seconds: how long to try.

    Returns:
        The bytes of the smallest input found.
    """
    end, (parts, join) = time.monotonic() + seconds, _parts(data)
    size = len(parts)
    while size := size // 2:
        begin = 0
        while begin < len(parts) and time.monotonic() < end:
            fewer = parts[:begin] + parts[begin + size :]
            if is_same(join(fewer)):
                parts = fewer
            else:
                begin += size
    return join(parts)


def _parts(data):
    """`(a sequence, the function that makes bytes of it)`."""
    try:
        tree = json.loads(data)
    except ValueError:
        return data, bytes
    if isinstance(tree, dict):
        return list(tree.items()), lambda items: json.dumps(dict(items)).encode()
    if isinstance(tree, list):
        return tree, lambda items: json.dumps(items).encode()
    return data, bytes


def keep(folder, name, number, source, data, verdict):
    """Write the input of a finding, and into `findings.txt` how to repeat it; returns its path."""
    sort = re.sub(r"\W+", "-", verdict.sort)
    path = folder / f"{name}-{number}-{sort}" / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    with (folder / "findings.txt").open("a", encoding="utf-8") as file:
        file.write(
            f"{name}: {verdict.sort}: {verdict.what} {verdict.place}\n"
            f"    uv run python -m tests.fuzz --kind {name} --repeat {path}\n"
        )
    return path
