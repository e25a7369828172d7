"""Fuzzing, targets: what the package does with an input of each kind.

`KINDS` names, for every kind, the seeds, the mutations and a function `prepare(folder)` that runs once in a
worker and returns `attempt(path)`. That tries one input, which lies at `path` in an empty working folder, and
returns a short text that tells the result; what it raises is judged by `workers.judge`.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.fuzz import mutations, seeds


class Refused(Exception):
    """The command line said no, as it should: with exit code 2, or 1 and a line: the message."""


class Misbehaved(Exception):
    """The command line did what it must not; the message says what."""


class Kind(NamedTuple):
    """One kind of input.

    Attributes:
        prepare: see above.
        seeds: `seeds(folder)` -> a dict, file name -> bytes.
        mutations: functions of `mutations`.
        named: what a refusal may name instead of the file; None: it need not name anything.
        guarded: whether checksums promise that another result than a seed's cannot come out.
    """

    prepare: Callable
    seeds: Callable
    mutations: list
    named: tuple | None = ()
    guarded: bool = False


def command(words):
    """Run `vgcourse` with `words` in this process; returns what it printed.

    Raises:
        Refused: exit code 2, or 1 with one line of error.
        Misbehaved: another exit code, a traceback, another number of error lines.
        Exception: one that is not the package's own, from behind the line that `main` made of it.
    """
    from vgcourse import __main__ as main

    out, err, saved = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["vgcourse", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main.main()
        code, cause = 0, None
    except SystemExit as end:
        code, cause = end.code or 0, end.__context__
    finally:
        sys.argv = saved
    lines = [line for line in err.getvalue().split("\n") if line.startswith("vgcourse: error:")]
    if code == 0:
        return out.getvalue()
    if code not in (1, 2):
        raise Misbehaved(f"exit code {code!r}")
    if "Traceback" in err.getvalue() or (code == 1 and len(lines) != 1):
        raise Misbehaved(f"exit code 1 with {len(lines)} lines of error: {err.getvalue()[-300:]!r}")
    if "(--debug shows where)" in "".join(lines) and cause is not None:
        raise cause
    if code == 1 and len(lines[0]) < len("vgcourse: error: ") + 4:
        raise Misbehaved(f"an error that says nothing: {lines[0]!r}")
    raise Refused(err.getvalue())  # with the lines of what was skipped


def quietly():
    """Load TensorFlow and the command line without messages; one thread is enough for what is so small."""
    from vgcourse.classroom import start

    start.quiet()


# ---- videos ----------------------------------------------------------------------------------------------


def video(folder):
    from vgcourse import video

    def attempt(path):
        info = video.probe(path)
        whole = [frame.shape for frame in video.iter_frames(path, size=16)]
        resampled = video.read_clip(path, num_frames=2, fps=10, size=(16, 16))
        later = next(video.iter_frames(path, start=0.2), None)
        return seeds.digest(info, whole, resampled, later is None)

    return attempt


def prepare(folder):
    quietly()

    def attempt(path):
        Path("videos", "label").mkdir(parents=True)
        shutil.move(path, Path("videos", "label", path.name))
        return command(["prepare", "videos", "store", "--size", "32", "--num-frames", "4"])

    return attempt


# ---- tables and settings ---------------------------------------------------------------------------------


def labels(folder):
    quietly()
    from vgcourse import datasets, files

    os.environ["VGCOURSE_CACHE"] = str(folder / "cache")
    files.__file__ = str(folder / "vgcourse" / "files.py")  # where `data_folder` looks from

    def attempt(path):
        shutil.move(path, folder / "data" / "actions" / path.name)
        return seeds.digest(datasets.load_actions("test", size=8, num_frames=2))

    return attempt


def without_training():
    """Steps take too long here, and so does measuring: what is fuzzed is all that is around them."""
    from vgcourse.training import run

    for name, stand_in in (
        ("iter_training", lambda gan, batches, **_: iter(())),
        ("steps_for", lambda *_, **__: 10),
        ("pick_precision", lambda *_, **__: "float32"),
    ):
        if not hasattr(run, name):
            raise AttributeError(f"vgcourse.training.run has no {name} any more: tell tests/fuzz/targets.py")
        setattr(run, name, stand_in)


def config(folder):
    quietly()
    without_training()

    def attempt(path):
        Path("run").mkdir()
        shutil.move(path, "run/config.json")
        command(["train", str(folder / "store"), "run", "--resume"])
        return "went on"

    return attempt


def history(folder):
    quietly()
    from vgcourse import training

    return lambda path: seeds.digest(
        training.read_history(path.parent), training.read_history(path.parent, up_to=9)
    )


def cluster(folder):
    quietly()
    import tensorflow as tf

    from vgcourse.scale import strategies

    tf.distribute.MultiWorkerMirroredStrategy = (
        tf.distribute.get_strategy
    )  # the real one waits for the others

    def attempt(path):
        os.environ["TF_CONFIG"] = path.read_text("utf-8", "surrogateescape").replace("\0", "")
        return seeds.digest([strategies.make_strategy(name) is None for name in ("multi-worker", "auto")])

    return attempt


# ---- the store, checkpoints, the generator ---------------------------------------------------------------


def store(folder, *, resealed=False):
    """Load a store in which one file was changed; with `resealed` its checksums are made right again."""
    quietly()
    from vgcourse import datasets

    def attempt(path):
        shutil.copytree(seeds.store(folder), "store")
        shutil.move(path, Path("store", path.name))
        if resealed:
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                _reseal(Path("store"))
        batch, _ = next(iter(datasets.make_dataset("store", batch_size=1, seed=0)))
        clips = datasets.load_clips("store")
        return seeds.digest(
            clips.clips, clips.actions, clips.files, clips.fps, clips.action_names, batch.numpy()
        )

    return attempt


def resealed_store(folder):
    return store(folder, resealed=True)


def _reseal(folder):
    index = json.loads((folder / "index.json").read_text("utf-8"))
    for shard in index["shards"]:
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            content = (folder / shard["file"]).read_bytes()
            shard.update(num_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    index.pop("sha256", None)
    index["sha256"] = hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def checkpoint(folder):
    quietly()
    import keras

    from vgcourse import training

    def attempt(path):
        zeros = [keras.Variable(np.zeros((4, 3), np.float32)) for _ in range(4)]
        adam = [types.SimpleNamespace(variables=[variable]) for variable in zeros[2:]]
        gan = types.SimpleNamespace(weights=zeros[:2], g_optimizer=adam[0], d_optimizer=adam[1], step=10)
        Path("run").mkdir()
        shutil.move(path, Path("run", path.name))
        training.restore_checkpoint(gan, "run")
        return seeds.digest(*(np.asarray(variable) for variable in zeros))

    return attempt


def generator(folder):
    quietly()
    from vgcourse import generate

    def attempt(path):
        made = generate.load_generator(path)
        return seeds.digest(generate.sample(made, num_clips=1, seed=0).shape)

    return attempt


# ---- the command line ------------------------------------------------------------------------------------


def arguments(folder):
    quietly()
    without_training()
    seeds.store(folder)
    seeds.generator(folder)
    seeds.config(folder)
    (folder / "video.avi").write_bytes(seeds.videos(folder)["a.avi"])

    def attempt(path):
        words = json.loads(path.read_bytes())
        path.unlink()
        for place in ("videos/label/a.avi", "videos/label2/b.avi"):
            Path(place).parent.mkdir(parents=True)
            shutil.copy(folder / "video.avi", place)
        shutil.copy(folder / "generator.keras", ".")
        shutil.copytree(folder / "store", "store")
        if "--resume" in words:
            Path("run").mkdir()
            shutil.copy(folder / "config.json", "run")
        command([word.encode(errors="replace").decode() for word in words])
        return "done"

    return attempt


KINDS = {
    "video": Kind(video, seeds.videos, mutations.BYTES),
    "prepare": Kind(prepare, seeds.videos, mutations.BYTES),
    "labels": Kind(labels, seeds.labels, mutations.TABLE, named=(f"data{os.sep}actions{os.sep}",)),
    "history": Kind(history, seeds.history, mutations.TABLE),
    "config": Kind(config, seeds.config, mutations.JSON, named=("run:", "store:")),
    "cluster": Kind(cluster, seeds.cluster, mutations.JSON, named=("TF_CONFIG",)),
    "index": Kind(store, seeds.index, mutations.JSON, named=("store:", "store/", "shard-")),
    "resealed-index": Kind(resealed_store, seeds.index, mutations.JSON, named=("store:", "store/", "shard-")),
    "shard": Kind(store, seeds.shard, mutations.BYTES, guarded=True),
    "resealed-shard": Kind(
        resealed_store, seeds.shard, mutations.BYTES, named=("store:", "store/", "index.json")
    ),
    "checkpoint": Kind(checkpoint, seeds.checkpoint, mutations.BYTES, named=("run:",), guarded=True),
    "resealed-checkpoint": Kind(checkpoint, seeds.checkpoint, mutations.ARCHIVE, named=("run:",)),
    "generator": Kind(generator, seeds.generator, mutations.ARCHIVE),
    "arguments": Kind(arguments, seeds.words, mutations.WORDS, named=None),
}
