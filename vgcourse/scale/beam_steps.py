"""Outgrow, the steps of a Beam job: the way from a folder of videos to a store, each one alone, in any order.

`beam` has them done by many processes or machines. The store is, byte for byte, the one that
`datasets.save_clips` makes of `datasets.iter_folder`: videos in the order of their names, all clips of one
before those of the next, whoever read them.

Workers share files and send no clips: the videos and the store's parent must be within reach of all of them
under the same name (a shared file system, or addresses such as `gs://bucket/videos`). Work in progress lies
beside the store, in `.STORE-work`, or `STORE-work` where it is an address:
    videos.jsonl          the videos, one a line
    parts/KEY.tfrecord    the clips of one video; KEY is a hash of its name, size, time and the settings
    parts/KEY.json        its row, written last: where there is one, the video is done
    report.json           all rows, once every video is done
    store/                the shards, before they go to their place (at an address they are there at once)
    shards.json           their rows in the index
    workers.log           what workers on this machine have to say
Every file is written under another name and renamed when whole. A job that was killed and is started again
reads only the videos that are missing, or have changed in between, and puts the shards together anew.
"""

import hashlib
import json
import os
from collections import defaultdict, namedtuple
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from vgcourse import video
from vgcourse.datasets import folders
from vgcourse.datasets import store as stores
from vgcourse.scale import addresses
from vgcourse.scale.addresses import FileSystems


class Settings(NamedTuple):
    """How videos become a store: see `datasets.clips_from_folder` and `datasets.save_clips`."""

    size: int
    num_frames: int
    fps: float
    shard_bytes: int = stores.SHARD_BYTES


# `place` in the order of names; `address`: where workers read it; `shown`: how messages call it; `file`: its
# path below the folder; `stamp`: size and time of change.
Video = namedtuple("Video", "place address shown file action stamp")


# ---- the list of videos ----------------------------------------------------------------------------------


def list_videos(folder, settings, report):
    """List the videos of a folder, by the rules of `datasets.iter_folder`.

    Args:
        folder: a path or an address, as text.
        settings: `Settings`.
        report: as for `datasets.folders.find_videos`.

    Returns:
        `(list of Video, their labels, the labels that are actions)`; the first two in the order of the file
        names.

    Raises:
        ValueError: there is no such folder, or no video in it.
    """
    found = list((_find_at_address if addresses.is_address(folder) else _find_in_folder)(folder, report))
    if not found:
        raise ValueError(f"{folder}: expected videos ({' '.join(folders.VIDEO_SUFFIXES)}), received none")
    labels = [label for *_, label in found]
    names = folders.labels_with_clips(
        [(address, label) for address, *_, label in found],
        lambda address, reading: next(_clips(address, settings, reading)),
    )
    actions = {label: names.index(label) if label in names else -1 for label in labels}
    videos = [Video(place, *row, actions[label], stamp) for place, (*row, stamp, label) in enumerate(found)]
    return videos, labels, names


def _clips(address, settings, reading):
    size, num_frames, fps, _ = settings
    with addresses.local_file(address) as path:
        yield from folders.iter_clips(path, size=size, num_frames=num_frames, fps=fps, reading=reading)


def _find_in_folder(folder, report):
    """Yields `(address, shown, file, stamp, label)` of every video."""
    for path, label in folders.find_videos(Path(folder), report):
        try:
            stamp = [path.stat().st_size, path.stat().st_mtime_ns]
        except OSError:  # a broken link, for example: the report will say so
            stamp = None
        yield os.path.abspath(path), str(path), folders.printable(path.relative_to(folder)), stamp, label


def _find_at_address(folder, report):
    """The same, of an address; the rules are those of `datasets.find_videos`."""
    folder = folder.rstrip("/")
    found = [(file.path[len(folder) + 1 :].split("/"), file) for file in addresses.list_files(folder)]
    for parts, file in sorted(found, key=lambda pair: pair[0]):
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and Path(parts[-1]).suffix.lower() in folders.VIDEO_SUFFIXES:
            label = parts[0] if len(parts) > 1 else folder.rsplit("/", 1)[-1]
            stamp = [file.size_in_bytes, file.last_updated_in_seconds]
            if folders.is_usable_label(label, "/".join(parts), report):
                yield file.path, file.path, "/".join(parts), stamp, label


