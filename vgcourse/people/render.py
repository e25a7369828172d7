"""The actions data set as files: one MP4 per action and actor, and `labels.csv`.

Clips are uint8 [0, 255] with axes (time, height, width, channels).
"""

import csv
import hashlib
import os
import re
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path

import av
from tqdm import tqdm

from vgcourse import arguments
from vgcourse.files import NotWrittenError, local, new_file
from vgcourse.people.motions import ACTIONS, render_action
from vgcourse.video import VideoError

# Every eleventh actor: skin tones, which go round by tens, stay balanced in all three parts.
COLUMNS = ("file", "action", "actor", "split", "sha256")  # of `labels.csv`
VALIDATION_ACTORS, TEST_ACTORS = range(0, 80, 11), range(2, 80, 11)


def actor_split(actor):
    """Part of the data that an actor belongs to.

    Args:
        actor: int id; ids beyond the committed 80 are for training.

    Returns:
        "train", "validation" or "test".
    """
    if actor in VALIDATION_ACTORS:
        return "validation"
    return "test" if actor in TEST_ACTORS else "train"


def render_actions(folder, *, actions=ACTIONS, actors=range(80), seed=0, workers=2):
    """Render the data set: `walk/walk_007.mp4` and so on, 96x96, 25 fps, 2 s, H.264, and `labels.csv`.

    Files that are there already are kept. Every file is written under another name first, so a broken-off run
    leaves only whole files and can be started again.

    Args:
        folder: where to write; made if missing.
        actions: names out of `ACTIONS`.
        actors: int ids.
        seed: int, see `render_action`.
        workers: number of processes.

    Returns:
        Path of `labels.csv`, see `write_labels`.

    Raises:
        ValueError: an action is unknown, or the folder's `labels.csv` is of another kind.
        VideoError: the folder cannot be written.
    """
    for action in actions:
        arguments.one_of("actions", action, ACTIONS)
    folder = Path(local(folder))
    _check_own_table(folder / "labels.csv")
    try:
        for action in actions:
            (folder / action).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"{folder}: cannot write clips here ({error}); choose another folder.") from error
    jobs = [
        (folder / clip_name(action, actor), action, actor, seed) for action in actions for actor in actors
    ]
    jobs = [job for job in jobs if not job[0].exists()]
    # An executor, not a Pool: a worker that cannot start ends the run instead of being replaced for ever.
    num_workers, spawn = max(min(workers, len(jobs)), 1), get_context("spawn")
    stop = spawn.Event()
    alone = {"initializer": _begin_worker, "initargs": (stop,)}
    with ProcessPoolExecutor(num_workers, mp_context=spawn, **alone) as pool:
        try:
            for _ in tqdm(pool.map(_render_file, jobs, chunksize=4), total=len(jobs), unit="clip"):
                pass
        except BaseException:
            stop.set()  # for the clips that a process has already been given
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return write_labels(folder)


def _check_own_table(path):
    """Refuse to write over a table that `write_labels` has not made."""
    head = ",".join(COLUMNS)
    try:
        with path.open("rb") as file:
            found = file.read(len(head) + 1).decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise VideoError(f"{path}: cannot be read: {error.strerror or error}") from error
    if found != f"{head}\n":
        raise ValueError(
            f"{path}: a table of another kind, which would be written over; choose another folder"
        )


def clip_name(action, actor):
    """Where a clip lies in the folder: returns "walk/walk_007.mp4" for `action` "walk" and `actor` 7."""
    return f"{action}/{action}_{actor:03d}.mp4"


def write_labels(folder):
    """Write `labels.csv` for all clips that are in a folder.

    Args:
        folder: Path of the data set.

    Returns:
        Path of the table: columns file, action, actor, split, sha256; by action, then by actor.
    """
    rows = [COLUMNS]
    for action in ACTIONS:
        for path in sorted(folder.glob(f"{action}/{action}_*.mp4")):
            if not re.fullmatch("[0-9]{3,}", path.stem.removeprefix(f"{action}_")):
                continue  # a file of the user's
            actor = int(path.stem.rpartition("_")[2])
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            rows.append((clip_name(action, actor), action, actor, actor_split(actor), digest))
    table = folder / "labels.csv"
    with new_file(table) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return table


def _begin_worker(stop):
    """Ctrl-C reaches all processes: the first says so, the others finish the clip that they are at."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """Of a parent that was killed nobody tells its processes: they would wait for clips for ever."""
    parent_process().join()
    os._exit(1)


def _render_file(job):
    """Render and write one clip: (path, action, actor, seed), unless all are to stop."""
    if _stop.is_set():
        return
    path, action, actor, seed = job
    write_h264(path, render_action(action, actor, seed=seed))


def write_h264(path, clip, *, fps=25, crf=22):
    """Write a small MP4; slower and smaller than `video.write_video`: the data set must stay under 8 MB.

    Args:
        path: where to write it.
        clip: uint8 `(T, height, width, 3)`, height and width even.
        fps: frames per second.
        crf: quality of libx264, lower is better.

    Raises:
        VideoError: the file cannot be written.
    """
    options = {"crf": str(crf), "preset": "veryslow", "threads": "1"}
    try:
        with new_file(path) as part, av.open(str(part), "w") as container:
            stream = container.add_stream("libx264", rate=fps, options=options)
            stream.height, stream.width = clip.shape[1:3]
            stream.pix_fmt = "yuv420p"
            for frame in clip:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    except NotWrittenError as error:
        raise VideoError(str(error)) from error
    except av.FFmpegError as error:
        raise VideoError(f"{path}: cannot be written: {error}") from error
