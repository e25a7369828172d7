"""The fuzzer finds what is planted, says where, makes it small, and does the same for the same seed."""

import io
import json
import os
import random
import time
import zipfile

import numpy as np
import pytest

from tests.fuzz import mutations, search, seeds, targets, workers

LIMITS = workers.Limits(memory=200 * 2**20)
TREE = {"size": 64, "names": ["a", "b"], "source": {"commit": None}}


def toy(folder):
    """Does to every input what its first letter says."""

    def attempt(path):
        data = path.read_bytes()
        if b"die" in data:
            os.abort()
        if b"wait" in data:
            time.sleep(60)
        if b"eat" in data:
            eaten = [np.ones(2**23) for _ in range(50)]  # 64 MB each
            time.sleep(len(eaten))
        if b"key" in data:
            raise KeyError("size")
        if b"decode" in data:
            b"\xff".decode()
        if b"unnamed" in data:
            raise ValueError("expected something else")
        if b"leave" in data:
            raise SystemExit
        if b"refuse" in data:
            raise ValueError(f"{path}: expected something else")
        return f"{len(data)} bytes"

    return attempt


def toy_seeds(folder):
    return {"a.txt": b"abc", "b.txt": b"0123456789"}


def broken(folder):
    raise ImportError("no such module")


TOY = targets.Kind(toy, toy_seeds, mutations.BYTES)
ALL = {"bytes": mutations.BYTES, "json": mutations.JSON, "table": mutations.TABLE, "words": mutations.WORDS}
ALL["archive"] = mutations.ARCHIVE
INPUTS = {
    "bytes": [bytes(range(256)), b"", b"x"],
    "json": [json.dumps(TREE).encode(), b"{}", b"[]"],
    "table": [b"step,seconds\n1,2.5\n2,5\n", b"file,action\n", b"\n"],
    "words": [b'["train", "store", "run", "--steps", "1"]', b"[]"],
}
archive = io.BytesIO()
np.savez(archive, a=np.zeros((4, 3), np.float32), b=np.int64(7))
INPUTS["archive"] = [archive.getvalue(), b""]


@pytest.fixture(scope="module")
def worker():
    worker = workers.Worker(TOY, LIMITS)
    yield worker
    worker.close()
    assert not worker.folder.exists()


# ---- mutations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ALL)
def test_mutations_depend_on_their_seed_alone_and_never_fail(family):
    inputs = INPUTS[family]

    def mutated(seed):
        rng = random.Random(seed)
        return mutations.mutate(rng.choice(inputs), rng, inputs, ALL[family])

    first = [mutated(seed) for seed in range(400)]
    assert first == [mutated(seed) for seed in range(400)]
    assert all(isinstance(data, bytes) for data in first)
    assert len(set(first)) > 100


@pytest.mark.parametrize(
    "mutation", mutations.BYTES + mutations.TABLE, ids=lambda mutation: mutation.__name__
)
def test_every_mutation_changes_something(mutation):
    text = INPUTS["table"][0]
    changed = [mutation(text, random.Random(seed), [text, b"other"]) != text for seed in range(50)]
    assert sum(changed) > 25


def test_json_stays_json_and_every_place_is_reached():
    data = json.dumps(TREE).encode()
    trees = [json.loads(mutations.change_json(data, random.Random(seed), [data])) for seed in range(2000)]
    assert any(not isinstance(tree, dict) for tree in trees)
    trees = [tree for tree in trees if isinstance(tree, dict)]
    for name in TREE:
        assert any(name not in tree for tree in trees)
        assert len({type(tree[name]) for tree in trees if name in tree}) >= 6
    assert any(isinstance(tree.get("source"), dict) and tree["source"].get("commit") for tree in trees)


def test_changed_archives_pass_their_own_checksums():
    wrong = 0
    for seed in range(200):
        data = mutations.change_member(INPUTS["archive"][0], random.Random(seed), INPUTS["archive"])
        with zipfile.ZipFile(io.BytesIO(data)) as changed:
            assert changed.testzip() is None
            wrong += {name: changed.read(name) for name in changed.namelist()} != {
                name: zipfile.ZipFile(archive).read(name) for name in ("a.npy", "b.npy")
            }
    assert wrong > 150


# ---- workers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sort", "what"),
    [
        (b"x", "result", "1 bytes"),
        (b"refuse", "refused", "expected something else"),
        (b"die", "died", "SIGABRT"),  # what follows is tried by a new process
        (b"key", "foreign", "KeyError: 'size'"),
        (b"decode", "foreign", "UnicodeDecodeError"),  # a ValueError, but not the package's
        (b"unnamed", "unnamed", "expected something else"),
        (b"leave", "foreign", "SystemExit"),
        (b"eat", "memory", "over 200 MB"),
        (b"xy", "result", "2 bytes"),
    ],
)
def test_what_is_planted_is_found(worker, data, sort, what):
    verdict = worker.attempt("input.txt", data)
    assert verdict.sort == sort
    assert what in verdict.what


def test_a_hang_is_found():
    worker = workers.Worker(TOY, LIMITS._replace(seconds=1.0))
    verdict = worker.attempt("input.txt", b"wait")
    worker.close()
    assert (verdict.sort, verdict.what) == ("hang", "over 1 s")


def test_a_worker_that_cannot_be_prepared_says_why():
    with pytest.raises(RuntimeError, match="ImportError: no such module"):
        workers.Worker(targets.Kind(broken, toy_seeds, mutations.BYTES))


def test_an_input_has_a_folder_of_its_own(worker):
    worker.attempt("one.txt", b"x")
    worker.attempt("two.txt", b"x")
    assert [path.name for path in worker.folder.rglob("*.txt")] == ["two.txt"]


