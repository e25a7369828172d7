"""Does the pipeline keep up? Reading a folder against bare PyAV, and how long a training step waits for data.

    python benchmarks/data_pipeline.py [--folder data/actions] [--files 200] [--rounds 5]

1. `clips_from_folder` (decode, scale, find cuts, stack, report) against the least anyone could do: PyAV's
   decode and `to_ndarray("rgb24")` of the same files with the same number of threads, results thrown away.
   Both read every file, so the ratio of videos a second is that of clips a second. The two take turns
   and the median of the rounds' ratios counts, since other work on the machine disturbs both alike.
   The second baseline tells PyAV to use one decoder thread a file, as `vgcourse.video` does. "CPU" is the
   same ratio in processor time: it holds on a machine that is busy with something else, where more threads
   get a larger share of the cores.
2. `make_dataset`: the share of time spent in `next()` when a step takes 50 ms, with the cores idle during
   the step (as with a GPU) and with every core at work (as on a laptop).
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import tensorflow as tf

from vgcourse import datasets

STEP = 0.05  # seconds


def bare_pyav(paths, thread_count=None):
    def read(path):
        with av.open(str(path)) as container:
            if thread_count:
                container.streams.video[0].codec_context.thread_count = thread_count
            return len([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(read, paths))


def timed(function):
    """Seconds on the clock and of all cores together."""
    start, start_cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - start_cpu


def compare_reading(folder, paths, rounds):
    jobs = {
        "bare PyAV": lambda: bare_pyav(paths),
        "bare PyAV, one decoder thread": lambda: bare_pyav(paths, 1),
        "64x64, own frames": lambda: datasets.clips_from_folder(folder, size=64, num_frames=16),
        "64x64, 10 fps": lambda: datasets.clips_from_folder(folder, size=64, num_frames=16, fps=10),
        "96x96, own frames": lambda: datasets.clips_from_folder(folder, size=96, num_frames=16),
    }
    for job in jobs.values():
        job()  # warm up, and fill the file cache
    seconds = [{name: timed(job) for name, job in jobs.items()} for _ in range(rounds)]
    print(f"{len(paths)} videos, {os.cpu_count()} threads, median of {rounds} rounds\n")
    print(f"{'reader':<32}{'videos/s':>9}{'of bare PyAV':>14}{'of one thread':>15}{'CPU':>7}")
    bare, one_thread = list(jobs)[:2]
    for name in jobs:
        rate = len(paths) / statistics.median(row[name][0] for row in seconds)
        ratios = [
            statistics.median(row[base][clock] / row[name][clock] for row in seconds)
            for base, clock in ((bare, 0), (one_thread, 0), (bare, 1))
        ]
        print(f"{name:<32}{rate:>9.0f}{ratios[0]:>14.2f}{ratios[1]:>15.2f}{ratios[2]:>7.2f}")


def idle_step():
    time.sleep(STEP)


def busy_step():
    end = time.perf_counter() + STEP
    product = tf.ones((512, 512))
    while time.perf_counter() < end:
        product = tf.matmul(product, product) * 1e-3  # takes every core
        product.numpy()


def waiting_share(clips, step, num_steps):
    """Share of time in `next()`; the first batch, which fills the pipeline, is left out."""
    batches = iter(datasets.make_dataset(clips, batch_size=16, seed=0, num_frames=16))
    next(batches)
    waited, start = 0.0, time.perf_counter()
    for _ in range(num_steps):
        step()
        waited += timed(lambda: next(batches))[0]
    return waited / (time.perf_counter() - start)


def compare_waiting(num_steps, store):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (640, 20, 64, 64, 3), dtype=np.uint8)
    clips = datasets.Clips(frames, np.arange(640) % 10, np.full(640, -1), tuple("abcdefghij"), 10.0)
    datasets.save_clips(store, clips)
    print(f"\nbatches of 16 clips of 16 frames, 64x64; {num_steps} steps of {STEP * 1000:.0f} ms\n")
    print(f"{'source':<12}{'cores':<8}{'waits for data':>15}")
    for source, what in (("memory", clips), ("shards", store)):
        for cores, step in (("idle", idle_step), ("busy", busy_step)):
            print(f"{source:<12}{cores:<8}{waiting_share(what, step, num_steps):>15.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=None, help="MP4s to read; else the actions set")
    parser.add_argument("--files", type=int, default=200, help="how many of them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    folder = args.folder or datasets.data_folder() / "actions"
    with tempfile.TemporaryDirectory() as scratch:
        # Every k-th file, so that all actions are among them.
        found = sorted(folder.rglob("*.mp4"))
        chosen = found[:: max(1, len(found) // args.files)][: args.files]
        paths = [Path(scratch, "videos", path.parent.name, path.name) for path in chosen]
        for source, path in zip(chosen, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        compare_reading(Path(scratch, "videos"), paths, args.rounds)
        compare_waiting(args.steps, Path(scratch, "store"))


if __name__ == "__main__":
    main()
