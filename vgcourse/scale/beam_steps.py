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
    store-KEY/            the shards; KEY is a hash of what goes into them
    shards-KEY/           a row for each finished shard
    workers.log           what workers on this machine have to say
Every file is written under another name and renamed when whole. A job that was killed and is started again
makes only what is missing; a video that changed in between is read again.
"""

import hashlib
import json
import os
from collections import namedtuple
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from vgcourse import video
from vgcourse.datasets import folders
from vgcourse.datasets import store as stores
from vgcourse.scale import addresses

REPORT = "report.json"


class Settings(NamedTuple):
    """How videos become a store: see `datasets.clips_from_folder` and `datasets.save_clips`."""

    size: int
    num_frames: int
    fps: float | None = None
    shard_bytes: int = stores.SHARD_BYTES


# `place` in the order of names; `address`: where workers read it; `shown`: how messages call it; `file`: its
# path below the folder; `stamp`: size and time of change.
Video = namedtuple("Video", "place address shown file action stamp")


# ---- the list of videos ----------------------------------------------------------------------------------


def list_videos(folder):
    """List the videos of a folder, by the rules of `datasets.clips_from_folder`.

    Args:
        folder: a path or an address, as text.

    Returns:
        `(list of Video, their labels)`, in the order of the file names.

    Raises:
        ValueError: there is no such folder, or no video in it.
    """
    find = _find_at_address if addresses.is_address(folder) else _find_in_folder
    found = find(folder)
    labels = [label for *_, label in found]
    actions = {label: action for action, label in enumerate(sorted(set(labels)))}
    videos = [Video(place, *row, actions[label], stamp) for place, (*row, stamp, label) in enumerate(found)]
    return videos, labels


def _find_in_folder(folder):
    """`(address, shown, file, stamp, label)` of every video."""
    found = []
    for path, label in folders.find_videos(Path(folder)):
        try:
            stamp = [path.stat().st_size, path.stat().st_mtime_ns]
        except OSError:  # a broken link, for example: the report will say so
            stamp = None
        file = folders.printable(path.relative_to(folder))
        found.append((os.path.abspath(path), str(path), file, stamp, label))
    return found


def _find_at_address(folder):
    """The same, of an address; the rules are those of `datasets.find_videos`."""
    found = []
    for address, *stamp in addresses.list_files(folder):
        parts = address[len(folder.rstrip("/")) + 1 :].split("/")
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and Path(parts[-1]).suffix.lower() in folders.VIDEO_SUFFIXES:
            label = parts[0] if len(parts) > 1 else folder.rstrip("/").rsplit("/", 1)[-1]
            found.append((parts, (address, address, "/".join(parts), stamp, label)))
    if not found:
        raise ValueError(f"{folder}: expected videos ({' '.join(folders.VIDEO_SUFFIXES)}), received none")
    return [row for _, row in sorted(found)]


# ---- the steps -------------------------------------------------------------------------------------------


def make_part(line, work, settings):
    """Write the clips of one video to a file of records, unless that was done already.

    Args:
        line: a `Video`, as JSON.
        work: the work folder.
        settings: `Settings`.

    Returns:
        The video's row, a dict: `place`, `part`, `clips`, `num_bytes`, `fps` and `report`, the fields of its
        `FileReport`.
    """
    item = Video(*json.loads(line))
    key = _key([stores.STORE_FORMAT, *item[1:], *settings[:3]])
    part = addresses.join(work, "parts", f"{key}.tfrecord")
    row_place = addresses.join(work, "parts", f"{key}.json")
    row = _finished(row_place, part)
    if row is None:
        try:
            row = _write_part(item, part, settings)
        except ValueError as error:
            reason = folders.printable(str(error))
            row = {"clips": 0, "num_bytes": 0, "fps": 0.0, "report": (item.file, "skipped", reason, 0)}
        _write_json(row_place, row)
    return {**row, "part": part, "place": item.place}


def _write_part(item, part, settings):
    """Streams the clips of a video to a file; its row. A ValueError says why the video cannot be used."""
    count = 0
    with addresses.new_file(part) as partial:
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for clip in _readable_clips(item, settings):
                writer.write(stores.serialise(clip, item.action, -1, item.file))
                count += 1
        num_bytes = partial.stat().st_size
    rate = float(settings.fps or _rate(item))
    report = (item.file, "read", "", count)
    return {"clips": count, "num_bytes": num_bytes, "fps": rate, "report": report}


def _readable_clips(item, settings):
    """The clips of a video; every reason why it cannot be read is a ValueError that calls it as `shown`."""
    try:
        with addresses.local_file(item.address) as path:
            try:
                size, num_frames, fps, _ = settings
                yield from folders.iter_clips(path, size=size, num_frames=num_frames, fps=fps)
            except (ValueError, OSError) as error:
                raise ValueError(str(error).replace(path, item.shown)) from None
    except OSError as error:  # of the address
        raise ValueError(f"{item.shown}: {error}") from None


def _rate(item):
    with addresses.local_file(item.address) as path:
        return video.probe(path).fps


def report_and_plan(rows, work, settings):
    """Write the report of all videos, in order, and return the plan, as `plan_shards` makes it.

    Args:
        rows: of all videos, in any order.
        work: the work folder.
        settings: `Settings`.
    """
    rows = sorted(rows, key=lambda row: row["place"])
    _write_json(addresses.join(work, REPORT), rows)
    return plan_shards(rows, settings)


def plan_shards(rows, settings):
    """Decide which clips make up which shard.

    Args:
        rows: of all videos, in order.
        settings: `Settings`.

    Yields:
        A dict a shard: its `number`, `key` of them all, `num_clips`, and `pieces`, a list of `(part, first
        byte, byte after the last)`.
    """
    rows = [row for row in rows if row["clips"]]
    key = _key([settings.shard_bytes, *((row["part"], row["clips"]) for row in rows)])
    shape = (settings.num_frames, settings.size, settings.size, 3)
    room = per_shard = stores.clips_per_shard(shape, settings.shard_bytes)
    number, pieces = 0, []
    for row in rows:
        record = row["num_bytes"] // row["clips"]  # all records of a video have one length
        first = 0
        while first < row["clips"]:
            last = min(row["clips"], first + room)
            pieces.append((row["part"], first * record, last * record))
            room, first = room - (last - first), last
            if not room:
                yield {"number": number, "key": key, "num_clips": per_shard, "pieces": pieces}
                number, room, pieces = number + 1, per_shard, []
    if pieces:
        yield {"number": number, "key": key, "num_clips": per_shard - room, "pieces": pieces}


def make_shard(shard, work):
    """Put a shard together out of pieces of parts, unless that was done already.

    Args:
        shard: one of `plan_shards`.
        work: the work folder.

    Returns:
        The shard's row in the index, a dict: `file`, `num_clips`, `num_bytes`, `sha256`.
    """
    place, row_place = _shard_places(shard, work)
    row = _finished(row_place, place)
    if row is None:
        with addresses.new_file(place) as partial:
            num_bytes, sha256 = _join_pieces(shard["pieces"], partial)
        name = stores.shard_name(shard["number"])
        row = {"file": name, "num_clips": shard["num_clips"], "num_bytes": num_bytes, "sha256": sha256}
        _write_json(row_place, row)
    return row


def _join_pieces(pieces, path):
    """Copies ranges of bytes one after the other to `path`; returns `(bytes, sha256)`."""
    sha256, written = hashlib.sha256(), 0
    with open(path, "wb") as target:
        for part, first, last in pieces:
            with addresses.open_file(part) as source:
                source.seek(first)
                while first < last and (data := source.read(min(addresses.COPY_BYTES, last - first))):
                    target.write(data)
                    sha256.update(data)
                    first, written = first + len(data), written + len(data)
            if first < last:
                raise OSError(f"{part}: expected {last} bytes or more, received {first}")
    return written, sha256.hexdigest()


# ---- the end ---------------------------------------------------------------------------------------------


def read_report(work):
    """Return the rows of all videos, in order, that `report_and_plan` wrote to the folder `work`."""
    return _read_json(addresses.join(work, REPORT))


def finish_store(store, work, settings, *, action_names, rows):
    """Put the finished shards where the store belongs, and delete the work folder.

    Args:
        store: the store's place; at a path, what is there is replaced.
        work: the work folder.
        settings: `Settings`.
        action_names: names of the actions.
        rows: of all videos, in order.

    Returns:
        The store's index.
    """
    plan = list(plan_shards(rows, settings))
    row_places = [_shard_places(shard, work)[1] for shard in plan]
    shape = (settings.num_frames, settings.size, settings.size, 3)
    rate = next(row["fps"] for row in rows if row["clips"])
    index = stores.make_index(shape, action_names, rate, [_read_json(place) for place in row_places])
    finished = addresses.join(work, f"store-{plan[0]['key']}")
    if addresses.is_address(store):
        for name in (shard["file"] for shard in index["shards"]):
            addresses.move(addresses.join(finished, name), addresses.join(store, name))
        _write_json(addresses.join(store, stores.INDEX_NAME), index)  # last: without one, it is no store
    else:
        _write_json(addresses.join(finished, stores.INDEX_NAME), index)
        stores.put_in_place(finished, Path(store), Path(work, "replaced"))
    addresses.remove_folder(work)
    return index


# ---- rows and keys ---------------------------------------------------------------------------------------


def _shard_places(shard, work):
    """Where a shard and its row go."""
    name = stores.shard_name(shard["number"])
    folders = [addresses.join(work, f"{kind}-{shard['key']}") for kind in ("store", "shards")]
    return addresses.join(folders[0], name), addresses.join(folders[1], f"{name}.json")


def _key(what):
    return hashlib.sha256(json.dumps(what).encode("ascii")).hexdigest()[:32]


def _finished(row_place, file):
    """The row of what was done already, or None; `file` must have as many bytes as it says."""
    row = _read_json(row_place) if addresses.exists(row_place) else None
    return row if row and addresses.size(file) == row["num_bytes"] else None


def _read_json(place):
    with addresses.open_file(place) as file:
        return json.loads(file.read())


def _write_json(place, content):
    with addresses.new_file(place) as path:
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