# ---- the steps -------------------------------------------------------------------------------------------


def make_part(line, work, settings):
    """Write the clips of one video to a file of records, unless that was done already.

    Args:
        line: a `Video`, as JSON.
        work: the work folder.
        settings: `Settings`.

    Returns:
        The video's place and its row, a dict: `part`, `clips`, `num_bytes` and `report`, the fields of its
        `FileReport`.
    """
    item = Video(*json.loads(line))
    key = hashlib.sha256(json.dumps([stores.STORE_FORMAT, *item[1:], *settings[:3]]).encode()).hexdigest()
    part, row_place = (FileSystems.join(work, "parts", f"{key}.{end}") for end in ("tfrecord", "json"))
    row = addresses.read_json(row_place) if FileSystems.exists(row_place) else None
    if row is None or addresses.size(part) != row["num_bytes"]:
        reading = folders.Reading()
        try:
            clips, num_bytes = _write_part(item, part, settings, reading)
            report = (item.file, "read", "", clips, reading.still)
        except video.VideoError as error:
            clips, num_bytes = 0, 0
            report = (item.file, "skipped", folders.printable(error), 0, reading.still)
        row = {"part": part, "clips": clips, "num_bytes": num_bytes, "report": report}
        addresses.write_json(row_place, row)
    return item.place, row


def _write_part(item, part, settings, reading):
    """Streams the clips of a video to a file; `(clips, bytes)`. A VideoError says why it cannot be used."""
    size, num_frames, fps, _ = settings
    options, clips = {"size": size, "num_frames": num_frames, "fps": fps, "reading": reading}, 0
    with addresses.local_file(item.address) as path, addresses.new_place(part) as partial:
        with tf.io.TFRecordWriter(str(partial)) as writer:
            try:
                for clip in folders.iter_clips(path, **options):
                    writer.write(stores.serialise(clip, item.action, -1, item.file))
                    clips += 1
            except (ValueError, OSError, MemoryError) as error:  # a disk that is full is none of them
                raise video.VideoError(folders.fault(error, path).replace(path, item.shown)) from None
        return clips, partial.stat().st_size


def plan_shards(rows, settings):
    """Decide which clips make up which shard.

    Args:
        rows: of all videos, each with its place, in any order.
        settings: `Settings`.

    Returns:
        A list of `(place, num_clips, pieces)`, one a shard; `pieces` are `(part, first byte, byte after the
        last)`.
    """
    shape = (settings.num_frames, settings.size, settings.size, 3)
    per_shard = stores.clips_per_shard(shape, settings.shard_bytes)
    pieces, before = defaultdict(list), 0
    for row in (row for _, row in sorted(rows) if row["clips"]):
        clips = row["clips"]
        record = row["num_bytes"] // clips  # all records of a video have one length
        for shard in range(before // per_shard, -(-(before + clips) // per_shard)):
            start = shard * per_shard - before
            first, last = max(start, 0), min(start + per_shard, clips)
            pieces[shard].append((row["part"], first * record, last * record))
        before += clips
    return [(shard, min(per_shard, before - shard * per_shard), pieces[shard]) for shard in sorted(pieces)]


def make_shard(shard, folder):
    """Put a shard together out of pieces of parts.

    Args:
        shard: one of `plan_shards`.
        folder: where to write it.

    Returns:
        Its place and its row in the index, a dict.

    Raises:
        OSError: a part is not as long as it was.
    """
    place, num_clips, pieces = shard
    row = {"file": stores.shard_name(place), "num_clips": num_clips}
    with addresses.new_place(FileSystems.join(folder, row["file"])) as path, path.open("w+b") as target:
        for part, first, last in pieces:
            with FileSystems.open(part) as source:
                source.seek(first)
                if target.write(source.read(last - first)) != last - first:
                    raise OSError(f"{part}: expected {last} bytes or more, received fewer")
        row["num_bytes"] = target.tell()
        target.seek(0)
        row["sha256"] = hashlib.file_digest(target, "sha256").hexdigest()
    return place, row


def keep_rows(rows, place):
    """Write `rows`, each with its place, in their order to the file at `place`."""
    addresses.write_json(place, [row for _, row in sorted(rows)])