def test_the_place_of_an_exception_is_the_packages_deepest_line(tmp_path):
    from vgcourse import video

    (tmp_path / "a.mp4").write_bytes(b"no video")
    verdict = workers.judge(lambda path: video.probe(str(path)), tmp_path / "a.mp4", ())
    assert verdict.sort == "refused"
    verdict = workers.judge(lambda path: video.read_clip(path, num_frames=0), tmp_path / "a.mp4", ())
    assert verdict.sort == "unnamed"
    assert verdict.place.startswith("vgcourse/arguments.py:")
    assert verdict.key == workers.judge(lambda path: video.read_clip(path, num_frames=-7), tmp_path, ()).key


# ---- the command line ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "sort", "what"),
    [
        (lambda: print("done"), "result", "done"),
        (
            lambda: end(1, "vgcourse: warning: w\nvgcourse: error: a.mp4: damaged\n"),
            "refused",
            "a.mp4: damaged",
        ),
        (lambda: end(2, "vgcourse: error: no such option\n"), "refused", ""),
        (lambda: end(3, "vgcourse: error: a.mp4\n"), "misbehaved", "exit code 3"),
        (lambda: end(1, ""), "misbehaved", "0 lines"),
        (lambda: end(1, "vgcourse: error: a.mp4\nvgcourse: error: a.mp4\n"), "misbehaved", "2 lines"),
        (lambda: end(1, "Traceback\nvgcourse: error: a.mp4\n"), "misbehaved", "Traceback"),
        (lambda: end(1, "vgcourse: error: \n"), "misbehaved", "says nothing"),
        (lambda: end(1, "vgcourse: error: KeyError: 'a.mp4' (--debug shows where)\n"), "foreign", "KeyError"),
    ],
)
def test_what_a_command_may_do(monkeypatch, tmp_path, ending, sort, what):
    from vgcourse import __main__ as command_line

    monkeypatch.setattr(command_line, "main", ending)
    verdict = workers.judge(lambda path: targets.command(["probe"]), tmp_path / "a.mp4", None)
    assert verdict.sort == sort
    assert what in verdict.what


def end(code, text):
    import sys

    print(text, end="", file=sys.stderr)
    try:
        raise KeyError("a.mp4")
    except KeyError:
        sys.exit(code)


# ---- search ----------------------------------------------------------------------------------------------


def planted(monkeypatch, num_seeds, *contents):
    """These inputs and no others; the first ones are seeds."""
    inputs = [(number < num_seeds, "a.txt", content) for number, content in enumerate(contents)]
    monkeypatch.setattr(search, "inputs", lambda *_, **__: inputs)


def test_findings_are_counted_made_small_and_can_be_repeated(tmp_path, monkeypatch):
    planted(monkeypatch, 1, b"abc", b"junk die junk", b"fine", b"die at another place", b"12345unnamed")
    monkeypatch.setattr(search, "MINIMISING", 3)
    counts, found = search.fuzz("toy", TOY, seed=0, seconds=0, save=tmp_path, limits=LIMITS)
    assert counts == {"result": 2, "died": 2, "unnamed": 1}
    assert [(finding.verdict.sort, finding.times) for finding in found] == [("died", 2), ("unnamed", 1)]
    small = [finding.path.read_bytes() for finding in found]
    assert b"die" in small[0]  # as small as it became in the time: every try needs a new process
    assert small[1] == b"unnamed"
    lines = (tmp_path / "findings.txt").read_text().splitlines()
    assert lines[1].strip() == f"uv run python -m tests.fuzz --kind toy --repeat {found[0].path}"


@pytest.mark.parametrize("guarded", [True, False])
def test_another_result_than_a_seeds_is_a_finding_where_checksums_promise_none(
    tmp_path, monkeypatch, guarded
):
    planted(monkeypatch, 2, b"abc", b"0123456789", b"xyz", b"forged")
    kind = TOY._replace(guarded=guarded)
    counts, found = search.fuzz("toy", kind, seed=0, seconds=0, save=tmp_path, limits=LIMITS)
    assert counts == ({"result": 3, "other result": 1} if guarded else {"result": 4})
    assert [finding.path.read_bytes() for finding in found] == ([b"forged"] if guarded else [])


def test_an_input_depends_on_seed_kind_and_number():
    def some(seed, name):
        made = toy_seeds(None)
        return [search.input_number(number, name, TOY, made, seed) for number in range(30)]

    assert some(1, "toy") == some(1, "toy")
    assert some(1, "toy")[:2] == some(2, "other")[:2] == [("a.txt", b"abc"), ("b.txt", b"0123456789")]
    assert some(1, "toy")[2:] != some(2, "toy")[2:]
    assert some(1, "toy")[2:] != some(1, "other")[2:]


@pytest.mark.parametrize(
    ("data", "needed", "smallest"),
    [
        (bytes(1000) + b"A" + bytes(500) + b"B" + bytes(7), lambda d: b"A" in d and b"B" in d, b"AB"),
        (b'{"a": 1, "b": [2, 3], "c": null}', lambda d: b"[2, 3]" in d, b'{"b": [2, 3]}'),
        (b'["train", "s", "r", "--seed", "x"]', lambda d: b"seed" in d and b"x" in d, b'["--seed", "x"]'),
    ],
)
def test_minimising_keeps_what_the_finding_needs(data, needed, smallest):
    assert search.minimised(data, needed) == smallest


def test_seeds_are_the_same_every_time(tmp_path):
    first, second = seeds.videos(tmp_path), seeds.videos(tmp_path)
    assert first == second
    assert len(first) > 12
    assert seeds.checkpoint(tmp_path) == seeds.checkpoint(tmp_path)
