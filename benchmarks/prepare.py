"""Videos and shards a second of `vgcourse prepare`: the plain path (threads) against Apache Beam (processes).

    python benchmarks/prepare.py [--files 2000] [--workers 2] [--size 64]

Reads copies of the actions set. Beam's time is split: starting the job and its workers (each imports
TensorFlow) is paid once, however many videos there are; it is measured with a corpus of a single video. The
stores must be equal, byte for byte. Needs the extra: pip install 'vgcourse[beam]'.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from vgcourse import datasets
from vgcourse.scale import beam, beam_steps

SHARD_BYTES = 4 * 2**20  # small, so that there are many to put together


def copy_videos(folder, count):
    """`count` videos in subfolders, the actions set over and over."""
    found = sorted((datasets.data_folder() / "actions").rglob("*.mp4"))
    for k in range(count):
        source = found[k % len(found)]
        target = folder / source.parent.name / f"{k:06d}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return folder


def plain(folder, store, settings):
    size, num_frames, fps, shard_bytes = settings
    parts = datasets.iter_folder(folder, size=size, num_frames=num_frames, fps=fps, report=[])
    datasets.save_clips(store, parts, shard_bytes=shard_bytes)


def by_beam(folder, store, settings, workers):
    arguments = beam.beam_arguments("direct", [f"direct_num_workers={workers}"])
    beam.prepare_folder(folder, store, settings, report=[], arguments=arguments)


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def contents(store):
    return {path.name: path.read_bytes() for path in store.iterdir()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=64)
    args = parser.parse_args()
    settings = beam_steps.Settings(args.size, 20, 10.0, SHARD_BYTES)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        one = copy_videos(scratch / "one", 1)
        videos = copy_videos(scratch / "videos", args.files)
        plain(one, scratch / "warm", settings)
        taken = {"plain": (0.0, seconds(plain, videos, scratch / "plain", settings))}
        by_beam(one, scratch / "warm Beam", settings, args.workers)
        start = seconds(by_beam, one, scratch / "start", settings, args.workers)
        total = seconds(by_beam, videos, scratch / "beam", settings, args.workers)
        taken[f"Beam, {args.workers} processes"] = (start, total - start)
        if contents(scratch / "plain") != contents(scratch / "beam"):
            raise SystemExit("the stores differ")
        num_shards = len(contents(scratch / "plain")) - 1
        print(f"{args.files} videos to {num_shards} shards of 4 MiB, {args.size}x{args.size}, equal stores\n")
        print(f"{'path':<20}{'start, s':>10}{'videos, s':>11}{'videos/s':>10}{'shards/s':>10}")
        for name, (begin, work) in taken.items():
            rates = f"{args.files / work:>10.0f}{num_shards / work:>10.2f}"
            print(f"{name:<20}{begin:>10.1f}{work:>11.1f}{rates}")


if __name__ == "__main__":
    main()
