"""Fuzzing, search: try inputs of one kind until the time is over, and make every finding small."""

import itertools
import json
import math
import random
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
    worker, counts, found, known = workers.Worker(kind, limits), Counter(), {}, set()
    try:
        for is_seed, source, data in inputs(name, kind, worker.seeds, seed=seed, seconds=seconds):
            verdict = worker.attempt(source, data)
            if is_seed:
                known.add(verdict.what)
            elif kind.guarded and verdict.sort == "result" and verdict.what not in known:
                verdict = workers.Verdict("other result", "no checksum noticed")
            counts[verdict.sort] += 1
            if verdict.sort in workers.GOOD:
                continue
            if verdict.key not in found:
                if not is_seed and verdict.sort != "other result":  # which depends on the seeds' results
                    data = minimised(data, lambda less: worker.attempt(source, less).key == verdict.key)  # noqa: B023
                path = _keep(save, f"{name}-{len(found)}", source, data, verdict)
                found[verdict.key] = Finding(verdict, path, 0)
            found[verdict.key] = found[verdict.key]._replace(times=found[verdict.key].times + 1)
    finally:
        worker.close()
    return counts, list(found.values())


def inputs(name, kind, seeds, *, seed, seconds):
    """Yield `(whether it is a seed, file name, bytes)`: all seeds, then mutated ones for so many seconds."""
    end = math.inf
    for number in itertools.count():
        if number == len(seeds):
            end = time.monotonic() + seconds
        if time.monotonic() >= end:
            return
        yield number < len(seeds), *input_number(number, name, kind, seeds, seed)


def input_number(number, name, kind, seeds, seed):
    """`(file name, bytes)` of an input: first the seeds as they are, then mutated ones."""
    rng, names = random.Random(f"{seed} {name} {number}"), sorted(seeds)
    if number < len(seeds):
        return names[number], seeds[names[number]]
    source = rng.choice(names)
    return source, mutations.mutate(seeds[source], rng, list(seeds.values()), kind.mutations)


def minimised(data, is_same):
    """Leave out of an input what its finding does not need: halves, quarters, at last single parts.

    Args:
        data: bytes; of a JSON text entries are left out, else bytes.
        is_same: a function of other bytes: whether they are the same finding.

    Returns:
        The bytes of the smallest input found.
    """
    end, (parts, join) = time.monotonic() + MINIMISING, _parts(data)
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
    except (ValueError, RecursionError):
        return data, bytes
    if isinstance(tree, dict):
        return list(tree.items()), lambda items: json.dumps(dict(items)).encode()
    if isinstance(tree, list):
        return tree, lambda items: json.dumps(items).encode()
    return data, bytes


def _keep(folder, title, source, data, verdict):
    """Write the input of a finding, and into `findings.txt` how to repeat it; returns its path."""
    kind, path = title.rpartition("-")[0], folder / f"{title}-{verdict.sort.replace(' ', '-')}" / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    with (folder / "findings.txt").open("a", encoding="utf-8") as file:
        file.write(
            f"{kind}: {verdict.sort}: {verdict.what} {verdict.place}\n"
            f"    uv run python -m tests.fuzz --kind {kind} --repeat {path}\n"
        )
    return path
